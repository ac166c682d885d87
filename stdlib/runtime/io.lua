-- What is left of `io`: the standard streams. Files are read and written through primitives.

local core = ...
local write, perform = core.write, core.perform
local type, error, tostring, setmetatable, select = type, error, tostring, setmetatable, select
local find, sub, match = string.find, string.sub, string.match
local tonumber, pack, unpack, concat, format = tonumber, table.pack, table.unpack, table.concat, string.format

local streams = setmetatable({}, { __mode = "k" })
local File = {}
local metatable = {
  __index = File, __name = "FILE*", __metatable = "FILE*",
  __tostring = function(file) return "file (" .. streams[file].name .. ")" end,
}

local function stream(name, number)
  local file = setmetatable({}, metatable)
  streams[file] = { name = name, number = number }
  return file
end

local stdin, stdout, stderr = stream("stdin", 0), stream("stdout", 1), stream("stderr", 2)

-- Writing

--- Two calls up is the script's line.
local function put(file, ...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if type(value) ~= "string" and type(value) ~= "number" then
      error(format("bad argument #%d to 'write' (string expected, got %s)", i, type(value)), 3)
    end
  end
  write(streams[file].number, ...)
end

function File:write(...)
  put(self, ...)
  return self
end

--- Nothing is kept back: what is written is out before the script runs on.
function File.flush(file) return file end

function File.setvbuf() return true end

function File.seek() return nil, "Illegal seek", 29 end

function File.close() error("a standard stream cannot be closed", 2) end

-- Reading: what has come and is not taken yet. Pieces in which nothing was found wait in `held` for what follows, as to
-- join each to the next would cost the square of their number.

local held, pending, at_end = {}, "", false

local function more()
  if at_end then return false end
  local bytes = perform("runtime.read_input")
  if not bytes then
    at_end = true
    return false
  end
  pending = pending .. bytes
  return true
end

local function hold()
  held[#held + 1], pending = pending, ""
end

--- Joins what is held.
local function settle()
  if held[1] then held, pending = {}, concat(held) .. pending end
end

local function take_all()
  settle()
  local text = pending
  pending = ""
  return text
end

local function read_line(keep)
  while true do
    local newline = find(pending, "\n", 1, true)
    if newline then
      local line = concat(held) .. sub(pending, 1, keep and newline or newline - 1)
      held, pending = {}, sub(pending, newline + 1)
      return line
    end
    hold()
    if not more() then
      local line = take_all()
      return line ~= "" and line or nil
    end
  end
end

local function read_all()
  repeat hold() until not more()
  return take_all()
end

local function read_count(count)
  settle()
  local size = #pending
  while size < count or (count == 0 and size == 0) do
    hold()
    if not more() then break end
    size = size + #pending
  end
  settle()
  if pending == "" then return nil end
  local text = sub(pending, 1, count)
  pending = sub(pending, count + 1)
  return text
end

--- A numeral of at most 200 characters, as the manual has it.
local function read_number()
  settle()
  while not find(pending, "%S") do
    if not more() then return nil end
  end
  pending = match(pending, "^%s*(.*)$")
  while not find(pending, "[^%w.+-]") do
    if not more() then break end
  end
  local numeral = match(sub(pending, 1, 200), "^[+-]?0[xX][%x.]*[pP]?[+-]?%d*") or
    match(sub(pending, 1, 200), "^[+-]?[%d.]*[eE]?[+-]?%d*")
  pending = sub(pending, #numeral + 1)
  return tonumber(numeral)
end

local function read_one(wanted)
  if type(wanted) == "number" then return read_count(wanted) end
  local kind = match(tostring(wanted), "^%*?(%a)")
  if kind == "l" then return read_line(false) end
  if kind == "L" then return read_line(true) end
  if kind == "a" then return read_all() end
  if kind == "n" then return read_number() end
  error("bad argument to 'read' (invalid format)", 3)
end

function File:read(...)
  if streams[self].number ~= 0 then return nil, "Bad file descriptor", 9 end
  if select("#", ...) == 0 then return read_line(false) end
  local results = pack(...)
  for i = 1, results.n do
    results[i] = read_one(results[i])
    if results[i] == nil then return unpack(results, 1, i) end
  end
  return unpack(results, 1, results.n)
end

function File:lines(...)
  local formats = pack(...)
  return function() return self:read(unpack(formats, 1, formats.n)) end
end

--- The lines of a file, which is read at once; without a name those of the standard input.
local function lines(file, wanted, ...)
  if file == nil then return stdin:lines(wanted, ...) end
  if type(file) ~= "string" then core.bad_argument(1, "lines", "string", file) end
  local kind = wanted == nil and "l" or match(tostring(wanted), "^%*?([lL])$")
  if not kind or select("#", ...) > 0 then
    error("bad argument #2 to 'lines' (of a file \"l\" or \"L\"; limiq.file.read gives it whole)", 2)
  end
  local bytes, reason = perform("runtime.read_file", core.path_of(file))
  if not bytes then error(reason, 2) end
  local position = 1
  return function()
    if position > #bytes then return nil end
    local newline = find(bytes, "\n", position, true) or #bytes + 1
    local line = sub(bytes, position, kind == "L" and newline or newline - 1)
    position = newline + 1
    return line
  end
end

local library = {
  stdin = stdin, stdout = stdout, stderr = stderr,
  write = function(...)
    put(stdout, ...)
    return stdout
  end,
  lines = lines,
  read = function(...) return stdin:read(...) end,
  type = function(value)
    if streams[value] then return "file" end
    return nil
  end,
}
rawset(_G, "io", library)
core.loaded.io = library
core.answer_for(library, "io")

local warns = true

--- warn, as the manual has it, but that it is on from the beginning.
rawset(_G, "warn", function(...)
  local words = pack(...)
  if words.n == 0 then core.bad_argument(1, "warn", "string", nil) end
  for i = 1, words.n do
    local kind = type(words[i])
    if kind ~= "string" and kind ~= "number" then core.bad_argument(i, "warn", "string", words[i]) end
  end
  if words.n == 1 and sub(words[1], 1, 1) == "@" then
    if words[1] == "@on" then warns = true elseif words[1] == "@off" then warns = false end
    return
  end
  if warns then write(2, "Lua warning: ", concat(words), "\n") end
end)

-- A variable of the environment is asked for as a file is: a script may not see each.

--- os.getenv, as the manual has it.
rawset(os, "getenv", function(name)
  if type(name) ~= "string" then core.bad_argument(1, "getenv", "string", name) end
  return perform("runtime.get_variable", name)
end)
