-- What waits: `sleep`, `timeout`, `retry`, and the durations they take.

local core = ...
local SLEEP, request, traced, carry = core.SLEEP, core.request, core.traced, core.carry
local start, wait_for, result, shield = core.tasks.start, core.tasks.wait_for, core.tasks.result, core.tasks.shield
local is_stop, forget, cancel_all = core.tasks.is_stop, core.tasks.forget, core.tasks.cancel_all
local LIMIT, stopped = core.LIMIT, core.stopped
local pack, unpack, type, tostring, pcall, error = table.pack, table.unpack, type, tostring, pcall, error
local match, format, tonumber, math_type = string.match, string.format, tonumber, math.type
local ipairs, next = ipairs, next

--- Refuses options nobody reads.
function core.check_fields(name, options, known)
  if type(options) ~= "table" then
    core.fail { code = "bad_field", message = format("%s: it takes a table, not %s", name, core.described(options)) }
  end
  for field in next, options do
    if not known[field] then
      local nearest = core.nearest(tostring(field), known)
      core.fail {
        code = "bad_field", message = format("%s: %s is not an option", name, tostring(field)),
        hint = nearest and "did you mean " .. nearest .. "?" or nil,
      }
    end
  end
end

-- Durations

local scales = { ms = 0.001, s = 1, m = 60, h = 3600, d = 86400 }

local function parse_duration(text)
  local seconds, rest = 0, text
  repeat
    local number, unit, after = match(rest, "^([%d.]+)(%a+)(.*)$")
    local value, scale = tonumber(number), scales[unit]
    if not value or not scale then return nil end
    seconds, rest = seconds + value * scale, after
  until rest == ""
  return seconds
end

--- Seconds of a number or of a text such as "500ms", "5s", "1m30s".
---@param value number|string
---@param name string What the message calls it.
---@return number
local function seconds(value, name)
  local span
  if type(value) == "number" then span = value elseif type(value) == "string" then span = parse_duration(value) end
  if not span or span ~= span or span < 0 or span >= 1e9 then
    core.fail {
      code = "bad_field",
      message = format("%s: %s is not a duration", name, core.described(value)),
      hint = 'give a number of seconds or a text such as "500ms", "5s", "10m", "2h"',
    }
  end
  return span
end

--- Waits without keeping others from running.
---
--- Example:
--- ```lua
--- limiq.sleep "500ms"
--- ```
---@async
---@param duration number|string Seconds, or a text such as "500ms", "5s", "10m".
function core.sleep(duration)
  request(SLEEP, "sleep", seconds(duration, "sleep"))
end

--- Ends tasks whose owner was stopped by `e` while it waited for them, sees them out, and raises `e` again.
function core.tasks.abandon(list, name, e)
  shield(function()
    cancel_all(list, name, "cancelled")
    for _, record in ipairs(list) do
      wait_for(record, name)
      forget(record)
    end
  end)
  error(e, 0)
end

--- Runs `f` for at most so long, whether it waits or computes. When its time is over, it and all the tasks that were
--- started in it are cancelled for good, as by `task:cancel()`; clean-up has ten seconds more. Only one call of Lua's
--- own, such as a `string.find` that takes for ever, ends no sooner than it does.
---
--- Example:
--- ```lua
--- local answer = limiq.timeout("30s", function() return vm:exec { "cat", "/proc/loadavg" } end)
--- ```
---@async
---@param duration number|string
---@param f function
---@param ... any Its arguments.
---@return any ... What it returns. When its time is over: an error with code `timeout`.
function core.timeout(duration, f, ...)
  local limit = seconds(duration, "timeout")
  core.check_function(2, "timeout", f)
  local message = format("took longer than %s", type(duration) == "string" and duration or tostring(limit) .. "s")
  local record = start("timeout", f, ...)
  request(LIMIT, "timeout", record.id, limit, message)
  local ok, is_late = pcall(wait_for, record, "timeout")
  if not ok then core.tasks.abandon({ record }, "timeout", is_late) end
  forget(record)
  if not (is_late and record.failed) then return result(record) end
  core.fail {
    code = "timeout", message = message,
    cause = not is_stop(record.error) and tostring(record.error) or nil,
    traceback = core.is_failure(record.error) and record.error.traceback or record.traceback,
  }
end

--- Calls `f` until it does not raise.
---
--- Example:
--- ```lua
--- limiq.retry({ times = 5, delay = "2s" }, function() vm:exec { "systemctl", "is-active", "nginx" } end)
--- ```
---@async
---@overload fun(f: fun(attempt: integer): ...): ...
---@param options { times?: integer, delay?: number|string } How often at most (3), and how long between (1s).
---@param f fun(attempt: integer): ...
---@return any ... What it returns; when it never did, its last error is raised.
function core.retry(options, f)
  if type(options) == "function" then options, f = {}, options end
  core.check_table(1, "retry", options)
  core.check_function(2, "retry", f)
  core.check_fields("retry", options, { times = true, delay = true })
  local times, delay = options.times or 3, seconds(options.delay or 1, "retry: delay")
  if math_type(times) ~= "integer" or times < 1 then
    core.fail {
      code = "bad_field", message = "retry: times must be a whole number, 1 or more, not " .. core.described(times),
    }
  end
  for attempt = 1, times do
    local results = pack(traced(f, attempt))
    if results[1] then return unpack(results, 2, results.n) end
    if attempt == times or stopped() then carry(results[2], results[3]) end
    core.sleep(delay)
  end
end

--- Calls `f` and gives its error instead of raising it; the end of the task is raised all the same.
---
--- Example:
--- ```lua
--- local domain, e = limiq.try(limiq.domain.get, "web-01")
--- if e and e.code == "not_found" then print "not there" end
--- ```
---@async
---@param f function
---@param ... any Its arguments.
---@return any value What `f` returns, or nil.
---@return limiq.Error|any e What it raised.
function core.try(f, ...)
  local results = pack(traced(f, ...))
  if results[1] then return unpack(results, 2, results.n) end
  if stopped() then carry(results[2], results[3]) end
  return nil, results[2]
end

