---Several hosts as one place for machines: each machine is put on one of them, and stays there.
---
---Example:
---```lua
---local hosts = limiq.hosts { "qemu+ssh://node1/system", "qemu+ssh://node2/system" }
---limiq.each({ "web-01", "web-02", "web-03" }, function(name)
---    return hosts.vm { name = name, memory = "2GiB",
---                      disks = { { backing_file = limiq.image "debian-12" } } }:up()
---end)
---```
local runtime = require "limiq.runtime"
local VM = require "limiq.vm"

local perform = runtime.perform

local M = {}

---A host as a placement function sees it.
---@class limiq.Candidate
---@field uri string
---@field hostname string as the host calls itself
---@field cpus integer logical processors
---@field memory_mib integer all it has
---@field free_mib integer what its running machines, and those placed on it in this run, leave; may be negative
---@field domains table<string, { memory_mib: integer, active: boolean }> every domain on it, by name

---How several hosts are used as one.
---@class limiq.HostsOptions
---@field allow_down? boolean go on with the hosts that answer
---@field place? fun(candidates: limiq.Candidate[], spec: limiq.VMSpec): limiq.Candidate where a new machine goes

---Several hosts as one place for machines.
---@class limiq.Hosts
---@field [integer] limiq the hosts that answered, each with every call of the library
---@field down { uri: string, error: limiq.Error }[] those that did not, with `allow_down`
---@field vm fun(spec: limiq.VMSpec): limiq.VM a machine on the host it has its place on, or gets it now
local Hosts = {}
Hosts.__index = Hosts
Hosts.__name = "limiq.Hosts"

---The host with the most free memory; of several the first.
---@param candidates limiq.Candidate[]
---@return limiq.Candidate
function M.most_free_memory(candidates)
    local best = candidates[1]
    for _, candidate in ipairs(candidates) do
        if candidate.free_mib > best.free_mib then best = candidate end
    end
    return best
end

local known_options = { allow_down = "boolean", place = "function" }

local function check(uris, options)
    local function refuse(message, hint)
        runtime.fail { code = "bad_field", message = "hosts: " .. message, hint = hint }
    end
    if type(uris) ~= "table" or #uris == 0 then
        refuse("a list of URIs is needed", [[limiq.hosts { "qemu+ssh://node1/system" }]])
    end
    for name, value in pairs(options) do
        local wanted = known_options[name]
        if not wanted then
            local nearest = runtime.nearest(tostring(name), known_options)
            refuse(("%s is not an option"):format(tostring(name)), nearest and ("did you mean %s?"):format(nearest))
        elseif type(value) ~= wanted then
            refuse(("%s must be a %s, not %s"):format(name, wanted, runtime.described(value)))
        end
    end
    local seen = {}
    for _, uri in ipairs(uris) do
        if type(uri) ~= "string" then refuse(("a URI is a string, not %s"):format(runtime.described(uri))) end
        if seen[uri] then refuse(uri .. " is listed twice") end
        seen[uri] = true
    end
end

---Does the same for each at once, and tells failures apart from values instead of raising them.
---@return { value: any, error: limiq.Error? }[] in the order of the list
local function attempt_each(list, body)
    return runtime.each(list, function(item)
        local value, problem = runtime.try(function() return body(item) end)
        return { value = value, error = problem }
    end)
end

