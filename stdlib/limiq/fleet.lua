---Machines that are alike: they come up, grow, shrink and are replaced together.
---
---Example:
---```lua
---local web = limiq.fleet {
---    name = "web", count = 3,
---    spec = function(i, name)
---        return { memory = "1GiB", nics = { { forward = { { host = 8080 + i, guest = 80 } } } } }
---    end,
---}
---web:up { limit = 16, timeout = "10m" }
---```
local runtime = require "limiq.runtime"
local handle = require "limiq.handle"
local rolling = require "limiq.rolling"
local VM = require "limiq.vm"

local perform = runtime.perform

---What a fleet is to be.
---@class limiq.FleetDefinition
---@field name string begins its members' names, and is kept with each as the label `fleet`
---@field count? integer how many: `web-01`, `web-02` …; all of `names` where left out
---@field names? string[] the members' names, in the place of numbers
---@field spec fun(i: integer, name: string): limiq.VMSpec what a member is to be; its name and label are added

---Machines that are alike.
---@class limiq.Fleet
---@field name string
---@field count integer how many there are to be
---@field uri? string the host's URI, nil for the run's own
---@field private names? string[]
---@field private spec fun(i: integer, name: string): limiq.VMSpec
---@field private vms table<string, limiq.VM> those whose spec has been asked for
local Fleet = {}
Fleet.__name = "limiq.Fleet"

function Fleet.__index(fleet, key)
    local own = rawget(Fleet, key)
    if own ~= nil then return own end
    return handle.missing(fleet, key, Fleet)
end

function Fleet:__tostring() return "fleet " .. self.name end

local function refuse(fleet, message, hint)
    runtime.fail { code = "bad_field", message = ("fleet %s: %s"):format(fleet.name, message), hint = hint }
end

