---Declared options, of recipes and of scripts: what each takes, and what is said of a value that does not fit.
---
---A declaration is a table by name. The short forms are the name of a type, `"string"`, and a list of one,
---`{ "string" }`; the long form is `{ type = "string", required = true, default = …, choices = …, doc = … }`.
local runtime = require "limiq.runtime"

local M = {}

---What an option takes. Its kind is `"string"`, `"text"` (a string or a secret), `"integer"`, `"number"`, `"boolean"`,
---`"size"` (`"2GiB"`), `"duration"` (`"10m"`), `"path"` (an absolute one), `"table"`, `"function"` or `"any"`.
---@class limiq.Option
---@field type? string|table A kind, or a list of one, `{ "string" }`; by its default where left out.
---@field required? boolean Whether it must be given.
---@field default? any What it is where it is not given.
---@field choices? any[] The only values there are.
---@field match? string A Lua pattern that a text must match.
---@field min? number|string The least number or size; of a list, how many members at least.
---@field max? number|string The largest number or size; of a list, how many members at most.
---@field secret? boolean Whether it is shown nowhere.
---@field single? boolean Whether one value stands for a list of it.
---@field fields? table<string, limiq.Option|string|table> What a table has, each declared as an option.
---@field short? string The field that a value stands for which is no table of fields.
---@field check? fun(value: any): string?, string? What is wrong with a value, and the way out.
---@field doc? string A line about it.

---An option as it is kept: every short form written out.
---@class limiq.options.Rule: limiq.Option
---@field kind string
---@field member? limiq.options.Rule
---@field rules? table<string, limiq.options.Rule>

local expectations = {
    string = "a string", text = "a string", integer = "a whole number", number = "a number", boolean = "true or false",
    table = "a table", ["function"] = "a function", size = "a size such as \"2GiB\"",
    duration = "a duration such as \"10m\"", path = "an absolute path", any = "a value",
}

local parts_of_rule = {
    type = true, required = true, default = true, choices = true, match = true, min = true, max = true, secret = true,
    single = true, fields = true, short = true, check = true, doc = true,
}

---Whether a value is what `limiq.secret` made.
---@param value any
---@return boolean
function M.is_secret(value) return type(value) == "userdata" and value ~= runtime.null end

