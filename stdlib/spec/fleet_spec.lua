local limiq = require "limiq"
local spec = require "limiq.spec"

local describe, it, equal, raises = spec.describe, spec.it, spec.equal, spec.raises

-- The run's own host: a simulated one, or a real one with --connect, whose guests have nothing to boot.
local host = limiq

---@param count integer
---@param memory? string
---@param fields? table
local function fleet(count, memory, fields)
    local definition = {
        name = "spec-fleet", count = count,
        spec = function(i) return { memory = memory or "64MiB", labels = { number = tostring(i) } } end,
    }
    for name, value in pairs(fields or {}) do definition[name] = value end
    return host.fleet(definition)
end

local function names(vms)
    local list = {}
    for position, vm in ipairs(vms) do list[position] = vm.name end
    return list
end

local function there() return names(fleet(9):members()) end

---A case that begins and ends without members.
local function clean(body)
    return function()
        fleet(0):remove()
        local ok, e = pcall(body)
        fleet(0):remove()
        if not ok then error(e, 0) end
    end
end

---A spec that cannot be made, for one member.
local function broken(number)
    return function(i)
        return { memory = "64MiB", disks = i == number and { { backing_file = "/nowhere/base.qcow2" } } or nil }
    end
end

describe("a fleet", function()
    it("brings up its members, named by number and marked with its name", clean(function()
        local reports = fleet(2):up()
        equal({ reports["spec-fleet-01"].changed, reports["spec-fleet-02"].changed }, { true, true })
        equal(there(), { "spec-fleet-01", "spec-fleet-02" })
        equal(names(host.domain.list { labels = { fleet = "spec-fleet", number = "2" } }), { "spec-fleet-02" })
        equal(names(host.domain.list { labels = { fleet = "another" } }), {})
        equal(fleet(2):up()["spec-fleet-01"].changed, false)
    end))

    it("takes names in the place of numbers", clean(function()
        local function named(...) return fleet(nil, nil, { names = { ... } }) end
        named("spec-db", "spec-web"):up()
        equal(names(named("spec-web", "spec-db"):members()), { "spec-web", "spec-db" })
        named("spec-web", "spec-db"):scale(1)
        equal(there(), { "spec-web" })
        raises(function() named("spec-web"):scale(2) end, "it has 1 names")
    end))

    it("grows without a touch of those that are there", clean(function()
        fleet(1):up()
        fleet(1):scale(3)
        equal(there(), { "spec-fleet-01", "spec-fleet-02", "spec-fleet-03" })
    end))

    it("shrinks by the newest first, each drained before, also those of an earlier run", clean(function()
        fleet(4):up()
        local drained = {}
        local later = fleet(4)
        later:scale(1, {
            drain = function(vm)
                drained[#drained + 1] = vm.name
                equal(vm:state(), "running")
            end,
        })
        equal(drained, { "spec-fleet-04", "spec-fleet-03", "spec-fleet-02" })
        equal(there(), { "spec-fleet-01" })
        equal(later.count, 1)
    end))

    it("keeps a member that cannot be drained, and removes the others", clean(function()
        fleet(3):up()
        local function drain(vm) if vm.name == "spec-fleet-02" then error("it is busy", 0) end end
        local problem = raises(function() fleet(3):scale(0, { drain = drain }) end, "each")
        assert(tostring(problem):find("1 of 3 failed:\n  spec-fleet-02: it is busy", 1, true), tostring(problem))
        equal(there(), { "spec-fleet-02" })
    end))

    it("leaves members beyond its count where it comes up", clean(function()
        fleet(3):up()
        fleet(1):up()
        equal(#there(), 3)
        equal(fleet(1):members()[3].spec, nil)
        equal(fleet(3):members()[3].spec.memory_mib, 64)
    end))

    it("removes its own members and no other machine", clean(function()
        local other = host.vm { name = "spec-fleet-02", memory = "64MiB" }
        other:up()
        local ok, problem = pcall(function()
            raises(function() fleet(2):up() end, "spec-fleet-02 is there already")
            local refusal = raises(function() fleet(2, "128MiB"):rolling() end, "each")
            equal(refusal.errors["spec-fleet-02"].code, "not_ours")
            fleet(2):remove()
            equal(there(), {})
            equal(other:state(), "running")
        end)
        other:remove()
        if not ok then error(problem, 0) end
    end))

    it("brings up the others where one fails, and tells of each by name", clean(function()
        local problem = raises(function() fleet(3, nil, { spec = broken(2) }):up() end, "each")
        equal(problem.errors["spec-fleet-02"].code, "not_found")
        equal(problem.results["spec-fleet-03"].changed, true)
        equal(there(), { "spec-fleet-01", "spec-fleet-03" })
    end))

    it("begins no other where one fails and that is asked for", clean(function()
        local web = fleet(3, nil, { spec = broken(2) })
        raises(function() web:up { limit = 1, stop_on_error = true } end, "1 of 3 failed, which stopped 1 more")
        equal(there(), { "spec-fleet-01" })
    end))

    it("runs a function on all members and gives the results by name", clean(function()
        local web = fleet(2)
        web:up()
        equal(web:each(function(vm, i) return vm:state() .. i end),
            { ["spec-fleet-01"] = "running1", ["spec-fleet-02"] = "running2" })
        -- There is no agent that could answer.
        local problem = raises(function() web:exec { "uptime" } end, "2 of 2 failed")
        assert(problem.errors["spec-fleet-02"] ~= nil)
    end))

    it("refuses what is no fleet", function()
        local function make() return {} end
        raises(function() host.fleet { name = "a", spec = make } end, "count must be a whole number")
        raises(function() host.fleet { name = "a", cuont = 1, spec = make } end, "did you mean count?")
        raises(function() host.fleet { name = 1, count = 1, spec = make } end, "name must be a string")
        raises(function() host.fleet { name = "a", count = 1 } end, "spec must be a function")
        raises(function() host.fleet { name = "a", count = 2, names = { "b" }, spec = make } end, "it has 1 names")
        raises(function() fleet(1, nil, { spec = function() return { name = "x" } end }):up() end, "is named x")
        raises(function() fleet(1, nil, { spec = function() end }):up() end, "spec(1) is nil, not a table")
    end)
end)

describe("a rolling replace", function()
    ---How many members run.
    local function serving() return #host.domain.list { labels = { fleet = "spec-fleet" }, state = "running" } end

    local function memory(vm) return tonumber(vm:xml():match "<memory unit=['\"]KiB['\"]>(%d+)") // 1024 end

    it("replaces the members that differ, one away at a time, each drained before", clean(function()
        fleet(3):up()
        local drained, fewest = {}, 3
        local new = fleet(3, "128MiB")
        local replaced = new:rolling {
            drain = function(vm)
                drained[#drained + 1] = vm.name
                fewest = math.min(fewest, serving() - 1)
            end,
            health = function() return true end,
        }
        equal(replaced, { "spec-fleet-01", "spec-fleet-02", "spec-fleet-03" })
        equal(drained, replaced)
        equal(fewest, 2)
        equal(new:each(memory), { ["spec-fleet-01"] = 128, ["spec-fleet-02"] = 128, ["spec-fleet-03"] = 128 })
        equal(new:rolling(), {})
    end))

    it("has as many away as it may, and no more", clean(function()
        fleet(6):up()
        local away, most = 0, 0
        fleet(6, "128MiB"):rolling {
            max_unavailable = 2,
            drain = function()
                away = away + 1
                most = math.max(most, away)
                limiq.sleep "10ms"
            end,
            health = function(vm)
                if memory(vm) == 128 then away = away - 1 end
                return true
            end,
        }
        equal({ away, most }, { 0, 2 })
    end))

    it("makes what is missing first", clean(function()
        fleet(2):up()
        host.vm { name = "spec-fleet-02" }:remove()
        local fewest = 2
        fleet(2, "128MiB"):rolling { drain = function() fewest = math.min(fewest, serving()) end }
        equal(fewest, 2)
        equal(serving(), 2)
    end))

    it("stops at the first that does not get healthy, and says which are old and which new", clean(function()
        fleet(4):up()
        local function health(vm)
            if vm.name == "spec-fleet-02" and memory(vm) == 128 then error("port 80 is closed", 0) end
            return true
        end
        local new = fleet(4, "128MiB")
        local problem = raises(function() new:rolling { health = health, timeout = "1s" } end, "rolling")
        equal({ problem.new, problem.failed, problem.old },
            { { "spec-fleet-01" }, { "spec-fleet-02" }, { "spec-fleet-03", "spec-fleet-04" } })
        local text = tostring(problem)
        assert(text:find("new: spec-fleet-01; old: spec-fleet-03, spec-fleet-04; failed: spec-fleet-02", 1, true), text)
        assert(text:find("spec-fleet-02 is not healthy after 1s", 1, true), text)
        assert(text:find("port 80 is closed", 1, true), text)

        -- It is away still: no other may be, unless two may.
        local stuck = raises(function() new:rolling { health = health, timeout = "1s" } end, "unhealthy")
        equal(stuck.old, { "spec-fleet-03", "spec-fleet-04" })
        equal(new:rolling { health = health, timeout = "1s", max_unavailable = 2 },
            { "spec-fleet-03", "spec-fleet-04" })
        -- Another spec mends it, before the others.
        local order = {}
        fleet(4, "256MiB"):rolling {
            health = function(vm)
                local size = memory(vm)
                if size == 256 then order[#order + 1] = vm.name end
                return size == 256 or health(vm)
            end,
        }
        equal(order[1], "spec-fleet-02")
        equal(#order, 4)
    end))

    it("leaves a member as it was where it cannot be drained", clean(function()
        fleet(2):up()
        local problem = raises(function()
            fleet(2, "128MiB"):rolling { drain = function() error("it is busy", 0) end }
        end, "rolling")
        equal({ problem.old, problem.failed }, { { "spec-fleet-01", "spec-fleet-02" }, {} })
        equal(serving(), 2)
    end))

    it("refuses a bound that lets nothing happen", function()
        raises(function() fleet(1):rolling { max_unavailable = 0 } end, "bad_field")
        raises(function() fleet(1):rolling { max_unavailble = 1 } end, "did you mean max_unavailable?")
    end)

    it("refuses options nobody knows before it removes anything", clean(function()
        local members = fleet(2)
        members:up()
        raises(function() members:scale(0, { drian = print }) end, "drian is not an option")
        raises(function() members:scale(0, { drain = "x" }) end, "drain must be a function")
        raises(function() members:up { wiat = "running" } end, "wiat is not an option")
        raises(function() members:up "running" end, "it takes a table")
        raises(function() members:rolling { health = 1 } end, "health must be a function")
        equal(#members:members(), 2)
        raises(function() members:each() end, "each takes a function")
        raises(function() limiq.fleet "web" end, "fleet: it takes a table")
        raises(function() fleet(nil, nil, { names = "web" }) end, "names must be a list")
        raises(function() fleet(nil, nil, { names = { "a", "a" } }) end, "names has a twice")
        local labelled = fleet(1, nil, { spec = function() return { labels = "x" } end })
        raises(function() labelled:up() end, "labels of spec(1)")
        raises(function() limiq.domain.list(1) end, "it takes a table")
    end))
end)
