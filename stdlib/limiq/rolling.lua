---The rolling replace of a fleet: `fleet:rolling { … }`.
local runtime = require "limiq.runtime"

local perform = runtime.perform

---How members are replaced.
---@class limiq.RollingOptions
---@field max_unavailable? integer how many may be away at once; 1 where left out
---@field health? fun(vm: limiq.VM): boolean whether a member that runs serves too
---@field drain? fun(vm: limiq.VM) called before a healthy member is removed
---@field wait? string what a new member is waited for, as in `vm:up`
---@field timeout? string|number the longest silence while it comes up, then for it to get healthy; "10m" where left out
---@field deadline? string|number for it to come up, whatever it does

local known = { max_unavailable = true, health = true, drain = true, wait = true, timeout = true, deadline = true }

---@class limiq.rolling.Member
---@field vm limiq.VM
---@field old boolean differs from its spec, or is missing
---@field missing boolean
---@field healthy boolean before it was touched
---@field touched? boolean it is not any more what it was
---@field renewed? boolean as its spec says, and healthy

local function fail(fleet, message, fields)
    fields.message = ("fleet %s: %s"):format(fleet.name, message)
    runtime.fail(fields)
end

---Whether a member serves, by one look.
local function serves(vm, health)
    if vm:state() ~= "running" then return false end
    return health == nil or health(vm)
end

---Waits until a member serves. What kept it from that last is the cause of the error.
local function await_health(fleet, vm, options)
    local last
    local function look()
        local looked, answer = pcall(serves, vm, options.health)
        if looked and answer then return end
        if looked then
            last = nil
        elseif not runtime.stopped() then
            last = tostring(answer)
        end
        error(looked and "not healthy" or answer, 0)
    end
    local often = { times = math.maxinteger, delay = 1 }
    local ok, e = pcall(runtime.timeout, options.timeout, runtime.retry, often, look)
    if ok then return end
    if not runtime.is_failure(e) or e.code ~= "timeout" then error(e, 0) end
    fail(fleet, ("%s is not healthy after %s"):format(vm.name, tostring(options.timeout)),
        { code = "unhealthy", resource = vm.name, cause = last })
end

---@return limiq.rolling.Member[] members in the fleet's order
local function survey(fleet, health)
    local ours, members = {}, {}
    for _, vm in ipairs(fleet:members()) do ours[vm.name] = true end
    fleet:each(function(vm, index)
        local differences = vm:diff()
        local is_missing = #differences == 1 and differences[1].path == "name" and differences[1].current == nil
        if not is_missing and not ours[vm.name] then
            fleet:refuse_stranger(vm)
        end
        local looked, answer = false, false
        if not is_missing then looked, answer = pcall(serves, vm, health) end
        if not looked and runtime.stopped() then error(answer, 0) end
        members[index] = {
            vm = vm, old = #differences > 0, missing = is_missing, healthy = looked and answer and true or false,
        }
    end)
    return members
end

---The names by how far their members are, and the same in words.
local function standing(members)
    local lists = { new = {}, old = {}, failed = {} }
    for _, one in ipairs(members) do
        local which = (one.renewed or not one.old) and "new" or one.touched and "failed" or "old"
        table.insert(lists[which], one.vm.name)
    end
    local words = {}
    for _, which in ipairs { "new", "old", "failed" } do
        if #lists[which] > 0 then words[#words + 1] = which .. ": " .. table.concat(lists[which], ", ") end
    end
    return lists, table.concat(words, "; ")
end