---A table whose keys are 1 to n; an empty one is both a list and a map.
---@param value any
---@return boolean
function M.is_list(value) return type(value) == "table" and (#value > 0 or next(value) == nil) end

---The names of a table, sorted.
---@param map table<string, any>
---@return string[]
function M.names(map)
    local names = {}
    for name in pairs(map) do names[#names + 1] = tostring(name) end
    table.sort(names)
    return names
end

local units = { KiB = 10, MiB = 20, GiB = 30, TiB = 40 }

---The bytes of a text such as `"2GiB"`; nil where it is none.
---@param text any
---@return integer?
function M.bytes(text)
    if type(text) ~= "string" then return nil end
    local digits, unit = text:match "^(%d+)(%aiB)$"
    if not digits or not units[unit] or #digits > 9 then return nil end
    return math.tointeger(tonumber(digits)) << units[unit]
end

local scales = { ms = true, s = true, m = true, h = true, d = true }

local function is_duration(text)
    if type(text) == "number" then return text >= 0 and text < 1e9 end
    if type(text) ~= "string" or text == "" then return false end
    local rest = text:gsub("%d[%d.]*(%a+)", function(unit) return scales[unit] and "" or nil end)
    return rest == ""
end

-- Declarations

---@param what string for messages: `recipe docker`
local function wrong(what, message, hint)
    runtime.fail { code = "bad_field", message = ("%s: %s"):format(what, message), hint = hint }
end

local declare

---@return limiq.options.Rule
local function rule_of(what, path, declaration)
    if type(declaration) == "string" then declaration = { type = declaration } end
    if type(declaration) ~= "table" then
        wrong(what, ("%s is declared by %s"):format(path, runtime.described(declaration)),
            ("%s = { type = \"string\", doc = \"…\" }"):format(path))
    end
    -- A list of one thing: { "string" }.
    if #declaration == 1 and next(declaration, 1) == nil then declaration = { type = declaration } end
    local rule = {}
    for name, value in pairs(declaration) do
        if not parts_of_rule[name] then
            local nearest = runtime.nearest(tostring(name), parts_of_rule)
            wrong(what, ("%s is declared with %s"):format(path, tostring(name)),
                nearest and ("did you mean %s?"):format(nearest)
                or "an option has " .. table.concat(M.names(parts_of_rule), ", "))
        end
        rule[name] = value
    end
    local kind = rule.type
    if kind == nil then
        local default = rule.default
        if rule.fields then kind = "table"
        elseif M.is_secret(default) then kind, rule.secret = "text", true
        elseif rule.secret or rule.match then kind = "string"
        elseif math.type(default) then kind = math.type(default) == "integer" and "integer" or "number"
        elseif type(default) == "table" then
            local first = math.type(default[1])
            kind = { first == "integer" and "integer" or first and "number" or "string" }
        elseif type(default) == "boolean" then kind = "boolean"
        elseif math.type((rule.choices or {})[1]) then kind = math.type(rule.choices[1]) == "integer" and "integer"
            or "number"
        elseif math.type(rule.min or rule.max) then
            kind = (math.type(rule.min or 0) == "integer" and math.type(rule.max or 0) == "integer") and "integer"
                or "number"
        else kind = "string" end
    end
    if type(kind) == "table" then
        if #kind ~= 1 then wrong(what, path .. " is a list of no one type", "{ \"string\" }") end
        rule.member = rule_of(what, path .. "[]", kind[1])
        kind = "list"
    elseif not expectations[kind] then
        local nearest = type(kind) == "string" and runtime.nearest(kind, expectations)
        wrong(what, ("%s has a type that there is not: %s"):format(path, tostring(kind)),
            nearest and ("did you mean %s?"):format(nearest)
            or "there are " .. table.concat(M.names(expectations), ", "))
    end
    if rule.secret and kind == "string" then kind = "text" end
    if rule.secret and kind ~= "text" then wrong(what, path .. " is a secret, and so a string") end
    rule.kind = kind
    if rule.fields then rule.rules = declare(what, rule.fields, path .. ".") end
    return rule
end

function declare(what, declarations, prefix)
    if type(declarations) ~= "table" then
        wrong(what, ("its options are %s, not a table"):format(runtime.described(declarations)))
    end
    local rules = {}
    for name, declaration in pairs(declarations) do
        if type(name) ~= "string" then
            wrong(what, ("an option without a name: %s"):format(runtime.described(declaration)))
        end
        local rule = rule_of(what, prefix .. name, declaration)
        rules[name] = rule
    end
    for name, rule in pairs(rules) do
        if rule.default ~= nil then
            M.value(rule, rule.default, prefix .. name, function(message, hint)
                wrong(what, "its own default: " .. message, hint)
            end)
        end
    end
    return rules
end

---Reads declarations; what is wrong in them is the declarer's fault.
---@param what string for messages: `recipe docker`
---@param declarations table<string, limiq.Option|string|table>
---@return table<string, limiq.options.Rule>
function M.declare(what, declarations) return declare(what, declarations, "") end

-- Values

---@param rule limiq.options.Rule
---@return string
function M.expectation(rule)
    if rule.choices then
        local words = {}
        for index, choice in ipairs(rule.choices) do words[index] = tostring(choice) end
        return "one of " .. table.concat(words, ", ")
    end
    if rule.kind ~= "list" then return expectations[rule.kind] end
    local member = M.expectation(rule.member)
    return "a list" .. (rule.member.kind == "any" and "" or ", each " .. member)
end

local function has_kind(kind, value)
    if kind == "any" then return true end
    if kind == "text" then return type(value) == "string" or M.is_secret(value) end
    if kind == "integer" then return math.type(value) ~= nil and math.tointeger(value) ~= nil end
    if kind == "size" then return M.bytes(value) ~= nil end
    if kind == "duration" then return is_duration(value) end
    if kind == "path" then return type(value) == "string" and value:sub(1, 1) == "/" end
    return type(value) == kind
end

---What a bound is of: the number, a size's bytes, how many members.
local function magnitude(rule, value)
    if rule.kind == "list" then return #value end
    if rule.kind == "size" then return M.bytes(value) end
    return math.type(value) and value or nil
end

local function bound(value) return type(value) == "string" and M.bytes(value) or value end

local function check_bounds(rule, value, path, refuse)
    local amount, least, most = magnitude(rule, value), bound(rule.min), bound(rule.max)
    if not amount or not (least or most) then return end
    -- Nothing is neither less nor more than what is no number.
    if amount == amount and (not least or amount >= least) and (not most or amount <= most) then return end
    local range = rule.min and rule.max and ("from %s to %s"):format(rule.min, rule.max)
        or rule.min and ("%s or more"):format(rule.min) or ("%s or less"):format(rule.max)
    if rule.kind == "list" then
        refuse(("%s must have %s members, not %d"):format(path, range, amount))
    end
    refuse(("%s must be %s, not %s"):format(path, range, tostring(value)))
end

local function check_choice(rule, value, path, shown, refuse)
    if not rule.choices then return end
    local words = {}
    for _, choice in ipairs(rule.choices) do
        if choice == value then return end
        words[tostring(choice)] = true
    end
    local nearest = type(value) == "string" and runtime.nearest(value, words)
    refuse(("%s must be %s%s"):format(path, M.expectation(rule), shown),
        nearest and ("did you mean %s?"):format(nearest) or nil)
end

local function read_list(rule, value, path, refuse)
    if rule.single and not M.is_list(value) then value = { value } end
    if not M.is_list(value) then
        local is_text = type(value) == "string" and rule.member.kind == "string"
        local name = path:match "[^.]+$"
        refuse(("%s must be a list, not %s"):format(path, runtime.described(value)),
            is_text and ("%s = { \"%s\" }"):format(name, value) or nil)
    end
    local count, members, last = 0, {}, #value
    for key in pairs(value) do
        count = math.type(key) == "integer" and key <= last and count + 1 or last + 1
        if count > last then break end
    end
    if count ~= last then
        refuse(path .. " has a hole or a name in it", "a list is { …, … }, and nil ends it")
    end
    for index, member in ipairs(value) do
        members[index] = M.value(rule.member, member, ("%s[%d]"):format(path, index), refuse)
    end
    return members
end

---The value of an option as it is used: of its type, within its bounds.
---@param rule limiq.options.Rule
---@param value any
---@param path string its name, for messages
---@param refuse fun(message: string, hint?: string) raises
---@return any
function M.value(rule, value, path, refuse)
    local shown = (rule.secret or M.is_secret(value)) and "" or ", not " .. runtime.described(value)
    if rule.kind == "list" then
        value = read_list(rule, value, path, refuse)
    elseif rule.rules then
        value = M.read(rule.rules, value, refuse, path .. ".", rule.short)
    elseif not has_kind(rule.kind, value) then
        refuse(("%s must be %s%s"):format(path, M.expectation(rule), shown))
    end
    if rule.kind == "integer" then value = math.tointeger(value) end
    check_choice(rule, value, path, shown, refuse)
    check_bounds(rule, value, path, refuse)
    if rule.match and type(value) == "string" and not value:find(rule.match) then
        refuse(("%s must match %s%s"):format(path, rule.match, shown), rule.doc)
    end
    local problem, hint
    if rule.check and not M.is_secret(value) then problem, hint = rule.check(value) end
    if problem then refuse(("%s: %s"):format(path, problem), hint or rule.doc) end
    if rule.secret and type(value) == "string" then value = runtime.secret(value) end
    return value
end

---Options as a caller gave them, complete: each checked, defaults for those left out.
---@param rules table<string, limiq.options.Rule>
---@param given any
---@param refuse fun(message: string, hint?: string) raises
---@param prefix? string before their names, in messages
---@param short? string the option that a value stands for which is no table of options
---@return table
function M.read(rules, given, refuse, prefix, short)
    prefix = prefix or ""
    if given == nil then given = {} end
    local stands = type(given) ~= "table" or getmetatable(given) ~= nil or #given > 0
    if short and stands then given = { [short] = given } end
    if type(given) ~= "table" then
        local what = prefix == "" and "it" or prefix:sub(1, -2)
        refuse(("%s takes a table, not %s"):format(what, runtime.described(given)))
    end
    for name, value in pairs(given) do
        if not rules[name] then
            local nearest = type(name) == "string" and runtime.nearest(name, rules)
            local names = M.names(rules)
            refuse(("%s%s is not one of its options"):format(
                    prefix, type(name) == "number" and runtime.described(value) or tostring(name)),
                nearest and ("did you mean %s%s?"):format(prefix, nearest)
                or #names > 0 and "its options are " .. table.concat(names, ", ") or "it has none")
        end
    end
    local values = {}
    for _, name in ipairs(M.names(rules)) do
        local rule, value = rules[name], given[name]
        if value == nil then
            if rule.required then refuse(("%s%s is missing"):format(prefix, name), rule.doc) end
            value = rule.default
        end
        if value ~= nil then values[name] = M.value(rule, value, prefix .. name, refuse) end
    end
    return values
end

---The value that a text stands for, as a command line has it; nil where it stands for none. A list is `a,b,c`.
---@param rule limiq.options.Rule
---@param text string
---@return any
function M.parsed(rule, text)
    local kind = rule.kind
    if kind == "integer" then return text:find "^[+-]?%d+$" and math.tointeger(tonumber(text)) or nil end
    if kind == "number" then
        local number = tonumber(text)
        return number and number == number and math.abs(number) ~= math.huge and number or nil
    end
    if kind == "boolean" then
        if text == "true" then return true end
        if text == "false" then return false end
        return nil
    end
    if kind ~= "list" then return text end
    local members = {}
    if text == "" then return members end
    for piece in (text .. ","):gmatch "(.-)," do
        local member = M.parsed(rule.member, piece)
        if member == nil then return nil end
        members[#members + 1] = member
    end
    return members
end

-- What is said of them

local lua_types = { text = "string|userdata", size = "string", duration = "string|number", path = "string" }

---The type of an option as LuaLS writes it.
---@param rule limiq.options.Rule
---@return string
function M.lua_type(rule)
    if rule.choices then
        local words = {}
        for index, choice in ipairs(rule.choices) do
            words[index] = type(choice) == "string" and ("\"%s\""):format(choice) or tostring(choice)
        end
        return table.concat(words, "|")
    end
    if rule.kind == "list" then
        local member = M.lua_type(rule.member)
        local list = (member:find("|", 1, true) and "(%s)[]" or "%s[]"):format(member)
        return rule.single and ("%s|%s"):format(member, list) or list
    end
    if not rule.rules then return lua_types[rule.kind] or rule.kind end
    local fields = {}
    for _, name in ipairs(M.names(rule.rules)) do
        local field = rule.rules[name]
        fields[#fields + 1] = ("%s%s: %s"):format(name, field.required and "" or "?", M.lua_type(field))
    end
    local record = ("{ %s }"):format(table.concat(fields, ", "))
    return rule.short and ("%s|%s"):format(M.lua_type(rule.rules[rule.short]), record) or record
end

---What else holds of an option, in words: `required`, `80 where left out`, `from 1 to 65535`.
---@param rule limiq.options.Rule
---@param shows_default? boolean its default is said elsewhere
---@return string? nil where there is nothing to say
function M.remarks(rule, shows_default)
    local words = {}
    if rule.required then words[#words + 1] = "required" end
    if rule.choices then words[#words + 1] = M.expectation(rule) end
    if rule.default ~= nil and not shows_default then
        local text = rule.secret and "‹secret›" or runtime.inspect(rule.default, { indent = "" })
        words[#words + 1] = text .. " where left out"
    end
    if rule.min or rule.max then
        local range = rule.min and rule.max and ("from %s to %s"):format(rule.min, rule.max)
            or rule.min and ("%s or more"):format(rule.min) or ("%s or less"):format(rule.max)
        words[#words + 1] = rule.kind == "list" and range .. " members" or range
    end
    if rule.match then words[#words + 1] = "matches " .. rule.match end
    if rule.secret then words[#words + 1] = "shown nowhere" end
    return #words > 0 and table.concat(words, "; ") or nil
end

return M
