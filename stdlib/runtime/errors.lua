-- Errors as tables: what `tostring(e)` shows, and the nearest name for a wrong one.

--- What a function of the library raises: `tostring(e)` is a line a person can act on.
---@class limiq.Error
---@field code string A stable word to branch on.
---@field message string
---@field hint string? The way out.
---@field resource string? Which VM or file it is about.
---@field where string? `build-web.lua:12`
---@field cause string?
---@field traceback string?

local core = ...
local rawget, tostring, type = rawget, tostring, type
local find, lower, byte, format = string.find, string.lower, string.byte, string.format
local min, max, next, error = math.min, math.max, next, error
local getmetatable, sort, concat = getmetatable, table.sort, table.concat

local function text(e, field)
  local value = rawget(e, field)
  if value == nil then return nil end
  return type(value) == "string" and value or tostring(value)
end

--- One line a person can act on, and the hint.
local function describe(e)
  local line = text(e, "message") or text(e, "code") or "an error without a message"
  local resource, cause, hint, where = text(e, "resource"), text(e, "cause"), text(e, "hint"), text(e, "where")
  if resource and not find(line, resource, 1, true) then line = resource .. ": " .. line end
  if cause and not find(line, cause, 1, true) then line = line .. ": " .. cause end
  if where then line = where .. ": " .. line end
  if hint then line = line .. "\n  hint: " .. hint end
  return line
end

core.adopt_failure {
  __name = "limiq.Error",
  __metatable = "limiq.Error",
  __tostring = describe,
  __concat = function(a, b)
    return (core.is_failure(a) and describe(a) or a) .. (core.is_failure(b) and describe(b) or b)
  end,
}

--- Edits (insertions, deletions, substitutions, swaps of neighbours) between two words.
local function distance(a, b)
  local before, last = {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local same = byte(a, i) == byte(b, j)
      row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and byte(a, i) == byte(b, j - 1) and byte(a, i - 1) == byte(b, j) then
        row[j] = min(row[j], before[j - 2] + 1)
      end
    end
    before, last = last, row
  end
  return last[#b]
end

--- The name most likely meant: within a third of the word's length in edits.
---@param word string
---@param names table<string, any> The names are its keys.
---@return string?
function core.nearest(word, names)
  local nearest, least = nil, max(1, (#word + 1) // 3) + 1
  if #word > 64 then return nil end
  for name in next, names do
    if type(name) == "string" and #name <= 64 then
      local edits = distance(lower(word), lower(name))
      if edits < least or (edits == least and nearest and name < nearest) then nearest, least = name, edits end
    end
  end
  return nearest
end

--- What a value is, for a message: a short text or a number in full, a table by whether it is a list or has names.
---@param value any
---@return string
function core.described(value)
  local kind = type(value)
  if kind == "string" then return #value <= 40 and '"' .. value .. '"' or "a string" end
  if kind == "function" or kind == "thread" then return "a " .. kind end
  if value == core.null then return "nil" end
  local meta = kind == "table" and getmetatable(value)
  if kind ~= "table" or type(meta) == "table" and rawget(meta, "__tostring") then return tostring(value) end
  if #value > 0 then return "a list" end
  local names = {}
  for name in next, value do names[#names + 1] = tostring(name) end
  if #names == 0 then return "an empty table" end
  sort(names)
  return format("a table with names (%s%s)", concat(names, ", ", 1, min(#names, 3)), #names > 3 and ", …" or "")
end

--- Raises `bad argument` as Lua's own functions do.
function core.bad_argument(number, name, expected, value)
  error(format("bad argument #%d to '%s' (%s expected, got %s)",
    number, name, expected, value == nil and "no value" or type(value)), 3)
end
