---A script's parameters: `limiq.params`.
local runtime = require "limiq.runtime"
local options = require "limiq.options"

-- What a text on a command line, or a line of a file, can say.
local kinds = { string = true, text = true, integer = true, number = true, boolean = true, size = true, duration = true,
    path = true, list = true }

local function fail(message, hint) runtime.fail { code = "bad_field", message = message, hint = hint } end

---A default beside declared parameters is one of its own.
local function declaration(name, given)
    if type(given) == "table" and not options.is_list(given) and getmetatable(given) == nil then return given end
    if type(given) == "function" or given == runtime.null then
        fail(("the parameter %s needs a text, a number, a boolean or a list of texts as its default, not %s"):format(
            tostring(name), runtime.described(given)))
    end
    return { default = given }
end

---@param declarations any
---@return table<string, limiq.options.Rule>
local function declared(declarations)
    if declarations == nil then declarations = {} end
    if type(declarations) ~= "table" then
        fail(("params: it takes a table, not %s"):format(runtime.described(declarations)),
            "limiq.params { count = 1 }")
    end
    local all = {}
    for name, given in pairs(declarations) do
        if type(name) ~= "string" then
            fail(("params: a parameter without a name: %s"):format(runtime.described(given)),
                "limiq.params { count = 1 }")
        end
        all[name] = declaration(name, given)
    end
    local rules = options.declare("params", all)
    for name, rule in pairs(rules) do
        if not kinds[rule.kind] or rule.member and not kinds[rule.member.kind] then
            fail(("the parameter %s is %s, which no caller could write"):format(name, options.expectation(rule)),
                "texts, numbers, booleans, sizes, durations, and lists of them")
        end
    end
    return rules
end

---What a listing of parameters says of them.
local function described(rules)
    local list = {}
    for index, name in ipairs(options.names(rules)) do
        local rule, choices = rules[name], nil
        if rule.choices or rule.kind == "boolean" then
            choices = {}
            for position, choice in ipairs(rule.choices or { true, false }) do choices[position] = tostring(choice) end
        end
        list[index] = {
            name = name, type = options.lua_type(rule), default = rule.secret and runtime.null or rule.default,
            doc = rule.doc, remarks = options.remarks(rule, true), choices = choices,
        }
    end
    return runtime.list(list)
end

---The value of what a caller gave.
local function taken(name, rule, given)
    local place = given.from .. ": "
    if given.from == "--set" then
        place = rule.secret and ("--set %s: "):format(name) or ("--set %s=%s: "):format(name, given.text)
    end
    local value = given.value
    if given.text then
        value = options.parsed(rule, given.text)
        if value == nil then fail(("%s%s must be %s"):format(place, name, options.expectation(rule)), rule.doc) end
    end
    return options.value(rule, value, name, function(message, hint) fail(place .. message, hint) end)
end

---@param declarations table<string, any>
---@return table<string, any>
return function(declarations)
    local rules = declared(declarations)
    local given = runtime.perform("params.get", described(rules))
    for _, name in ipairs(options.names(given)) do
        if not rules[name] then
            local nearest, names = runtime.nearest(name, rules), options.names(rules)
            fail(("%s %s: the script has no parameter of this name"):format(given[name].from, name),
                nearest and ("did you mean %s?"):format(nearest)
                or #names > 0 and "its parameters are " .. table.concat(names, ", ") or "it takes none")
        end
    end
    local values = {}
    -- What is there and wrong goes before what is missing.
    for _, name in ipairs(options.names(given)) do values[name] = taken(name, rules[name], given[name]) end
    for _, name in ipairs(options.names(rules)) do
        local rule = rules[name]
        if rule.required and values[name] == nil then
            fail(("the parameter %s is missing%s"):format(name, rule.doc and ": " .. rule.doc or ""),
                ("--set %s=…"):format(name))
        elseif values[name] == nil and rule.default ~= nil then
            values[name] = options.value(rule, rule.default, name, fail)
        end
    end
    return setmetatable(values, {
        __index = function(_, name)
            if rules[name] or type(name) ~= "string" then return nil end
            local nearest = runtime.nearest(name, rules)
            fail(("the script has no parameter %s"):format(name), nearest and ("did you mean %s?"):format(nearest))
        end,
    })
end
