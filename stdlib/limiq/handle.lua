-- What the handles of machines and of domains have in common.
local runtime = require "limiq.runtime"

local M = {}

---Gives a class of handles a method for each primitive of a group.
---@param class table
---@param group string `domain`
---@param others table<string, boolean> those of the group that take no handle
function M.add_methods(class, group, others)
    for _, name in ipairs(runtime.primitives) do
        local method = name:match("^" .. group .. "%.([%w_]+)$")
        if method and not others[method] then
            class[method] = function(self, ...) return runtime.perform(name, self, ...) end
        end
    end
end

return M
