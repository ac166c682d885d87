-- Strict globals: a name nobody declared is an error, with the nearest one.

local core = ...
local type, tostring, next = type, tostring, next

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

setmetatable(_G, {
  __metatable = "strict",
  __index = function(globals, name)
    if type(name) ~= "string" then return nil end
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
