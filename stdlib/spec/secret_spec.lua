local limiq = require "limiq"
local spec = require "limiq.spec"

local secret = limiq.secret "hunter2 secret"

local function hides(f)
    local _, e = limiq.try(f)
    assert(e, "nothing was raised")
    local told = tostring(e) .. tostring(e.hint) .. tostring(e.cause)
    assert(not told:find "hunter2", told)
    return tostring(e)
end

spec.describe("a secret", function()
    spec.it("is none the less one for being decoded", function()
        for _, value in ipairs {
            limiq.json.decode(limiq.secret '{ "a": ["hunter2"] }').a[1],
            limiq.yaml.decode(limiq.secret "a: [hunter2]").a[1],
            limiq.base64.decode(limiq.base64.encode(secret)),
        } do
            spec.equal(tostring(value), "‹secret›")
        end
    end)

    spec.it("is not quoted where it cannot be read", function()
        hides(function() limiq.json.decode(limiq.secret '{ "a": hunter2 }') end)
        hides(function() limiq.yaml.decode(limiq.secret "a: {hunter2") end)
        hides(function() limiq.base64.decode(secret) end)
    end)

    spec.it("is not quoted by what is wrong with a cloud-config that holds it", function()
        local function up(user_data)
            return function()
                limiq.vm { name = "secretive", cloud_init = { user_data = user_data } }:up { start = false }
            end
        end
        local told = hides(up { write_files = { { path = "/x", encoding = secret } } })
        assert(told:find "‹secret›", told)
        hides(up { runcmd = secret })
        hides(up(limiq.secret "#cloud-config\npassword: {hunter2 secret\n"))
        hides(up(limiq.secret "hunter2 is no header\n"))
    end)
end)
