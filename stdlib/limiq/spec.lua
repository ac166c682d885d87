---Specs of Lua code, run by `limiq test`: files named `*_spec.lua` that need no guest.
---
---Example:
---```lua
---local spec = require "limiq.spec"
---spec.describe("recipes.timezone", function()
---    spec.it("takes a name", function()
---        spec.equal(recipes.timezone("UTC").user_data, { timezone = "UTC" })
---    end)
---end)
---```
local M = {}

---@class limiq.spec.Failure
---@field name string the groups' names and the case's, with ` › ` between them
---@field message string

---@class limiq.spec.Report
---@field passed integer
---@field failed integer
---@field failures limiq.spec.Failure[]

local groups = {}
local passed = 0
---@type limiq.spec.Failure[]
local failures = {}

local function full_name(name)
    local names = table.move(groups, 1, #groups, 1, {})
    names[#names + 1] = name
    return table.concat(names, " › ")
end

---The keys of a table: 1 to n first, then names in order.
local function sorted_keys(value)
    local keys = {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys, function(left, right)
        if type(left) == type(right) and type(left) ~= "boolean" and type(left) ~= "table" then
            return left < right
        end
        return type(left) == "number" or (type(right) ~= "number" and tostring(left) < tostring(right))
    end)
    return keys
end

local function step(path, key)
    if type(key) == "string" and key:match "^[%a_][%w_]*$" then
        return path == "" and key or path .. "." .. key
    end
    return ("%s[%s]"):format(path, type(key) == "string" and ("%q"):format(key) or tostring(key))
end

---A value on one line.
local function shown(value, depth)
    if type(value) == "string" then return (("%q"):format(value):gsub("\\\n", "\\n")) end
    if type(value) ~= "table" or getmetatable(value) ~= nil then return tostring(value) end
    if next(value) == nil then return "{}" end
    if depth > 3 then return "{…}" end
    local parts = {}
    for _, key in ipairs(sorted_keys(value)) do
        local text = shown(value[key], depth + 1)
        if math.type(key) ~= "integer" then text = step("", key) .. " = " .. text end
        parts[#parts + 1] = text
    end
    return "{ " .. table.concat(parts, ", ") .. " }"
end

---Adds a line for each place where the two differ.
local function compare(actual, expected, path, lines)
    if actual == expected then return end
    if type(actual) ~= "table" or type(expected) ~= "table" then
        lines[#lines + 1] = ("%s is %s, not %s"):format(
            path == "" and "it" or path, shown(actual, 1), shown(expected, 1))
        return
    end
    local keys = {}
    for key in pairs(actual) do keys[key] = true end
    for key in pairs(expected) do keys[key] = true end
    for _, key in ipairs(sorted_keys(keys)) do
        compare(actual[key], expected[key], step(path, key), lines)
    end
end

---Groups cases under a name; may be nested.
---@param name string
---@param body fun()
function M.describe(name, body)
    groups[#groups + 1] = name
    local ok, problem = xpcall(body, debug.traceback)
    if not ok then failures[#failures + 1] = { name = full_name "(outside a case)", message = tostring(problem) } end
    groups[#groups] = nil
end

---Runs one case: it passes unless it raises.
---@param name string
---@param body fun()
function M.it(name, body)
    local ok, problem = pcall(body)
    if ok then
        passed = passed + 1
    else
        failures[#failures + 1] = { name = full_name(name), message = tostring(problem) }
    end
end

---Raises unless both are the same: tables by what they hold. The message has a line for each difference.
---
---Example:
---```lua
---spec.equal({ ports = { 80 } }, { ports = { 443 } }) -- ports[1] is 80, not 443
---```
---@param actual any
---@param expected any
function M.equal(actual, expected)
    local lines = {}
    compare(actual, expected, "", lines)
    if #lines > 0 then error(table.concat(lines, "\n"), 2) end
end

---Raises unless `body` raises; returns the error.
---
---Example:
---```lua
---spec.raises(function() recipes.timezone(3) end, "bad_field")
---```
---@param body fun()
---@param wanted? string the error's `code`, or a part of its text
---@return any error
function M.raises(body, wanted)
    local ok, problem = pcall(body)
    if ok then error("nothing was raised", 2) end
    local text = tostring(problem)
    local code = type(problem) == "table" and problem.code or nil
    if wanted and code ~= wanted and not text:find(wanted, 1, true) then
        error(("raised %s, not %s"):format(shown(text, 1), shown(wanted, 1)), 2)
    end
    return problem
end

---What has run so far, for the runner.
---@return limiq.spec.Report
function M.report()
    return { passed = passed, failed = #failures, failures = failures }
end

return M
