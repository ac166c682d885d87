-- Tasks: what runs beside what.

local core = ...
local SPAWN, JOIN, CANCEL = core.SPAWN, core.JOIN, core.CANCEL
local request, traced, carry, current = core.request, core.traced, core.carry, core.task
local stopped, shield = core.stopped, core.shield
local pack, unpack, type, tostring, pcall, error = table.pack, table.unpack, type, tostring, pcall, error
local match, format, setmetatable, next, ipairs = string.match, string.format, setmetatable, next, ipairs

--- The tasks that have not ended, and those that failed while nobody has seen the error.
local running, unseen = {}, {}
--- What a task handle stands for. Handles are empty, so that a script cannot meddle with it.
local records = setmetatable({}, { __mode = "k" })

--- Runs `f(...)` to its end although the task it runs in is cancelled or interrupted meanwhile, or was before: for
--- clean-up that waits. A second Ctrl-C ends it all the same.
---
--- Example:
--- ```lua
--- local ok, e = pcall(install, vm)
--- if not ok then limiq.shield(function() vm:remove() end) end
--- ```
---@async
---@param f function
---@param ... any Its arguments.
---@return any ... What it returns; its error is raised.
function core.shield(f, ...)
  core.check_function(1, "shield", f)
  return shield(f, ...)
end

--- Something that runs beside the script.
---@class limiq.Task
local Task = {}
local metatable = {
  __index = Task,
  __name = "limiq.Task",
  __metatable = "limiq.Task",
  __tostring = function(task) return "task " .. tostring(records[task].id) end,
}

--- Raises where an argument is of the wrong type, at the line that called the caller.
local function checker(expected)
  return function(number, name, value)
    if type(value) ~= expected then
      error(format("bad argument #%d to '%s' (%s expected, got %s)", number, name, expected, type(value)), 3)
    end
  end
end
core.check_function, core.check_table = checker "function", checker "table"

-- Spawning and joining

local function finish(record, ok, ...)
  if ok then
    record.values = pack(...)
  else
    local e, traceback = ...
    record.failed, record.error = true, e
    if traceback and record.spawned_at then
      traceback = format("%s\n\ttask %d, spawned at %s", traceback, record.id, record.spawned_at)
      if core.is_failure(e) and not match(e.traceback or "", "spawned at") then e.traceback = traceback end
    end
    record.traceback = traceback
    -- Who was cancelled has nobody to tell of it.
    local was_cancelled = core.is_failure(e) and e.code == "cancelled" and (record.cancelled or stopped())
    if not was_cancelled then unseen[record.id] = record end
  end
  record.ended = true
  running[record.id] = nil
end

local function body(record, f, ...)
  record.id = current()
  if record.cancelled then
    return finish(record, false, core.failure { code = "cancelled", message = record.cancelled })
  end
  finish(record, traced(f, ...))
end

local function start(name, f, ...)
  local record = { spawned_at = core.where() }
  record.id = request(SPAWN, name, core.create_task(body), record, f, ...)
  if not record.ended then running[record.id] = record end
  return record
end

--- Runs `f(...)` beside the caller.
---
--- Example:
--- ```lua
--- local task = limiq.spawn(build, "web-01")
--- local address = task:join()
--- ```
---@param f function
---@param ... any Its arguments.
---@return limiq.Task
function core.spawn(f, ...)
  core.check_function(1, "spawn", f)
  local task = setmetatable({}, metatable)
  records[task] = start("spawn", f, ...)
  return task
end

---@return boolean? is_late Its time was over before it ended.
local function wait_for(record, name)
  if record.ended then return end
  local _, is_late = request(JOIN, name, record.id)
  if not record.ended then
    running[record.id] = nil
    record.ended, record.failed, record.error = true, true, "not enough memory"
  end
  return is_late
end

local function record_of(task, method)
  return records[task] or error("call it with a colon: task:" .. method .. "()", 3)
