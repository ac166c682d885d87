-- Values as a person reads them: what `limiq.inspect` gives, and `print` shows of a table.

local core = ...
local type, tostring, next, getmetatable, rawget = type, tostring, next, getmetatable, rawget
local math_type, huge, sort, concat = math.type, math.huge, table.sort, table.concat
local format, find, rep, gsub, byte = string.format, string.find, string.rep, string.gsub, string.byte
local select, pack, unpack = select, table.pack, table.unpack

local plain_print = print

local keywords = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true "
  .. "until while"):gmatch "%S+" do keywords[word] = true end

--- Whether a table is shown by what is in it, and not as what it calls itself.
local function is_plain(value)
  local meta = getmetatable(value)
  return meta == nil or type(meta) == "table" and rawget(meta, "__tostring") == nil
end

local function rank(key)
  if type(key) == "number" then return 1 end
  return type(key) == "string" and 2 or 3
end

local function before(left, right)
  local first, second = rank(left), rank(right)
  if first ~= second then return first < second end
  if first < 3 then return left < right end
  return tostring(left) < tostring(right)
end

local escapes = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ["\""] = "\\\"", ["\\"] = "\\\\" }

local function quoted(text)
  return '"' .. gsub(text, "[%c\"\\]", function(c) return escapes[c] or format("\\%03d", byte(c)) end) .. '"'
end

local function scalar(value)
  if type(value) == "string" then return quoted(value) end
  if value == huge then return "math.huge" end
  if value == -huge then return "-math.huge" end
  if type(value) == "function" then return "function" end
  return tostring(value)
end

local function name_of(key, show)
  if type(key) == "string" and find(key, "^[%a_][%w_]*$") and not keywords[key] then return key end
  return "[" .. show(key) .. "]"
end

local WIDTH = 100

--- A value as Lua would write it: names in order, what is deep or within itself as `{…}`, secrets as ‹secret›.
---
--- Example:
--- ```lua
--- print(limiq.inspect({ name = "web-01", ports = { 80, 443 } }))
--- ```
---@param value any
---@param options? { depth?: integer, indent?: string } How deep it looks (8); what lines begin with, `""` for one line.
---@return string
function core.inspect(value, options)
  options = options or {}
  core.check_fields("inspect", options, { depth = true, indent = true })
  local deepest, indent = options.depth or 8, options.indent or "  "
  if math_type(deepest) ~= "integer" then
    core.fail { code = "bad_field", message = "inspect: depth must be a whole number, not " .. core.described(deepest) }
  end
  if type(indent) ~= "string" then
    core.fail { code = "bad_field", message = "inspect: indent must be a string, not " .. core.described(indent) }
  end
  -- Tables that refer to each other have no end that a person would read to.
  local within, left = {}, 10000
  local function show(item, level)
    if type(item) ~= "table" or not is_plain(item) then return scalar(item) end
    if next(item) == nil then return "{}" end
    if within[item] or level > deepest or left == 0 then return "{…}" end
    within[item], left = true, left - 1
    local keys, parts, length = {}, {}, 0
    for key in next, item do keys[#keys + 1] = key end
    sort(keys, before)
    local position = 1
    for index = 1, #keys do
      local key = keys[index]
      local text = show(rawget(item, key), level + 1)
      if key == position then
        position = position + 1
      else
        text = name_of(key, function(inner) return show(inner, deepest + 1) end) .. " = " .. text
      end
      parts[index], length = text, length + #text + 2
    end
    within[item] = nil
    local is_long = length + level * #indent > WIDTH or find(concat(parts), "\n", 1, true)
    if indent == "" or not is_long then return "{ " .. concat(parts, ", ") .. " }" end
    local margin = rep(indent, level)
    return "{\n" .. margin .. concat(parts, ",\n" .. margin) .. ",\n" .. rep(indent, level - 1) .. "}"
  end
  return show(value, 1)
end

rawset(_G, "print", function(...)
  local texts
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if type(value) == "table" and is_plain(value) then
      texts = texts or pack(...)
      texts[i] = core.inspect(value)
    end
  end
  if texts then return plain_print(unpack(texts, 1, texts.n)) end
  return plain_print(...)
end)
