---`limiq repl`: what a line is worth. The program reads the lines, and runs each like a script.
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local M = {}

---Where the lines' globals live: what a line assigns the next one finds, as no local outlives its line.
local environment = setmetatable({ limiq = limiq, recipes = recipes }, { __index = _G })

---The function a text is: the value of an expression, or else what its statements do.
---@param text string
---@return function? chunk
---@return string? complaint
---@return boolean? open whether more lines could still make it a whole
function M.compile(text)
    local chunk = load("return " .. text, "=repl", "t", environment)
    if chunk then return chunk end
    local complaint
    chunk, complaint = load(text, "=repl", "t", environment)
    if chunk then return chunk end
    return nil, complaint, complaint:find "<eof>$" ~= nil
end

---A value as a person reads it: plain tables as YAML.
---@param value any
---@return string
function M.show(value)
    if type(value) == "table" and not getmetatable(value) then
        local text = limiq.try(limiq.yaml.encode, value)
        if text then return (text:gsub("\n$", "")) end
    end
    return tostring(value)
end

---Does what a text says and prints what it returns, unless that is nothing or one nil.
---@param text string
---@param is_last boolean no more lines come
---@return boolean done false where more lines could make it a whole
function M.run(text, is_last)
    local chunk, complaint, open = M.compile(text)
    if not chunk then
        if open and not is_last then return false end
        error(complaint, 0)
    end
    local results = table.pack(chunk())
    if results.n > 1 or results[1] ~= nil then
        for index = 1, results.n do print(M.show(results[index])) end
    end
    return true
end

return M
