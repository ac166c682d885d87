-- `each`: the same for every item of a list, some at once.

local core = ...
local traced, is_stopped = core.traced, core.stopped
local start, wait_for, result, abandon = core.tasks.start, core.tasks.wait_for, core.tasks.result, core.tasks.abandon
local is_stop, forget, cancel = core.tasks.is_stop, core.tasks.forget, core.tasks.cancel
local current = core.task
local concat, gsub, format = table.concat, string.gsub, string.format
local max, min, math_type = math.max, math.min, math.type
local type, tostring, pcall, error, ipairs, next = type, tostring, pcall, error, ipairs, next

local function report(list, errors, count, done)
  local lines, causes, first = {}, {}, nil
  for i = 1, #list do
    local record = errors[i]
    if record then
      first = first or record
      causes[i] = record.error
      local item = list[i]
      local shown = (type(item) == "string" or type(item) == "number") and tostring(item) or "item " .. i
      lines[#lines + 1] = format("\n  %s: %s", shown, (gsub(tostring(record.error), "\n", "\n  ")))
    end
  end
  local left = #list - count - done
  local stopped = left > 0 and format(", which stopped %d more", left) or ""
  return {
    code = "each", message = format("%d of %d failed%s:%s", count, #list, stopped, concat(lines)),
    errors = causes, traceback = first.traceback,
  }
end

--- Calls `f(item, index)` for each item, up to `limit` at once. All are run, whatever fails, and one error lists every
--- failure. With `stop_on_error` the first failure cancels those that run, and no more are begun.
---
--- Example:
--- ```lua
--- local addresses = limiq.each(names, { limit = 16 }, build)
--- ```
---@async
---@overload fun(list: any[], f: fun(item: any, index: integer): any): any[]
---@param list any[]
---@param options { limit?: integer, stop_on_error?: boolean }
---@param f fun(item: any, index: integer): any
---@return any[] results The first result of each, in the order of the list.
function core.each(list, options, f)
  if f == nil and type(options) == "function" then options, f = {}, options end
  core.check_table(1, "each", list)
  core.check_table(2, "each", options)
  if #list == 0 and next(list) ~= nil then
    core.fail { code = "bad_field", message = "each: it takes a list, not names: " .. tostring(next(list)) }
  end
  core.check_function(3, "each", f)
  core.check_fields("each", options, { limit = true, stop_on_error = true })
  local limit = options.limit or max(#list, 1)
  if math_type(limit) ~= "integer" or limit < 1 then
    core.fail {
      code = "bad_field", message = "each: limit must be a whole number, 1 or more, not " .. core.described(limit),
    }
  end
  local stop_on_error = options.stop_on_error
  if stop_on_error ~= nil and type(stop_on_error) ~= "boolean" then
    core.fail {
      code = "bad_field", message = "each: stop_on_error must be true or false, not " .. core.described(stop_on_error),
    }
  end
  local results, errors, failures, done, next_index, spawned_at = {}, {}, 0, 0, 1, core.where()
  local workers, stopped = {}, false
  local function stop()
    stopped = true
    for _, record in ipairs(workers) do
      if record.id ~= current() and not record.cancelled then cancel(record, "each", "another item failed") end
    end
  end
  local function work()
    while next_index <= #list and not stopped do
      local index = next_index
      next_index = index + 1
      local ok, value, traceback = traced(f, list[index], index)
      if ok then
        results[index], done = value, done + 1
      elseif is_stopped() and is_stop(value) then
        error(value, 0)
      else
        if traceback then traceback = format("%s\n\titem %d of each at %s", traceback, index, spawned_at) end
        errors[index], failures = { error = value, traceback = traceback }, failures + 1
        if is_stopped() then return end
        if stop_on_error and not stopped then stop() end
      end
    end
  end
  local ok, e = pcall(function()
    for i = 1, min(limit, #list) do workers[i] = start("each", work) end
    for _, record in ipairs(workers) do
      wait_for(record, "each")
      forget(record)
    end
  end)
  if not ok then abandon(workers, "each", e) end
  for _, record in ipairs(workers) do
    if record.failed and not is_stop(record.error) then result(record) end
  end
  if failures > 0 then core.fail(report(list, errors, failures, done)) end
  -- Stopped, and not by another item: so is whoever waited for them, who may have been told of it last.
  for _, record in ipairs(workers) do
    if record.failed then result(record) end
  end
  return results
end

