-- What specs say of values: how two differ, and how one is written.
local M = {}

---The keys of a table: 1 to n first, then names in order.
function M.sorted_keys(value)
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
function M.shown(value, depth)
    if type(value) == "string" then return (("%q"):format(value):gsub("\\\n", "\\n")) end
    if type(value) ~= "table" or getmetatable(value) ~= nil then return tostring(value) end
    if next(value) == nil then return "{}" end
    if depth > 3 then return "{…}" end
    local parts = {}
    for _, key in ipairs(M.sorted_keys(value)) do
        local text = M.shown(value[key], depth + 1)
        if math.type(key) ~= "integer" then text = step("", key) .. " = " .. text end
        parts[#parts + 1] = text
    end
    return "{ " .. table.concat(parts, ", ") .. " }"
end

---A value on as many lines as it takes, the same each time.
function M.written(value, indent, seen)
    if type(value) ~= "table" or getmetatable(value) ~= nil then return M.shown(value, 1) end
    if next(value) == nil then return "{}" end
    if seen[value] then return "{…}" end
    seen[value] = true
    local inner, lines = indent .. "  ", {}
    for _, key in ipairs(M.sorted_keys(value)) do
        local name = math.type(key) ~= "integer" and step("", key) .. " = " or ""
        lines[#lines + 1] = ("%s%s%s,"):format(inner, name, M.written(value[key], inner, seen))
    end
    seen[value] = nil
    return "{\n" .. table.concat(lines, "\n") .. "\n" .. indent .. "}"
end

-- Differences

local function lines_of(text)
    local lines = {}
    for line in (text:gsub("\n$", "") .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
    return lines
end

-- The most lines that are compared with each other.
local most_lines = 400

---The lines of two texts, those that only one has marked: `-` is expected, `+` is there.
---@param actual string
---@param expected string
---@return string
function M.difference(actual, expected)
    local new, old = lines_of(actual), lines_of(expected)
    local first = 1
    while new[first] and new[first] == old[first] do first = first + 1 end
    local new_last, old_last = #new, #old
    while new_last >= first and old_last >= first and new[new_last] == old[old_last] do
        new_last, old_last = new_last - 1, old_last - 1
    end
    new_last, old_last = math.min(new_last, first + most_lines), math.min(old_last, first + most_lines)
    -- The longest common part of what is left, from its end.
    local common = {}
    for i = old_last + 1, first, -1 do
        common[i] = {}
        for j = new_last + 1, first, -1 do
            if i > old_last or j > new_last then
                common[i][j] = 0
            elseif old[i] == new[j] then
                common[i][j] = common[i + 1][j + 1] + 1
            else
                common[i][j] = math.max(common[i + 1][j], common[i][j + 1])
            end
        end
    end
    local result = {}
    for i = math.max(1, first - 2), first - 1 do result[#result + 1] = "  " .. old[i] end
    local i, j = first, first
    while i <= old_last or j <= new_last do
        if i <= old_last and j <= new_last and old[i] == new[j] then
            result[#result + 1] = "  " .. old[i]
            i, j = i + 1, j + 1
        elseif i <= old_last and (j > new_last or common[i + 1][j] >= common[i][j + 1]) then
            result[#result + 1] = "- " .. old[i]
            i = i + 1
        else
            result[#result + 1] = "+ " .. new[j]
            j = j + 1
        end
    end
    for k = old_last + 1, math.min(#old, old_last + 2) do result[#result + 1] = "  " .. old[k] end
    return table.concat(result, "\n")
end

local function has_lines(value) return type(value) == "string" and value:find("\n", 1, true) ~= nil end

---Adds a line for each place where the two differ.
function M.compare(actual, expected, path, lines, seen)
    if actual == expected or (actual ~= actual and expected ~= expected) then return end
    local name = path == "" and "it" or path
    if type(actual) == "string" and type(expected) == "string" and (has_lines(actual) or has_lines(expected)) then
        lines[#lines + 1] = ("%s differs (- expected, + found):\n%s"):format(name, M.difference(actual, expected))
        return
    end
    if type(actual) ~= "table" or type(expected) ~= "table" then
        lines[#lines + 1] = ("%s is %s, not %s"):format(name, M.shown(actual, 1), M.shown(expected, 1))
        return
    end
    -- Each of both may lead back to itself.
    if seen[actual] == expected then return end
    seen[actual] = expected
    local keys = {}
    for key in pairs(actual) do keys[key] = true end
    for key in pairs(expected) do keys[key] = true end
    for _, key in ipairs(M.sorted_keys(keys)) do
        M.compare(actual[key], expected[key], step(path, key), lines, seen)
    end
end

return M
