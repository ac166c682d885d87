-- Tasks: coroutines the scheduler runs beside each other, and the waits that need no primitive.
local core = ...
local native, perform, pcall = core.native, core.perform, core.pcall
local create0, running0, xpcall0 = native.coroutine.create, native.coroutine.running, native.xpcall
local error, setmetatable, type, tostring, tonumber = error, setmetatable, type, tostring, tonumber
local pack, unpack, concat = table.pack, table.unpack, table.concat

---@class limiq.Task
---@field id integer
local Task = { __name = "limiq.Task", __metatable = "limiq.Task" }
Task.__index = Task

---Tasks that have not ended, and ended ones whose error nobody has seen.
local unfinished, unseen = {}, {}

---Runs `f` as the body of a task: errors are kept with the traceback of where they were raised.
local function body(task, f, ...)
    local results = pack(xpcall0(f, function(e)
        if e ~= core.kill and not core.is_error(e) then
            task.traceback = concat(core.frames(nil, 3), "\n")
        end
        return e
    end, ...))
    task.done, task.ok = true, results[1]
    if results[1] then task.results = results else task.error = results[2] end
    unfinished[task.id] = nil
    if task.error == core.kill then error(core.kill, 0) end
    if not task.ok then unseen[#unseen + 1] = task end
    for _, waiter in ipairs(task.waiters) do perform("@wake", waiter) end
end

---Starts `fn` beside the caller.
---
---Example:
---```lua
---local task = limiq.spawn(function() return limiq.vm(spec):up() end)
---print(task:join().changed)
---```
---@param fn function
---@return limiq.Task
function core.spawn(fn, ...)
    if type(fn) ~= "function" then
        error(core.failure("bad_field", "spawn takes a function, not " .. tostring(fn)), 2)
    end
    local task = setmetatable({ waiters = {}, done = false }, Task)
    task.spawned_at = core.locate(2)
    local arguments = pack(...)
    local thread
    thread = create0(function()
        body(task, fn, unpack(arguments, 1, arguments.n))
    end)
    core.bases[thread] = true
    task.id = perform("@spawn", thread)
    unfinished[task.id] = task
    return task
end

local function forget_error(task)
    for index, other in ipairs(unseen) do
        if other == task then return table.remove(unseen, index) end
    end
end

---Waits until it has ended.
local function settle(task, me)
    while not task.done do
        task.waiters[#task.waiters + 1] = me
        perform "@park"
    end
    forget_error(task)
end

---Its values, or its error with the task's own traceback.
function Task:join()
    local me = perform "@task"
    if me == self.id then error(core.failure("deadlock", "a task cannot join itself"), 2) end
    settle(self, me)
    if self.ok then return unpack(self.results, 2, self.results.n) end
    error(self.error, 0)
end

---Raises an error with code `cancelled` in it, at its wait. Does nothing where it has ended.
function Task:cancel()
    if not self.done then perform("@cancel", self.id) end
end

function Task:__tostring()
    return ("task %d (%s)"):format(self.id, not self.done and "running" or self.ok and "done" or "failed")
end

local units = { ms = 0.001, s = 1, m = 60, h = 3600, d = 86400 }

---Seconds of a number or of a text such as `"500ms"`, `"5s"`, `"1m30s"`.
local function seconds(duration, what)
    if type(duration) == "number" and duration >= 0 and duration < 1e9 then return duration + 0.0 end
    if type(duration) == "string" and duration ~= "" then
        local total, rest = 0, duration
        repeat
            local number, unit, tail = rest:match "^([%d.]+)(%a+)(.*)$"
            if not number or not tonumber(number) or not units[unit] then total = nil break end
            total, rest = total + tonumber(number) * units[unit], tail
        until rest == ""
        if total and total < 1e9 then return total end
    end
    error(core.failure("bad_field", ("%s: %s is not a duration"):format(what, tostring(duration)),
        'write a number of seconds or a text such as "500ms", "5s", "10m", "2h"'), 0)
end

---Waits.
---
---Example:
---```lua
---limiq.sleep "5s"
---```
---@param duration string|number
function core.sleep(duration)
    perform("@sleep", seconds(duration, "sleep"))
end

---Joins a task that works for the caller: where the caller is cancelled in its wait, the task is too.
local function join_own(task)
    local results = pack(pcall(task.join, task))
    if not task.done then
        task:cancel()
        pcall(task.join, task)
    end
    return unpack(results, 1, results.n)
end

local function finish_timeout(timer, expired, duration, ok, ...)
    timer:cancel()
    pcall(timer.join, timer)
    if ok then return ... end
    if expired() then
        error(core.failure("timeout", "it took longer than " .. tostring(duration)), 0)
    end
    error((...), 0)
end

---Runs `fn`; after the time it is cancelled and an error with code `timeout` raised.
---
---Example:
---```lua
---limiq.timeout("2m", function() vm:wait "ssh" end)
---```
---@param duration string|number
---@param fn function
function core.timeout(duration, fn, ...)
    local limit, expired = seconds(duration, "timeout"), false
    local task = core.spawn(fn, ...)
    local timer = core.spawn(function()
        perform("@sleep", limit)
        expired = not task.done
        task:cancel()
    end)
    return finish_timeout(timer, function() return expired end, duration, join_own(task))
end

---Calls `fn` again where it fails, `times` in all, with a `delay` between.
---
---Example:
---```lua
---limiq.retry({ times = 3, delay = "2s" }, function() return vm:exec { "true" } end)
---```
---@param options { times?: integer, delay?: string|number }
---@param fn function
function core.retry(options, fn, ...)
    local times, delay = options.times or 3, seconds(options.delay or 1, "retry: delay")
    for attempt = 1, times do
        local results = pack(pcall(fn, ...))
        if results[1] then return unpack(results, 2, results.n) end
        local e = results[2]
        local ended = core.is_error(e) and (e.code == "cancelled" or e.code == "interrupted")
        if attempt == times or ended then error(e, 0) end
        perform("@sleep", delay)
    end
end

---The function's values, or `nil` and the error.
---
---Example:
---```lua
---local image, e = limiq.try(limiq.image, "debian-13")
---```
---@param fn function
function core.try(fn, ...)
    local function finish(ok, ...)
        if ok then return ... end
        return nil, (...)
    end
    return finish(pcall(fn, ...))
end

---Calls `fn(item, index)` for each item, `limit` at once; the results in the items' order. All are run; then one
---error lists every failure.
---
---Example:
---```lua
---limiq.each({ "web-01", "web-02" }, { limit = 16 }, function(name) return limiq.vm(spec(name)):up() end)
---```
---@param items any[]
---@param options { limit?: integer }
---@param fn fun(item: any, index: integer): any
---@return any[]
function core.each(items, options, fn)
    if fn == nil then options, fn = {}, options end
    local limit = options.limit or #items
    if type(fn) ~= "function" or type(limit) ~= "number" or limit < 1 and #items > 0 then
        error(core.failure("bad_field", "each takes a list, options such as { limit = 16 }, and a function"), 2)
    end
    local results, failures, next_index = {}, {}, 0
    local function work()
        while next_index < #items do
            next_index = next_index + 1
            local index = next_index
            local ok, value = pcall(fn, items[index], index)
            if ok then
                results[index] = value
            else
                failures[#failures + 1] = { index = index, item = items[index], error = value }
                -- Whoever is told to end takes no further item.
                if core.is_error(value) and (value.code == "cancelled" or value.code == "interrupted") then return end
            end
        end
    end
    local workers = {}
    for index = 1, math.min(limit, #items) do workers[index] = core.spawn(work) end
    local stopped
    for _, worker in ipairs(workers) do
        local ok, e = join_own(worker)
        if not ok then stopped = stopped or e end
        if stopped then for _, other in ipairs(workers) do other:cancel() end end
    end
    if stopped then error(stopped, 0) end
    if #failures == 0 then return results end
    table.sort(failures, function(a, b) return a.index < b.index end)
    local lines = {}
    for _, failure in ipairs(failures) do
        local name = type(failure.item) == "table" and failure.item.name or failure.item
        lines[#lines + 1] = ("\n  %s: %s"):format(tostring(name), select(2, pcall(tostring, failure.error)))
    end
    local first = failures[1].error
    local code = #failures == 1 and core.is_error(first) and first.code or "failed"
    local e = core.failure(code, ("%d of %d failed:%s"):format(#failures, #items, concat(lines)))
    e.failures, e.results = failures, results
    error(e, 0)
end

---The script itself, as the first task: what it spawned and nobody joined is waited for, and its errors count.
function core.main(chunk, folder)
    core.script_folder = folder
    local task = setmetatable({ id = 1, waiters = {}, done = false }, Task)
    core.bases[running0()] = true
    unseen = {}
    body(task, chunk)
    local failed = not task.ok and task
    unseen = failed and {} or unseen
    if failed then
        for _, other in pairs(unfinished) do other:cancel() end
    end
    while next(unfinished) do
        local _, other = next(unfinished)
        local ok = pcall(settle, other, 1)
        if other.ok == false and not failed then failed = other end
        if not ok then for _, each in pairs(unfinished) do each:cancel() end end
    end
    failed = failed or unseen[1]
    if not failed then return true, unpack(task.results, 2, task.results.n) end
    local trace = failed.traceback
    if failed ~= task and failed.spawned_at then
        trace = (trace or "") .. "\n\tspawned at " .. failed.spawned_at
    end
    return false, core.parts(failed.error, trace)
end
