-- `each`: the same for every item of a list, some at once.

local core = ...
local traced = core.traced
local start, wait_for, result, abandon = core.tasks.start, core.tasks.wait_for, core.tasks.result, core.tasks.abandon
local cancel, is_stop, forget = core.tasks.cancel, core.tasks.is_stop, core.tasks.forget
local concat, gsub, format = table.concat, string.gsub, string.format
local max, min, math_type = math.max, math.min, math.type
local type, tostring, pcall, error, ipairs = type, tostring, pcall, error, ipairs

local function report(list, errors, count, stopped)
  local lines, causes, first = {}, {}, nil
  for i = 1, #list do
    local record = errors[i]
    if record and not (stopped and is_stop(record.error)) then
      first = first or record
      causes[i] = record.error
      local item = list[i]
      local shown = (type(item) == "string" or type(item) == "number") and tostring(item) or "item " .. i
      lines[#lines + 1] = format("\n  %s: %s", shown, (gsub(tostring(record.error), "\n", "\n  ")))
    end
  end
  local rest = stopped and ", the rest was stopped" or ""
  return {
    code = "each", message = format("%d of %d failed%s:%s", count, #list, rest, concat(lines)),
    errors = causes, traceback = first.traceback,
  }
end

--- Calls `f(item, index)` for each item, up to `limit` at once.
---
--- Example:
---     local addresses = limiq.each(names, { limit = 16 }, build)
---@param list any[]
---@param options { limit: integer?, stop_on_error: boolean? }
---@param f fun(item: any, index: integer): any
---@return any[] results The first result of each, in the order of the list. All are run, whatever fails, unless
--- `stop_on_error` is true: then the first failure cancels those that run, and no other is begun.
function core.each(list, options, f)
  if f == nil and type(options) == "function" then options, f = {}, options end
  core.check_table(1, "each", list)
  core.check_table(2, "each", options)
  core.check_function(3, "each", f)
  core.check_fields("each", options, { limit = true, stop_on_error = true })
  local limit = options.limit or max(#list, 1)
  if math_type(limit) ~= "integer" or limit < 1 then
    core.fail {
      code = "bad_field", message = "each: limit must be a whole number, 1 or more, not " .. tostring(limit),
    }
  end
  local results, errors, failures, next_index, spawned_at = {}, {}, 0, 1, core.where()
  local workers, stopped = {}, false
  local function stop_others(own)
    stopped, next_index = true, #list + 1
    for number, record in ipairs(workers) do
      if number ~= own then cancel(record, "each", "another one failed") end
    end
  end
  local function work(own)
    while next_index <= #list do
      local index = next_index
      next_index = index + 1
      local ok, value, traceback = traced(f, list[index], index)
      if ok then
        results[index] = value
      else
        if traceback then traceback = format("%s\n\titem %d of each at %s", traceback, index, spawned_at) end
        errors[index] = { error = value, traceback = traceback }
        if not (stopped and is_stop(value)) then failures = failures + 1 end
        if is_stop(value) then error(value, 0) end
        if options.stop_on_error and not stopped then stop_others(own) end
      end
    end
  end
  local ok, e = pcall(function()
    for i = 1, min(limit, #list) do workers[i] = start("each", work, i) end
    for _, record in ipairs(workers) do
      wait_for(record, "each")
      forget(record)
    end
  end)
  if not ok then abandon(workers, "each", e) end
  for _, record in ipairs(workers) do
    if record.failed and not is_stop(record.error) then result(record) end
  end
  if failures > 0 then core.fail(report(list, errors, failures, stopped)) end
  return results
end

