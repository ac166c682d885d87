---Specs: tests of scripts, recipes and fleets, run by `limiq test`. They are files named `*_spec.lua`.
---
---A spec works on a simulated host, which keeps machines, disks, networks and leases, and whose guests boot, answer
---and fail as the spec says. Nothing of this machine is touched, and no wait takes its time: a guest that boots in half
---a minute has booted in a few milliseconds. With `limiq test --connect URI` the same specs run on a real host.
---
---Example:
---```lua
---local limiq = require "limiq"
---local spec = require "limiq.spec"
---
---spec.describe("the web fleet", function()
---    local host
---    spec.before_each(function()
---        host = spec.host { guests = { boot = "30s", exec = function(vm, argv)
---            if argv[1] == "systemctl" then return "active\n" end
---        end } }
---    end)
---
---    spec.it("comes up", function()
---        local web = limiq.fleet { name = "web", count = 3, spec = function() return { memory = "1GiB" } end }
---        web:up { wait = "agent" }
---        spec.equal(#web:members(), 3)
---    end)
---
---    spec.it("says which host is down", function()
---        host:set { down = true }
---        spec.expect_error("host_not_able", function() limiq.vm({ name = "web-01" }):up() end)
---    end)
---end)
---```
local runtime = require "limiq.runtime"
local Domain = require "limiq.domain"
local values = require "limiq.spec_values"

local perform = runtime.perform

local M = {}

-- Cases

---@class limiq.spec.Group
---@field name string
---@field before function[]
---@field after function[]

---@type limiq.spec.Group[]
local groups = { { name = "", before = {}, after = {} } }
---The name of the case that runs; nil outside of one.
---@type string?
local current
-- How many snapshots it has taken without a name.
local snapshots = 0

