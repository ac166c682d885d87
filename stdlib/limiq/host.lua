---The library bound to one host: what `require "limiq"` returns is bound to the run's own host, what
---`limiq.connect(uri)` returns to another.
local runtime = require "limiq.runtime"

local M = {}

---Splits `{ "cmd", "arg", timeout = 5 }` into the words and the options.
---@param command table
---@return table options the named parts, with the words as `command`
function M.split_command(command)
    if type(command) ~= "table" then
        runtime.fail {
            code = "bad_field",
            message = ("a command must be a table such as { \"ls\", \"-l\" }, not %s"):format(type(command)),
        }
    end
    local options, words = {}, {}
    for key, value in pairs(command) do
        if type(key) == "number" then words[key] = value else options[key] = value end
    end
    options.command = words
    return options
end

return M
