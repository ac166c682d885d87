---`limiq repl`: what a line is worth. The program reads the lines, and runs each like a script.
local limiq = require "limiq"
local recipes = require "limiq.recipes"
local runtime = require "limiq.runtime"

local M = {}

---Where the lines' globals live: what a line assigns the next one finds, as no local outlives its line.
local environment = setmetatable({
    limiq = limiq, recipes = recipes, help = function(value) print(require "limiq.help".of(value)) end,
}, { __index = _G })

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

---A value as a person reads it.
---@param value any
---@return string
function M.show(value)
    return type(value) == "string" and value or runtime.inspect(value)
end

---Adds the names of a table's members, and of those of its tables.
local function add_names(words, prefix, members, depth)
    for name, value in pairs(members) do
        if type(name) == "string" and name:find "^[%a_][%w_]*$" then
            words[#words + 1] = prefix .. name
            local meta = getmetatable(value)
            -- Lua's own libraries have one that is not shown.
            local is_group = not meta or members == limiq or value == limiq or value == recipes
            if type(value) == "table" and depth > 0 and is_group then
                add_names(words, prefix .. name .. ".", value, depth - 1)
            elseif type(meta) == "table" and rawget(meta, "__name") then
                for method, of in next, meta do
                    if type(of) == "function" and method:sub(1, 2) ~= "__" then
                        words[#words + 1] = ("%s%s:%s"):format(prefix, name, method)
                    end
                end
            end
        end
    end
end

---The names that Tab offers.
---@return string[]
function M.words()
    local words = {}
    add_names(words, "", _G, 1)
    add_names(words, "", environment, 2)
    table.sort(words)
    return words
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
