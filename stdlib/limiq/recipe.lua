---Recipes: functions with declared options that return parts of a machine.
local runtime = require "limiq.runtime"
local options = require "limiq.options"
local parts = require "limiq.parts"

local M = {}

---What a recipe is. Its part may hold any of a machine's spec, and the documents of its cloud-init by their own names.
---@class limiq.RecipeDefinition
---@field name string What messages call it.
---@field doc string What it makes, in a line or more.
---@field options? table<string, limiq.Option|string|table> What it takes: `{ port = { default = 80 } }`.
---@field short? string The option that a value stands for which is no table of options.
---@field example? string How it is called.
---@field build fun(options: table): limiq.Part|limiq.Late The part; a function of the machine where it must know that.

local fields = { name = true, doc = true, options = true, short = true, example = true, build = true }

local stops = { cancelled = true, interrupted = true }

---Calls a function for a recipe: what fails in it is the recipe's failure, at the line that called the recipe.
local function within(name, at, body, ...)
    local results = table.pack(pcall(body, ...))
    if results[1] then return table.unpack(results, 2, results.n) end
    local e = results[2]
    if runtime.is_failure(e) and not stops[e.code] then
        local prefix = ("recipe %s: "):format(name)
        if e.message:sub(1, #prefix) ~= prefix then e.message = prefix .. e.message end
        e.where = at or e.where
    end
    error(e, 0)
end

---A part as it is passed on, or the function that makes it when the machine is known.
local function finished(name, at, made)
    if type(made) ~= "function" then return parts.made(name, at, made) end
    local function late(vm) return finished(name, at, within(name, at, made, vm)) end
    parts.note_late(late, name, at, made)
    return late
end

---What is no part, and is used as the recipe makes it: what fails in it is the recipe's failure all the same.
function M.as_made(name, at, made)
    if type(made) ~= "function" then return made end
    return function(vm) return within(name, at, made, vm) end
end

local function refuser(name)
    return function(message, hint)
        runtime.fail { code = "bad_field", message = ("recipe %s: %s"):format(name, message), hint = hint }
    end
end

local parts_of_failure = { code = true, message = true, hint = true, resource = true, cause = true }

---Raises what a script says of a failure of its own.
---@param e { code?: string, message: string, hint?: string, resource?: string }
function M.fail(e)
    if type(e) == "string" then e = { message = e } end
    runtime.check_fields("fail", e, parts_of_failure)
    if type(e.message) ~= "string" then
        runtime.fail {
            code = "bad_field", message = ("fail: message must be a string, not %s"):format(
                runtime.described(e.message)),
            hint = "limiq.fail { code = \"not_found\", message = \"the rack is full\", hint = \"use another\" }",
        }
    end
    runtime.fail { code = e.code or "script", message = e.message, hint = e.hint, resource = e.resource,
        cause = e.cause }
end

---@param definition limiq.RecipeDefinition
---@param finish? fun(name: string, at: string, made: any): any what is done with what `build` returns
---@return fun(options?: any): any
function M.new(definition, finish)
    runtime.check_fields("recipe", definition, fields)
    for _, field in ipairs { "name", "doc" } do
        if type(definition[field]) ~= "string" or definition[field] == "" then
            runtime.fail {
                code = "bad_field", message = ("recipe: %s must be a string, not %s"):format(
                    field, runtime.described(definition[field])),
            }
        end
    end
    local name, build = definition.name, definition.build
    if type(build) ~= "function" then
        runtime.fail {
            code = "bad_field",
            message = ("recipe %s: build must be a function, not %s"):format(name, runtime.described(build)),
            hint = "build = function(options) return { user_data = { … } } end",
        }
    end
    local rules = options.declare("recipe " .. name, definition.options or {})
    local short = definition.short
    if short and not rules[short] then
        refuser(name)(("short is %s, which is none of its options"):format(tostring(short)))
    end
    finish = finish or finished
    local function recipe(given, ...)
        local at = runtime.where()
        local function make(...)
            if select("#", ...) > 0 then
                refuser(name)("it takes one table of options", ("recipes.%s { … }"):format(name))
            end
            return build(options.read(rules, given, refuser(name), nil, short))
        end
        return within(name, at, function(...) return finish(name, at, make(...)) end, ...)
    end
    parts.note_recipe(recipe, {
        name = name, doc = definition.doc, rules = rules, short = short, example = definition.example,
    })
    return recipe
end

return M