---Looks at all specs before anything is removed: one that cannot be made would cost the member that is there.
local function preflight(fleet, members, todo)
    local ok, e = pcall(runtime.each, todo, { limit = 16 }, function(one) one.vm:preflight() end)
    if ok then return end
    if not runtime.is_failure(e) or e.code ~= "each" then error(e, 0) end
    local names, causes = {}, {}
    for position, one in ipairs(todo) do
        local problem = e.errors[position]
        if problem then
            names[#names + 1] = one.vm.name
            causes[#causes + 1] = ("%s: %s"):format(one.vm.name, tostring(problem))
        end
    end
    local lists = standing(members)
    lists.code, lists.cause = "rolling", table.concat(causes, "\n")
    fail(fleet, ("%s cannot be made, and nothing was replaced"):format(table.concat(names, ", ")), lists)
end

local function replace(fleet, one, options)
    local vm = one.vm
    -- What was there when all began may be gone by now.
    vm:preflight()
    if one.healthy and options.drain then options.drain(vm) end
    one.touched = true
    -- A missing one may have disks that were kept, and is taken up again with them.
    if not one.missing then vm:remove() end
    vm:up { wait = options.wait, timeout = options.timeout, deadline = options.deadline }
    await_health(fleet, vm, options)
    one.renewed = true
    perform("log.info", ("fleet %s: %s is new and healthy"):format(fleet.name, vm.name))
end

---Those to replace, and how many at once. Those that do not serve come first: they cost nothing.
local function plan(fleet, members, bound)
    local todo, serving, stuck = {}, {}, {}
    for _, one in ipairs(members) do
        if one.old then
            table.insert(one.healthy and serving or todo, one)
        elseif not one.healthy then
            stuck[#stuck + 1] = one.vm.name
        end
    end
    table.move(serving, 1, #serving, #todo + 1, todo)
    -- They are as their spec says and away all the same, and take of what may be away.
    if #todo > 0 and #stuck >= bound then
        local lists, words = standing(members)
        lists.code, lists.hint = "unhealthy", "mend or remove what is not healthy, or raise max_unavailable"
        fail(fleet, ("%s not healthy, and no other may be away; %s"):format(table.concat(stuck, ", "), words), lists)
    end
    return todo, bound - #stuck
end

---@async
---@param fleet limiq.Fleet
---@param options limiq.RollingOptions
---@return string[] replaced
return function(fleet, options)
    runtime.check_fields("fleet:rolling", options, known)
    for _, name in ipairs { "health", "drain" } do
        if options[name] ~= nil and type(options[name]) ~= "function" then
            fail(fleet, ("%s must be a function, not %s"):format(name, runtime.described(options[name])),
                { code = "bad_field" })
        end
    end
    options = {
        max_unavailable = options.max_unavailable or 1, timeout = options.timeout or "10m",
        health = options.health, drain = options.drain, wait = options.wait, deadline = options.deadline,
    }
    if math.type(options.max_unavailable) ~= "integer" or options.max_unavailable < 1 then
        fail(fleet, ("max_unavailable must be a whole number, 1 or more, not %s"):format(
            runtime.described(options.max_unavailable)), { code = "bad_field" })
    end
    local members = survey(fleet, options.health)
    local todo, room = plan(fleet, members, options.max_unavailable)
    preflight(fleet, members, todo)
    local causes = {}
    local ok, e = pcall(runtime.each, todo, { limit = math.max(room, 1) }, function(one)
        -- What is under way goes on to its end: a member half replaced would be one more that is away.
        if #causes > 0 then return end
        local replaced, problem = pcall(replace, fleet, one, options)
        if replaced then return end
        causes[#causes + 1] = ("%s: %s"):format(one.vm.name, tostring(problem))
        error(problem, 0)
    end)
    local lists, words = standing(members)
    if not ok then
        if runtime.stopped() then
            runtime.shield(perform, "log.warn", ("fleet %s: %s"):format(fleet.name, words))
            error(e, 0)
        end
        lists.code, lists.cause = "rolling", table.concat(causes, "\n")
        fail(fleet, "the rolling replace stopped; " .. words, lists)
    end
    local replaced = {}
    for _, one in ipairs(members) do
        if one.renewed then replaced[#replaced + 1] = one.vm.name end
    end
    return replaced
end
