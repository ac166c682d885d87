---Commands as scripts write them.
local runtime = require "limiq.runtime"

local M = {}

---Splits `{ "cmd", "arg", timeout = 5 }` into the words and the options, which may follow in a table of their own too.
---@param command table
---@param given? table
---@return string[] words
---@return table options the named parts, and those of `given`
function M.split_command(command, given)
    if type(command) ~= "table" then
        runtime.fail {
            code = "bad_field",
            message = ("a command must be a table such as { \"ls\", \"-l\" }, not %s"):format(
                runtime.described(command)),
            hint = "vm:exec { … } is called with a colon, limiq.host.run { … } with a point",
        }
    end
    if given ~= nil and type(given) ~= "table" then
        runtime.fail {
            code = "bad_field", message = ("options must be a table, not a %s"):format(type(given)),
        }
    end
    local options, words = {}, {}
    for key, value in pairs(command) do
        if type(key) == "number" then words[key] = value else options[key] = value end
    end
    for name, value in pairs(given or {}) do
        if options[name] ~= nil and options[name] ~= value then
            runtime.fail {
                code = "bad_field",
                message = ("%s is given twice: with the command and in its options"):format(tostring(name)),
            }
        end
        options[name] = value
    end
    return words, options
end

return M