---Opens all hosts at once. `limiq.hosts` is this.
---@async
---@param uris string[]
---@param options? limiq.HostsOptions
---@param bound_to fun(uri: string): table the library bound to a host
---@return limiq.Hosts
function M.open(uris, options, bound_to)
    options = options or {}
    check(uris, options)
    local opened = attempt_each(uris, function(uri) return perform("host.connect", uri) end)
    local self = { down = {}, choose = options.place or M.most_free_memory, placed = {} }
    local lines = {}
    for index, uri in ipairs(uris) do
        local problem = opened[index].error
        if problem then
            self.down[#self.down + 1] = { uri = uri, error = problem }
            lines[#lines + 1] = ("\n  %s: %s"):format(uri, (tostring(problem):gsub("\n", "\n  ")))
        else
            self[#self + 1] = bound_to(uri)
        end
    end
    if #self == 0 or (#self.down > 0 and not options.allow_down) then
        runtime.fail {
            code = "host_down",
            message = ("%d of %d hosts do not answer:%s"):format(#self.down, #uris, table.concat(lines)),
            hint = #self > 0 and "allow_down = true goes on with those that do" or nil,
        }
    end
    setmetatable(self, Hosts)
    self.vm = function(spec)
        local checked = perform("vm.check", VM.resolve(spec))
        return VM.new(checked, self:place(checked).uri)
    end
    return self
end

---@return never
local function raise_down(name, uri, problem)
    runtime.fail {
        code = "host_down", resource = uri,
        message = ("the machine %s is on %s, which does not answer"):format(name, uri),
        hint = "run again when it is back; the others are not held up",
        cause = problem and tostring(problem) or nil,
    }
end

---The host where a machine is, or where it was begun and not removed; nil for one that is nowhere.
local function home_of(self, name, looked)
    local found
    for index, host in ipairs(self) do
        local info = looked[index].value
        if info and info.domains[name] then
            if found then
                runtime.fail {
                    code = "placed_twice",
                    message = ("the machine %s is on %s and on %s"):format(name, found.uri, host.uri),
                    hint = "remove one of them: limiq rm --connect URI " .. name,
                }
            end
            found = host
        end
    end
    if found then return found end
    -- Where it is not seen, what is remembered here counts: its disks may be there.
    local remembered = {}
    for _, uri in ipairs(perform("vm.placements", name)) do remembered[uri] = true end
    for _, down in ipairs(self.down) do
        if remembered[down.uri] then raise_down(name, down.uri, down.error) end
    end
    for index, host in ipairs(self) do
        if remembered[host.uri] then
            if looked[index].error then raise_down(name, host.uri, looked[index].error) end
            return host
        end
    end
    return nil
end

---What is free on a host: its memory without what its running machines, and those this run has put there, may take.
local function free_memory(self, uri, info)
    local free = info.memory_mib
    for _, domain in pairs(info.domains) do
        if domain.active then free = free - domain.memory_mib end
    end
    for name, place in pairs(self.placed) do
        local domain = info.domains[name]
        if place.uri == uri and not (domain and domain.active) then free = free - place.memory_mib end
    end
    return free
end

local function candidates_of(self, looked)
    local candidates, problems = {}, {}
    for index, host in ipairs(self) do
        local info = looked[index].value
        if info then
            candidates[#candidates + 1] = {
                uri = host.uri, hostname = info.hostname, cpus = info.cpus, memory_mib = info.memory_mib,
                domains = info.domains, free_mib = free_memory(self, host.uri, info),
            }
        else
            problems[#problems + 1] = ("\n  %s: %s"):format(host.uri, tostring(looked[index].error))
        end
    end
    if #candidates == 0 then
        runtime.fail { code = "host_down", message = "no host answers any more:" .. table.concat(problems) }
    end
    return candidates
end

---The host a machine is on, or is put on now. One that is on a host already stays there, also where it is only begun:
---its disks are there. An error names the host where that does not answer.
---
---Example:
---```lua
---local spec = { name = "web-01", memory = "2GiB" }
---local node = hosts:place(spec)
---node.vm(spec):up()
---```
---@async
---@param spec limiq.VMSpec
---@return limiq host the library bound to it
function Hosts:place(spec)
    local checked = perform("vm.check", VM.resolve(spec))
    local name, memory = checked.name, checked.memory_mib
    local looked = attempt_each(self, function(host) return host.host.info() end)
    local home = home_of(self, name, looked)
    -- From here to the end nothing waits but the author's own function: two that are placed at once see each other.
    local place = self.placed[name]
    if not home and not place then
        local candidates = candidates_of(self, looked)
        local chosen = self.choose(candidates, spec)
        for _, candidate in ipairs(candidates) do
            if candidate == chosen then place = { uri = candidate.uri, memory_mib = memory } end
        end
        if not place then
            runtime.fail {
                code = "bad_field",
                message = "hosts: the place function did not return one of the hosts it was given",
                hint = "return hosts[1]",
            }
        end
        -- Its function may have waited, and another task have placed the same machine meanwhile.
        place = self.placed[name] or place
    end
    local uri = home and home.uri or place.uri
    self.placed[name] = { uri = uri, memory_mib = memory }
    for index, host in ipairs(self) do
        if host.uri == uri then
            if looked[index].error then raise_down(name, uri, looked[index].error) end
            return host
        end
    end
end

return M