local function full_name(name)
    local names = {}
    for index = 2, #groups do names[#names + 1] = groups[index].name end
    names[#names + 1] = name
    return table.concat(names, " › ")
end

local function require_runner()
    for _, name in ipairs(runtime.primitives) do
        if name == "spec.begin" then return end
    end
    runtime.fail { code = "bad_field", message = "a spec is run by limiq test", hint = "limiq test FILE" }
end

local function check_body(name, body)
    if type(body) == "function" then return end
    runtime.fail { code = "bad_field", message = ("%s takes a function, not %s"):format(name, runtime.described(body)) }
end

---Groups cases under a name; may be nested.
---
---Example:
---```lua
---spec.describe("recipes.timezone", function()
---    spec.it("takes a name", function()
---        spec.equal(recipes.timezone("UTC").user_data, { timezone = "UTC" })
---    end)
---end)
---```
---@param name string
---@param body fun()
function M.describe(name, body)
    check_body("describe", body)
    require_runner()
    groups[#groups + 1] = { name = name, before = {}, after = {} }
    local ok, problem = xpcall(body, debug.traceback)
    if not ok then
        if runtime.stopped() then error(problem, 0) end
        perform("spec.end", full_name "(outside a case)", "failed", tostring(problem))
    end
    groups[#groups] = nil
end

---Calls `body` before each case that comes after it in this group and in those within it; the outer groups' first.
---
---Example:
---```lua
---spec.before_each(function() spec.host { guests = { boot = "1m" } } end)
---```
---@param body fun()
function M.before_each(body)
    check_body("before_each", body)
    table.insert(groups[#groups].before, body)
end

---Calls `body` after each case that comes after it in this group and in those within it, whether it passed or not; the
---outer groups' last.
---
---Example:
---```lua
---spec.after_each(function() limiq.file.remove("site/generated.conf") end)
---```
---@param body fun()
function M.after_each(body)
    check_body("after_each", body)
    table.insert(groups[#groups].after, body)
end

-- The hosts of the case whose functions are asked, by URI.
---@type table<string, limiq.spec.Guests>
local asked = {}
-- What went wrong in such a function.
local wrong

---What a host's own functions answer to a question.
local function reply(question)
    local guests = asked[question.host]
    if #question.words == 0 then
        local options = guests(question.guest) or {}
        local plain = {}
        for name, value in pairs(options) do
            if name ~= "exec" then plain[name] = value end
        end
        return plain
    end
    local options = type(guests) == "function" and guests(question.guest) or guests
    local exec = type(options) == "table" and options.exec
    if not exec then return nil end
    return exec(Domain.handle(question.guest, question.host), question.words, question.input)
end

local function answer(question)
    local ok, result = pcall(reply, question)
    if not ok then
        if runtime.stopped() then error(result, 0) end
        wrong = wrong or result
        result = #question.words > 0 and { code = 126, stderr = tostring(result) } or nil
    end
    perform("spec.answer", question.id, result)
end

---The task that answers the questions of the case's guests.
---@type limiq.Task?
local service

local function serve()
    if service then return end
    service = runtime.spawn(function()
        while true do
            local question = perform "spec.question"
            if not question then return end
            runtime.spawn(answer, question)
        end
    end)
end

local function run_case(body)
    local problem
    local function try(f)
        local ok, e = pcall(f)
        if not ok and problem == nil then problem = e == nil and "nil" or e end
    end
    for _, group in ipairs(groups) do
        for _, before in ipairs(group.before) do
            if problem == nil then try(before) end
        end
    end
    if problem == nil then try(body) end
    for index = #groups, 1, -1 do
        for _, after in ipairs(groups[index].after) do try(after) end
    end
    if problem == nil then problem = wrong end
    return problem
end

---Runs one case: it passes unless it raises. Its world is its own: hosts and machines of an earlier case are gone.
---
---Example:
---```lua
---spec.it("names the host", function() spec.equal(recipes.hostname("web").user_data.hostname, "web") end)
---```
---@param name string
---@param body fun()
function M.it(name, body)
    check_body("it", body)
    require_runner()
    if current then
        runtime.fail { code = "bad_field", message = ("the case %s is in another, %s"):format(name, current) }
    end
    local full = full_name(name)
    if not perform("spec.begin", full) then return end
    current, snapshots, asked, wrong, service = full, 0, {}, nil, nil
    local problem = run_case(body)
    local cleared, e = pcall(perform, "spec.clear")
    if service then service:join() end
    current = nil
    if runtime.stopped() then error(problem or e, 0) end
    if problem == nil and not cleared then problem = e end
    if type(problem) == "table" and problem.skipped then
        perform("spec.end", full, "skipped", problem.skipped)
    else
        perform("spec.end", full, problem == nil and "passed" or "failed", problem ~= nil and tostring(problem) or "")
    end
end

---Ends the case without saying whether it passes.
---
---Example:
---```lua
---if not limiq.env.DISPLAY then spec.skip "needs a screen" end
---```
---@param reason string
function M.skip(reason) error(setmetatable({ skipped = reason }, { __tostring = function() return reason end }), 0) end

-- What a case says

---Raises unless both are the same: tables by what they hold. The message has a line for each difference, and for texts
---of several lines the lines that differ.
---
---Example:
---```lua
---spec.equal({ ports = { 80 } }, { ports = { 443 } }) -- ports[1] is 80, not 443
---```
---@param actual any
---@param expected any
function M.equal(actual, expected)
    local lines = {}
    values.compare(actual, expected, "", lines, {})
    if #lines > 0 then error(table.concat(lines, "\n"), 2) end
end

---Raises unless `body` raises what is wanted; returns the error.
---
---Example:
---```lua
---local e = spec.expect_error("bad_field", function() recipes.timezone(3) end)
---spec.expect_error({ code = "not_found", resource = "web-01" }, function() limiq.domain.get "web-01" end)
---```
---@overload fun(body: fun()): any
---@param wanted string|table its `code`, or a part of its text; a table: fields of it, texts by a part
---@param body fun()
---@return any error
function M.expect_error(wanted, body)
    if body == nil then wanted, body = nil, wanted end
    check_body("expect_error", body)
    local ok, problem = pcall(body)
    if ok then error("nothing was raised", 2) end
    if runtime.stopped() then error(problem, 0) end
    local text = tostring(problem)
    local code = type(problem) == "table" and problem.code or nil
    if type(wanted) == "table" then
        for _, field in ipairs(values.sorted_keys(wanted)) do
            local found, asks = type(problem) == "table" and problem[field] or nil, wanted[field]
            local fits = found == asks
                or type(found) == "string" and type(asks) == "string" and found:find(asks, 1, true) ~= nil
            if not fits then
                error(("raised %s, whose %s is %s, not %s"):format(
                    values.shown(text, 1), field, values.shown(found, 1), values.shown(asks, 1)), 2)
            end
        end
    elseif wanted and code ~= wanted and not text:find(wanted, 1, true) then
        error(("raised %s, not %s"):format(values.shown(text, 1), values.shown(wanted, 1)), 2)
    end
    return problem
end

---`expect_error` with the function first.
---@deprecated
---@param body fun()
---@param wanted? string
---@return any error
function M.raises(body, wanted)
    if wanted == nil then return M.expect_error(body) end
    return M.expect_error(wanted, body)
end

---Raises unless a value is what it was when the snapshot of it was written: `limiq test --update-snapshots` does so. It
---is kept beside the spec, in `NAME_spec.snapshots`: keep it with your sources, and see what a change makes of it.
---
---Example:
---```lua
---spec.snapshot(spec.plan "fleet.lua")
---```
---@param value any a text as it is, a table line by line
---@param name? string where a case has several; its number where left out
function M.snapshot(value, name)
    if not current then runtime.fail { code = "bad_field", message = "snapshot: it belongs in a case" } end
    if not name then
        snapshots = snapshots + 1
        name = snapshots > 1 and tostring(snapshots) or nil
    end
    local full = name and current .. " " .. name or current
    local text = type(value) == "string" and value or values.written(value, "", {})
    if text:sub(-1) ~= "\n" then text = text .. "\n" end
    local kept = perform("spec.snapshot", full, text)
    if kept == nil or kept == runtime.null then return end
    local what = kept and "the snapshot differs (- kept, + found):\n" .. values.difference(text, kept)
        or "there is no snapshot yet of:\n" .. text
    error(what:gsub("\n$", "") .. "\n  hint: limiq test --update-snapshots writes it", 2)
end

-- Whole scripts

---How a script is run by a spec.
---@class limiq.spec.RunOptions
---@field set? table<string, string|number|boolean> its parameters, as by `--set`
---@field args? string[] its own words: `limiq.args`

---What came of a script that a spec has run.
---@class limiq.spec.RunResult
---@field ok boolean
---@field output string what it printed
---@field code? string of the error that ended it
---@field message? string of that error
---@field hint? string of that error
---@field text? string that error with its line, as `limiq run` tells it

local function script_call(name, script, options)
    runtime.check_fields(name, options or {}, { set = true, args = true })
    local call = { script = script, args = options and options.args, set = {} }
    for parameter, value in pairs(options and options.set or {}) do
        call.set[parameter] = type(value) == "table" and table.concat(value, ",") or tostring(value)
    end
    return call
end

---Runs a whole script as `limiq run` does, on the hosts of the case. It has globals, modules and parameters of its own.
---Where it fails, that is told and not raised.
---
---Example:
---```lua
---local run = spec.run("../fleet.lua", { set = { count = 3 } })
---spec.equal({ run.ok, run.text }, { true })
---```
---@async
---@param script string its path, from the spec's folder
---@param options? limiq.spec.RunOptions
---@return limiq.spec.RunResult
function M.run(script, options) return perform("spec.run", script_call("spec.run", script, options)) end

---What a script would do now, as `limiq plan` tells it.
---
---Example:
---```lua
---spec.snapshot(spec.plan("../fleet.lua", { set = { count = 3 } }))
---```
---@async
---@param script string its path, from the spec's folder
---@param options? limiq.spec.RunOptions
---@return string
function M.plan(script, options) return perform("spec.plan", script_call("spec.plan", script, options)) end

-- Hosts

---A function that answers a program in a guest: with its output, or all of its end; with nothing for one that ends well
---and says nothing. It may wait, as the program would.
---@alias limiq.spec.Exec
---| fun(vm: limiq.Domain, argv: string[], stdin: string): string|limiq.spec.ProgramAnswer|nil

---What simulated guests do. A guest's cloud-init is done five seconds after it has booted.
---@class limiq.spec.GuestsOptions
---@field boot? string|number|false from the start until its agent answers ("30s"); false: it hangs
---@field shutdown? string|number|false from being asked until it is off ("2s"); false: it does not hear
---@field agent? boolean whether an agent runs in it; true where left out
---@field cloud_init_errors? string[] what its cloud-init ends with
---@field fails? "panic"|"off" in the place of having booted: the kernel panics, or the guest switches itself off
---@field files? table<string, string> what its disk has, by path
---@field exec? limiq.spec.Exec what programs in it answer

---What a program in a simulated guest ends with.
---@class limiq.spec.ProgramAnswer
---@field code? integer 0 where left out
---@field stdout? string
---@field stderr? string

---What all guests of a host do, or what the guest of this name does from its start.
---@alias limiq.spec.Guests limiq.spec.GuestsOptions|fun(name: string): limiq.spec.GuestsOptions

---What a simulated host is, and how it fails.
---@class limiq.spec.HostOptions
---@field uri? string the URI by which scripts connect to it; the run's own host where left out
---@field cpus? integer logical processors (4)
---@field memory? string its memory ("8GiB")
---@field down? boolean it does not answer
---@field full? boolean nothing more can be written to its disks, nor to those of its guests
---@field guests? limiq.spec.Guests

local host_options = { uri = true, cpus = true, memory = true, down = true, full = true, guests = true }
local guest_options = {
    boot = true, shutdown = true, agent = true, cloud_init_errors = true, fails = true, files = true, exec = true,
}

---A simulated host.
---@class limiq.spec.Host
---@field uri string
local Host = {}
Host.__index = Host
Host.__name = "limiq.spec.Host"
function Host:__tostring() return "host " .. self.uri end

---Whether hosts are simulated: not so with `limiq test --connect`.
---
---Example:
---```lua
---if not spec.is_simulated() then spec.skip "no real guest answers so" end
---```
---@return boolean
function M.is_simulated() return not perform "spec.is_real" end

---What a real host cannot do on a spec's word.
local function require_simulation(what)
    if not M.is_simulated() then M.skip(what .. " needs a simulated host") end
end

---The options without functions, and what is asked for in their place.
local function plain(host, options)
    local copy, guests = {}, options.guests
    for name, value in pairs(options) do copy[name] = value end
    if type(guests) == "function" then
        copy.guests, copy.asks_script, copy.asks_programs = nil, true, true
    elseif type(guests) == "table" then
        runtime.check_fields("guests", guests, guest_options)
        copy.guests = {}
        for name, value in pairs(guests) do
            if name ~= "exec" then copy.guests[name] = value end
        end
        if guests.exec ~= nil then
            if type(guests.exec) ~= "function" then
                runtime.fail {
                    code = "bad_field",
                    message = "guests.exec must be a function, not " .. runtime.described(guests.exec),
                }
            end
            copy.asks_programs = true
        end
    end
    if copy.asks_programs and M.is_simulated() then
        asked[host] = guests
        serve()
    end
    return copy
end

---Begins a host for this case. Scripts and specs work on it where they name no host, or by its `uri`. Without it a case
---has a host with what stands here in parentheses. On a real host, with `--connect`, what its guests do is theirs to
---say; a case that needs another one, or a fault, is skipped there.
---
---Example:
---```lua
---local host = spec.host { guests = { boot = "30s", exec = function(vm, argv)
---    if argv[1] == "hostname" then return vm.name .. "\n" end
---end } }
---local node = spec.host { uri = "qemu+ssh://node1/system", memory = "64GiB" }
---```
---@param options? limiq.spec.HostOptions
---@return limiq.spec.Host
function M.host(options)
    require_runner()
    options = options or {}
    runtime.check_fields("spec.host", options, host_options)
    if not current then
        runtime.fail {
            code = "bad_field", message = "spec.host: a host lives as long as a case",
            hint = "call it in spec.it or in spec.before_each",
        }
    end
    for _, name in ipairs { "uri", "down", "full" } do
        if options[name] then require_simulation(name) end
    end
    local uri = options.uri or "simulated:///host"
    return setmetatable({ uri = perform("spec.host", plain(uri, options)) }, Host)
end

---Changes the host: any of what `spec.host` takes but its URI. What its guests do counts from their next start.
---
---Example:
---```lua
---host:set { down = true }
---```
---@param options limiq.spec.HostOptions
function Host:set(options)
    require_simulation "host:set"
    runtime.check_fields("host:set", options, host_options)
    perform("spec.set", self.uri, plain(self.uri, options))
end

---Changes what a guest that runs does from now on.
---
---Example:
---```lua
---host:guest("web-02", { agent = false })
---```
---@param name string
---@param options limiq.spec.GuestsOptions without `exec`
function Host:guest(name, options)
    require_simulation "host:guest"
    perform("spec.set_guest", self.uri, name, options)
end

---Ends a guest at once, as a fault of QEMU's does.
---
---Example:
---```lua
---host:crash "web-02"
---```
---@param name string
function Host:crash(name)
    require_simulation "host:crash"
    perform("spec.crash", self.uri, name)
end

---What was done to the host's machines, in order: `{ "define web-01", "start web-01" }`.
---
---Example:
---```lua
---spec.equal(host:calls "start", { "web-01", "web-02" })
---```
---@param what? string only these, by the machines' names
---@return string[]
function Host:calls(what)
    require_simulation "host:calls"
    local calls = perform("spec.calls", self.uri)
    if not what then return calls end
    local names = {}
    for _, call in ipairs(calls) do
        local name = call:match("^" .. what:gsub("%p", "%%%0") .. " (.+)$")
        if name then names[#names + 1] = name end
    end
    return names
end

---The seconds since the case began, as its guests and its waits count them.
---
---Example:
---```lua
---limiq.sleep "1h"
---spec.equal(spec.elapsed() >= 3600, true)
---```
---@return number
function M.elapsed() return perform "spec.elapsed" end

return M
