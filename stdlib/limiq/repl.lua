---`limiq repl`: reads a line of Lua, does it, and shows what it is worth, until the input ends.
local runtime = require "limiq.runtime"
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local perform = runtime.perform

local M = {}

---Where the lines' globals live: what a line assigns the next one finds, as no local outlives its line.
---@return table
function M.environment()
    return setmetatable({ limiq = limiq, recipes = recipes }, { __index = _G })
end

---The function a text is: the value of an expression, or else what its statements do.
---@param text string
---@param environment table
---@return function? chunk
---@return string? complaint
---@return boolean? open whether more lines could still make it a whole
function M.compile(text, environment)
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

---The next lines that are a whole; nil at the input's end.
local function read(environment)
    local text
    while true do
        local line = perform("runtime.read_line", text and ">> " or "> ")
        if line == nil then return text end
        text = text and text .. "\n" .. line or line
        local chunk, _, open = M.compile(text, environment)
        if chunk or not open then return text end
    end
end

---Does what a text says, in a task of its own, which Ctrl-C cancels.
local function evaluate(text, environment)
    local chunk, complaint = M.compile(text, environment)
    if not chunk then error(complaint, 0) end
    local task = limiq.spawn(chunk)
    local watcher = limiq.spawn(function()
        perform "runtime.interrupted"
        task:cancel()
    end)
    local results = table.pack(pcall(task.join, task))
    watcher:cancel()
    pcall(watcher.join, watcher)
    if not results[1] then error(results[2], 0) end
    for index = 2, results.n do
        if index > 2 or results.n > 2 or results[index] ~= nil then print(M.show(results[index])) end
    end
end

---Until the input ends.
function M.run()
    local environment = M.environment()
    for text in read, environment do
        local done, e = pcall(evaluate, text, environment)
        if not done then io.stderr:write(tostring(e), "\n") end
    end
end

return M
