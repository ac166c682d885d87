-- Strict globals: a name nobody declared is an error, with the nearest one.

local core = ...
local type, tostring, next, find = type, tostring, next, string.find

local keywords = {
  ["and"] = true, ["break"] = true, ["do"] = true, ["else"] = true, ["elseif"] = true, ["end"] = true,
  ["false"] = true, ["for"] = true, ["function"] = true, ["goto"] = true, ["if"] = true, ["in"] = true,
  ["local"] = true, ["nil"] = true, ["not"] = true, ["or"] = true, ["repeat"] = true, ["return"] = true,
  ["then"] = true, ["true"] = true, ["until"] = true, ["while"] = true,
}

--- The global, or word of the language, that was most likely meant.
local function suggestion(name, globals)
  local names = {}
  for word in next, keywords do names[word] = true end
  for word in next, globals do names[word] = true end
  return core.nearest(name, names)
end

-- What other Luas have, or Lua has and a script has not: what to use.

local run = 'limiq.host.run { "ls", "-l" } runs a program of this host, vm:exec { … } one of the guest'
local whole = "limiq.file.read(path) and limiq.file.write(path, text) take whole files"
local elsewhere = {
  loadstring = "load(text)", setfenv = 'load(text, name, "t", environment)',
  getfenv = "_ENV is the environment of a chunk", unpack = "table.unpack(list)",
  module = "a module returns its table: local M = {} … return M", newproxy = "setmetatable({}, …)",
  bit32 = "& | ~ << >> are operators", bit = "& | ~ << >> are operators", ffi = "there is Lua alone, without C",
  jit = "this is Lua 5.4 and not LuaJIT", lfs = "limiq.file.list, limiq.file.mkdir and limiq.file.exists",
  ["table.getn"] = "#list", ["table.setn"] = "a list is as long as what is in it: list[#list] = nil",
  ["table.maxn"] = "#list", ["table.foreach"] = "for key, value in pairs(map) do … end",
  ["table.foreachi"] = "for index, value in ipairs(list) do … end",
  ["string.gfind"] = "string.gmatch(text, pattern)", ["string.dump"] = "scripts are text: functions have no bytecode",
  ["math.pow"] = "x ^ y", ["math.mod"] = "x % y", ["math.log10"] = "math.log(x, 10)", ["math.ldexp"] = "x * 2.0 ^ n",
  ["math.frexp"] = "math.log(x, 2)", ["math.cosh"] = "(math.exp(x) + math.exp(-x)) / 2",
  ["math.sinh"] = "(math.exp(x) - math.exp(-x)) / 2", ["math.tanh"] = "1 - 2 / (math.exp(2 * x) + 1)",
  ["math.atan2"] = "math.atan(y, x)",
  ["os.execute"] = run, ["io.popen"] = run,
  ["os.exit"] = "a script ends by its end, by return, or by error(message)",
  ["os.remove"] = "limiq.file.remove(path)", ["os.rename"] = "limiq.file.move(from, to)",
  ["os.tmpname"] = "limiq.file.temp()", ["os.setlocale"] = "texts are UTF-8 whatever the locale is",
  ["io.open"] = whole, ["io.tmpfile"] = "limiq.file.temp()", ["io.close"] = whole, ["io.input"] = whole,
  ["io.output"] = whole, ["package.loadlib"] = "there are no C modules: a module is a file of Lua",
  ["package.cpath"] = "there are no C modules: a module is a file of Lua",
  ["debug.getinfo"] = "debug.traceback() says where a script is", ["debug.getlocal"] = "debug has traceback alone",
  ["debug.sethook"] = "limiq.timeout ends what takes too long", ["debug.getmetatable"] = "getmetatable(value)",
  ["debug.setmetatable"] = "setmetatable(table, metatable)", ["debug.getupvalue"] = "debug has traceback alone",
  ["debug.debug"] = "limiq repl reads line by line",
}

local function say(name)
  core.fail { code = "undeclared_global", message = name .. " is not there", hint = elsewhere[name] }
end

--- Has a library say what to use for a function it has no more. Of others it has nil, as everywhere: programs ask.
function core.answer_for(library, name)
  setmetatable(library, {
    __metatable = false,
    __index = function(_, key)
      local whole_name = type(key) == "string" and name .. "." .. key
      if elsewhere[whole_name] then say(whole_name) end
      return nil
    end,
  })
end
for _, name in next, { "table", "string", "math", "os", "debug" } do core.answer_for(_G[name], name) end

setmetatable(_G, {
  __metatable = "strict",
  __index = function(globals, name)
    if type(name) ~= "string" then return nil end
    if elsewhere[name] and not find(name, ".", 1, true) then say(name) end
    local nearest = suggestion(name, globals)
    core.fail {
      code = "undeclared_global", message = "undeclared global " .. name,
      hint = nearest and ("did you mean " .. nearest .. "?") or "declare it first: local " .. name,
    }
  end,
  __newindex = function(globals, name)
    local nearest = type(name) == "string" and suggestion(name, globals)
    core.fail {
      code = "undeclared_global", message = "write to the undeclared global " .. tostring(name),
      hint = (nearest and ("did you mean " .. nearest .. "? else " ) or "") .. "declare it: local " .. tostring(name),
    }
  end,
})
