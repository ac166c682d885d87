-- What the handles of machines and of domains have in common.
local runtime = require "limiq.runtime"
local peers = require "limiq.peers"

local M = {}

---Gives a class of handles a method for each primitive of a group.
---@param class table
---@param group string `domain`
---@param others table<string, boolean> those of the group that take no handle
function M.add_methods(class, group, others)
    for _, name in ipairs(runtime.primitives) do
        local method = name:match("^" .. group .. "%.([%w_]+)$")
        if method and not others[method] then
            class[method] = function(self, ...)
                if getmetatable(self) == nil and type(self) ~= "string" then M.refuse_point(class, group, method) end
                return runtime.perform(name, self, ...)
            end
        end
    end
end

---Refuses a call without the handle: what a point in the place of a colon makes of it.
---@param class table
---@param group string
---@param method string
function M.refuse_point(class, group, method)
    runtime.fail {
        code = "bad_field", message = ("%s: %s is called without its %s"):format(class.__name, method, group),
        hint = ("with a colon: %s:%s(…)"):format(group, method),
    }
end

-- The fields that a handle may lack.
local optional = { spec = true, uri = true, names = true }

---Reads what a handle does not have: nil for a field that may be missing, else an error with the nearest name.
---@param self table
---@param key any
---@param ... table<string, any> what it has, by name
function M.missing(self, key, ...)
    if type(key) ~= "string" or optional[key] or key:sub(1, 2) == "__" then return nil end
    local names = {}
    for _, class in ipairs { ... } do
        for name in pairs(class) do
            if name:sub(1, 2) ~= "__" then names[name] = true end
        end
    end
    runtime.fail {
        code = "bad_field", message = ("%s has no %s"):format(tostring(self), key), hint = peers.verb_hint(key, names),
    }
end

return M
