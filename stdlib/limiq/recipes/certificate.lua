local limiq = require "limiq"
local part = require "limiq.recipes.part"

---The families whose cloud-init knows where certificates are trusted.
local families = { debian = true, fedora = true, rhel = true, suse = true, alpine = true }

---The certificates of a text in PEM (RFC 7468).
local function certificates(what, text)
    local found = {}
    for each in text:gmatch "%-%-%-%-%-BEGIN CERTIFICATE%-%-%-%-%-%s.-%-%-%-%-%-END CERTIFICATE%-%-%-%-%-" do
        found[#found + 1] = each .. "\n"
    end
    if text:find("PRIVATE KEY", 1, true) then
        part.refuse("certificate", what .. " has a private key in it", "key = limiq.secret(…) is for one")
    end
    if #found == 0 then
        part.refuse("certificate", what .. " has no certificate in it", "-----BEGIN CERTIFICATE-----")
    end
    return found
end

local function name_problem(name)
    if not name:match "^[%w][%w._-]*$" then return "it is no file's name: " .. name end
end

return limiq.recipe {
    name = "certificate",
    doc = [[
Authorities that the guest trusts beside those of its distribution, and certificates of its own: the chain is
`/etc/ssl/limiq/NAME.crt`, its key `NAME.key`, which `owner` alone can read.]],
    options = {
        trusted = { type = { "string" }, single = true, doc = "authorities' certificates, in PEM" },
        trusted_files = { type = { "string" }, single = true, doc = "files beside the script that have some" },
        only = { type = "boolean", default = false, doc = "whether those of the distribution are trusted no more" },
        own = { doc = "certificates of the machine", type = { { fields = {
            name = { required = true, check = name_problem, doc = "of its files" },
            chain = { required = true, doc = "its certificate and those above it, in PEM" },
            key = { type = "string", secret = true, required = true, doc = "its key, in PEM: limiq.secret(…)" },
            owner = { default = "root:root", doc = "who reads the key" },
        } } } },
        family = part.family_option,
    },
    example = 'recipes.certificate { trusted_files = { "company-ca.pem" } }',
    build = function(options)
        local trusted, files = {}, {}
        local function trust(what, text)
            for _, each in ipairs(certificates(what, text)) do trusted[#trusted + 1] = each end
        end
        for index, text in ipairs(options.trusted or {}) do trust(("trusted[%d]"):format(index), text) end
        for _, file in ipairs(options.trusted_files or {}) do trust(file, limiq.file.read(file)) end
        for index, own in ipairs(options.own or {}) do
            local chain = table.concat(certificates(("own[%d].chain"):format(index), own.chain))
            local base, is_late = "/etc/ssl/limiq/" .. own.name, own.owner ~= "root:root" and own.owner ~= "root" or nil
            files[#files + 1] = { path = base .. ".crt", permissions = "0644", content = chain }
            files[#files + 1] = {
                path = base .. ".key", permissions = "0600", content = own.key, owner = own.owner, defer = is_late,
            }
        end
        if #trusted == 0 and #files == 0 then
            part.refuse("certificate", "it has no certificate", 'trusted_files = { "company-ca.pem" }')
        end
        return part.by_family(options.family, function(family)
            if #trusted > 0 and not families[family] then
                part.refuse("certificate", ("cloud-init knows no trusted certificates of the family %s"):format(family))
            end
            return {
                user_data = {
                    ca_certs = #trusted > 0 and { trusted = trusted, remove_defaults = options.only or nil } or nil,
                    write_files = #files > 0 and files or nil,
                },
            }
        end)
    end,
}