end

local function result(record)
  unseen[record.id] = nil
  if record.failed then carry(record.error, record.traceback) end
  return unpack(record.values, 1, record.values.n)
end

--- Waits until the task has ended.
---
--- Example:
--- ```lua
--- local address = limiq.spawn(build, "web-01"):join()
--- ```
---@async
---@return any ... What its function returned; its error is raised here, with the task's own traceback.
function Task:join()
  local record = record_of(self, "join")
  wait_for(record, "task:join")
  return result(record)
end

local function cancel(record, name, message, kill)
  if record.ended then return end
  record.cancelled = message
  request(CANCEL, name, record.id, message, kill)
end

--- Cancels the task, for good: the wait it is in raises an error with code `cancelled`, and so does each later call
--- that waits or touches the world, whether it was caught or not. A pcall catches the first of these errors, none the
--- next, so that no loop goes on. Only clean-up may wait: `<close>` variables and `limiq.shield`. `join` waits for it.
---
--- Example:
--- ```lua
--- local task = limiq.spawn(watch, "web-01")
--- task:cancel()
--- ```
function Task:cancel()
  cancel(record_of(self, "cancel"), "task:cancel", "cancelled")
end

--- Cancels those that nobody has cancelled yet.
local function cancel_all(list, name, message)
  for _, record in ipairs(list) do
    if not record.cancelled then cancel(record, name, message) end
  end
end

--- Whether an error asks for the end of the task rather than telling of something that went wrong.
local function is_stop(e)
  return core.is_failure(e) and (e.code == "cancelled" or e.code == "interrupted")
end

--- For the functions built on tasks: these take records, which scripts never see.
core.tasks = {
  start = start, wait_for = wait_for, result = result, cancel = cancel, cancel_all = cancel_all, is_stop = is_stop,
  shield = shield,
  --- Counts a task's error as seen.
  forget = function(record) unseen[record.id] = nil end,
}

-- The end of a run

--- The tasks that run, as a list: to cancel one lets others run, and start new ones.
local function all_running()
  local list = {}
  for _, record in next, running do list[#list + 1] = record end
  return list
end

--- Waits until every task has ended, whatever happens. Where they wait for each other they are cancelled, and those
--- that do not take it are killed.
---@return any? e What is wrong with them all.
local function wait_for_all()
  local stop, kill
  while true do
    local _, record = next(running)
    if not record then return stop end
    local ok, e = pcall(wait_for, record, "run")
    if not ok then
      if core.killed() then error(e, 0) end
      stop = stop or e
      if core.is_failure(e) and e.code == "deadlock" then
        pcall(function()
          for _, other in ipairs(all_running()) do cancel(other, "run", e.message, kill) end
        end)
        kill = true
      end
    end
  end
end

--- Runs the script's chunk and then waits for what it spawned.
---@return boolean ok, any ... The chunk's values, or the error and its traceback.
function core.run(chunk, ...)
  running, unseen = {}, {}
  if stopped() then return false, core.failure { code = "interrupted", message = "interrupted" } end
  local results = pack(traced(chunk, ...))
  -- An interrupt reaches each task itself.
  if not results[1] and not stopped() then cancel_all(all_running(), "run", "the script failed") end
  local waits = next(running) ~= nil
  local stop = shield(wait_for_all)
  if waits and stopped() then stop = stop or core.failure { code = "interrupted", message = "interrupted" } end
  local first, more
  for _, record in next, unseen do
    more = (more or -1) + 1
    if not first or record.id < first.id then first = record end
  end
  if not results[1] then return unpack(results, 1, results.n) end
  if stop ~= nil then return false, stop end
  if first then
    local e = first.error
    if more > 0 and core.is_failure(e) then e.message = format("%s (and %d more tasks failed)", e.message, more) end
    return false, e, first.traceback
  end
  return unpack(results, 1, results.n)
end