local function check_count(fleet, count)
    if math.type(count) ~= "integer" or count < 0 then
        refuse(fleet, ("count must be a whole number, 0 or more, not %s"):format(runtime.described(count)))
    end
    if fleet.names and count > #fleet.names then
        refuse(fleet, ("count is %d, and it has %d names"):format(count, #fleet.names))
    end
end

local function check_names(fleet)
    local seen = {}
    if type(fleet.names) ~= "table" or #fleet.names == 0 and next(fleet.names) ~= nil then
        refuse(fleet, ("names must be a list, not %s"):format(runtime.described(fleet.names)))
    end
    for _, name in ipairs(fleet.names) do
        if seen[name] then refuse(fleet, ("names has %s twice"):format(tostring(name))) end
        seen[name] = true
    end
end

---A number has at least two digits, and none changes when the fleet grows.
local function name_of(fleet, index)
    return fleet.names and fleet.names[index] or ("%s-%02d"):format(fleet.name, index)
end

---The place of a name among all the fleet could have; the last for one it would not give.
local function place_of(fleet, name)
    for index, known in ipairs(fleet.names or {}) do
        if known == name then return index end
    end
    local index = not fleet.names and math.tointeger(tonumber(name:match "%-(%d+)$"))
    return index and name_of(fleet, index) == name and index or math.maxinteger
end

---@return limiq.VM
local function member(fleet, index)
    local name = name_of(fleet, index)
    local vm = fleet.vms[name]
    if vm then return vm end
    local given = fleet.spec(index, name)
    if type(given) ~= "table" then
        refuse(fleet, ("spec(%d) is %s, not a table"):format(index, runtime.described(given)))
    end
    if given.name ~= nil and given.name ~= name then
        refuse(fleet, ("spec(%d) is named %s, not %s"):format(index, tostring(given.name), name),
            "leave its name out, or give the fleet names = { … }")
    end
    if given.labels ~= nil and type(given.labels) ~= "table" then
        refuse(fleet, ("labels of spec(%d) is %s, not a table"):format(index, runtime.described(given.labels)))
    end
    -- The caller may give the same table for each.
    local spec, labels = {}, {}
    for field, value in pairs(given) do spec[field] = value end
    for label, value in pairs(given.labels or {}) do labels[label] = value end
    labels.fleet = fleet.name
    spec.name, spec.labels = name, labels
    vm = VM.new(spec, fleet.uri)
    fleet.vms[name] = vm
    return vm
end

local M = {}

---@param definition limiq.FleetDefinition
---@param uri? string
---@return limiq.Fleet
function M.new(definition, uri)
    runtime.check_fields("fleet", definition, { name = true, count = true, names = true, spec = true })
    local fleet = setmetatable({
        name = definition.name, names = definition.names, spec = definition.spec, uri = uri, vms = {},
    }, Fleet)
    for field, wanted in pairs { name = "string", spec = "function" } do
        if type(definition[field]) ~= wanted then
            runtime.fail {
                code = "bad_field",
                message = ("fleet: %s must be a %s, not %s"):format(
                    field, wanted, runtime.described(definition[field])),
            }
        end
    end
    if definition.names ~= nil then check_names(fleet) end
    local count = definition.count or definition.names and #definition.names
    check_count(fleet, count)
    fleet.count = count
    return fleet
end

---Calls `f(vm, i)` for each member named, some at once, and gives the first results by name.
local function over(fleet, indices, options, f)
    local names, results = {}, {}
    for position, index in ipairs(indices) do names[position] = name_of(fleet, index) end
    local ok, e = pcall(runtime.each, names, options or {}, function(name, position)
        results[name] = f(member(fleet, indices[position]), indices[position])
    end)
    if ok then return results end
    if runtime.is_failure(e) and e.code == "each" then
        local errors = {}
        for position, problem in pairs(e.errors) do errors[names[position]] = problem end
        e.errors, e.results = errors, results
    end
    error(e, 0)
end

local function indices_of(fleet)
    local indices = {}
    for index = 1, fleet.count do indices[index] = index end
    return indices
end

---How the members come up: some at once, each as `vm:up` does it.
---@class limiq.FleetUpOptions: limiq.UpOptions
---@field limit? integer how many at once; all where left out
---@field stop_on_error? boolean begin no other after the first that fails

---How a fleet becomes larger or smaller.
---@class limiq.ScaleOptions: limiq.FleetUpOptions
---@field drain? fun(vm: limiq.VM) called before a member is removed

---Splits options into those of `limiq.each` and the rest.
---@param method string for messages
---@param more table<string, boolean> those that neither `limiq.each` nor `vm:up` has
local function split(method, options, more)
    options = options or {}
    local known = { limit = true, stop_on_error = true }
    for _, name in ipairs(perform "vm.up_options") do known[name] = true end
    for name in pairs(more) do known[name] = true end
    -- Where no member is made nobody else looks at them.
    runtime.check_fields(method, options, known)
    if options.drain ~= nil and type(options.drain) ~= "function" then
        runtime.fail {
            code = "bad_field",
            message = ("%s: drain must be a function, not %s"):format(method, runtime.described(options.drain)),
        }
    end
    local rest = {}
    for name, value in pairs(options) do rest[name] = value end
    local each = { limit = rest.limit, stop_on_error = rest.stop_on_error }
    rest.limit, rest.stop_on_error = nil, nil
    return each, rest
end

---Calls `fn(vm, i)` for each member up to the fleet's count, up to `limit` at once. All are called, whatever fails,
---unless `stop_on_error` is true. The one error then has `errors` and `results` by name.
---
---Example:
---```lua
---local urls = web:each(function(vm) return "http://" .. vm:forward(80) end)
---print(urls["web-01"])
---```
---@async
---@param fn fun(vm: limiq.VM, i: integer): any
---@param options? { limit?: integer, stop_on_error?: boolean }
---@return table<string, any> results the first result of each, by name
function Fleet:each(fn, options)
    if type(fn) ~= "function" then refuse(self, ("each takes a function, not %s"):format(runtime.described(fn))) end
    return over(self, indices_of(self), options, fn)
end

---Runs a program in each member.
---
---Example:
---```lua
---for name, result in pairs(web:exec { "uptime" }) do print(name, result.stdout) end
---```
---@async
---@param command string[]|limiq.ExecOptions the words; options of `vm:exec` may stand among them by name
---@param options? { limit?: integer, stop_on_error?: boolean }
---@return table<string, { code: integer, stdout: string, stderr: string }> results by name
function Fleet:exec(command, options)
    return self:each(function(vm) return vm:exec(command) end, options)
end

---The members that are there, in their order. Those beyond the count, left from earlier runs, come last and know their
---name only: `vm.spec` is nil.
---
---Example:
---```lua
---for _, vm in ipairs(web:members()) do print(vm.name, vm:state()) end
---```
---@async
---@return limiq.VM[]
function Fleet:members()
    local found = {}
    for _, domain in ipairs(perform("domain.list", { labels = { fleet = self.name }, uri = self.uri })) do
        found[#found + 1] = { name = domain.name, place = place_of(self, domain.name) }
    end
    table.sort(found, function(left, right)
        if left.place ~= right.place then return left.place < right.place end
        return left.name < right.name
    end)
    local members = {}
    for position, one in ipairs(found) do
        members[position] = one.place <= self.count and member(self, one.place) or VM.handle(one.name, self.uri)
    end
    return members
end

---The members beyond the first `count`, the newest first.
local function beyond(fleet, members, count)
    local newest_first = {}
    for _, vm in ipairs(members) do
        if place_of(fleet, vm.name) > count then table.insert(newest_first, 1, vm) end
    end
    return newest_first
end

local function retire(vms, drain, options)
    local names = {}
    for position, vm in ipairs(vms) do names[position] = vm.name end
    runtime.each(names, options, function(_, position)
        if drain then drain(vms[position]) end
        vms[position]:remove()
    end)
end

---@private
---@param vm limiq.VM
function Fleet:refuse_stranger(vm)
    runtime.fail {
        code = "not_ours", resource = vm.name, hint = "choose another name for the fleet",
        message = ("fleet %s: the vm %s is there already, and is none of its members"):format(self.name, vm.name),
    }
end

---Brings up the members up to the count, up to `limit` at once. One that fails does not stop the others, unless
---`stop_on_error` is true. The other options are those of `vm:up`. Members beyond the count are left, with a warning.
---
---Example:
---```lua
---web:up { limit = 16, wait = "cloud-init", timeout = "10m" }
---```
---@async
---@param options? limiq.FleetUpOptions
---@return table<string, limiq.UpReport> reports what `vm:up` returns, by name
function Fleet:up(options)
    local each, up = split("fleet:up", options, {})
    local members, taken = self:members(), {}
    for _, domain in ipairs(perform("domain.list", { uri = self.uri })) do taken[domain.name] = true end
    for _, vm in ipairs(members) do taken[vm.name] = nil end
    local reports = self:each(function(vm)
        if taken[vm.name] then self:refuse_stranger(vm) end
        return vm:up(up)
    end, each)
    local names = {}
    for position, vm in ipairs(beyond(self, members, self.count)) do names[position] = vm.name end
    if #names > 0 then
        perform("log.warn", ("fleet %s: beyond its count of %d: %s; fleet:scale(%d) removes them"):format(
            self.name, self.count, table.concat(names, ", "), self.count))
    end
    return reports
end

---Makes the fleet so large: removes the members beyond, the newest first, each after `drain(vm)`, and brings up those
---that are missing. Removed are only machines limiq made for this fleet; one whose `drain` fails stays.
---
---Example:
---```lua
---web:scale(2, { drain = function(vm) balancer.drop(vm.name) end })
---```
---@async
---@param count integer
---@param options? limiq.ScaleOptions its `limit` is 1 for removals where left out
function Fleet:scale(count, options)
    check_count(self, count)
    local each, up = split("fleet:scale", options, { drain = true })
    local drain = up.drain
    up.drain = nil
    self.count = count
    retire(beyond(self, self:members(), count), drain, { limit = each.limit or 1, stop_on_error = each.stop_on_error })
    local there, missing = {}, {}
    for _, vm in ipairs(self:members()) do there[vm.name] = true end
    for index = 1, count do
        if not there[name_of(self, index)] then missing[#missing + 1] = index end
    end
    over(self, missing, each, function(vm) return vm:up(up) end)
end

---Removes all members, those beyond the count too, and nothing else.
---
---Example:
---```lua
---web:remove()
---```
---@async
function Fleet:remove() retire(beyond(self, self:members(), 0), nil, {}) end

---Replaces the members that differ from their spec, so that at least `count - max_unavailable` are healthy all the
---time; one that is missing is made. Those that are not healthy come first, as they cost nothing.
---
---All specs are looked at before anything is removed: one that cannot be made is an error, and nothing is replaced.
---
---A member is healthy when it runs and `health(vm)` returns true; it is asked once a second, for `timeout` at most.
---Before a healthy one is removed, `drain(vm)` is called. Where a member does not get healthy no other is begun; the
---error has the names of the `new`, the `old` and the `failed` members.
---
---Example:
---```lua
---web:rolling {
---    max_unavailable = 1,
---    health = function(vm) return vm:exec({ "systemctl", "is-active", "nginx" }).stdout == "active\n" end,
---}
---```
---@async
---@param options? limiq.RollingOptions
---@return string[] replaced the names, in the fleet's order
function Fleet:rolling(options) return rolling(self, options or {}) end

return M
