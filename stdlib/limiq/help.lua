---What the library says of itself: `limiq help limiq.disk.overlay`, `help(vm.up)` in the REPL, the recipes' pages.
---
---Functions are read from the reference, `library.lua`, which is written from their definitions; recipes from theirs.
local runtime = require "limiq.runtime"
local options = require "limiq.options"
local parts = require "limiq.parts"
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local M = {}

-- The reference

---@class limiq.help.Entry
---@field path string `limiq.disk.overlay`, `VM:up`
---@field text string[] the lines of prose
---@field example string[]
---@field params { name: string, type: string, doc: string }[]
---@field returns? string
---@field arguments? string of a function
---@field fields? { name: string, type: string, doc: string }[] of a class

---The type at the beginning of a text, and the words behind it: a type has blanks within brackets alone.
local function split_type(text)
    local depth, position = 0, 1
    while position <= #text do
        local c = text:sub(position, position)
        if c:find "[%(%{<]" then depth = depth + 1 elseif c:find "[%)%}>]" then depth = depth - 1 end
        local is_end = c == " " and depth <= 0 and not text:sub(1, position - 1):find "[:|]$"
        if is_end then return text:sub(1, position - 1), text:sub(position + 1) end
        position = position + 1
    end
    return text, ""
end

---@param comment string[]
---@return limiq.help.Entry
local function entry_of(comment)
    local entry, in_example = { text = {}, example = {}, params = {}, fields = {} }, false
    for _, line in ipairs(comment) do
        local tag, rest = line:match "^@(%a+) ?(.*)$"
        if tag == "param" or tag == "field" then
            local name, after = rest:match "^(%S+) (.*)$"
            local kind, doc = split_type(after or "")
            local list = tag == "param" and entry.params or entry.fields
            list[#list + 1] = { name = name or rest, type = kind, doc = doc }
        elseif tag == "return" then
            entry.returns = entry.returns or split_type(rest)
        elseif tag == "class" then
            entry.class = rest:match "^[%w_.]+"
        elseif tag == "overload" then
            entry.overload = rest:match "fun(%b())"
        elseif line == "```lua" or line == "```" then
            in_example = line == "```lua"
        elseif in_example then
            entry.example[#entry.example + 1] = line
        elseif not tag and line ~= "Example:" then
            entry.text[#entry.text + 1] = line
        end
    end
    while entry.text[#entry.text] == "" do entry.text[#entry.text] = nil end
    return entry
end

---The entries of the reference by path, and its classes by name.
local function read_reference()
    local entries, classes, comment = {}, {}, {}
    local text = runtime.library_text "limiq/library.lua" or ""
    for line in (text .. "\n"):gmatch "(.-)\n" do
        local said = line:match "^%-%-%-(.*)$"
        if said then
            comment[#comment + 1] = said
        else
            local entry = entry_of(comment)
            if entry.class then classes[entry.class] = entry end
            local path, arguments = line:match "^function ([%w_.:]+)(%b())"
            path = path or line:match "^(limiq%.[%w_.]+) = "
            if path then
                entry.path, entry.arguments = path, arguments or entry.overload
                entries[path] = entry
            end
            comment = {}
        end
    end
    return entries, classes
end

-- Texts

local function indented(lines, margin)
    local result = {}
    for index, line in ipairs(lines) do result[index] = line == "" and "" or margin .. line end
    return table.concat(result, "\n")
end

---Rows in columns, two blanks apart.
local function columns(rows)
    local widths = {}
    for _, row in ipairs(rows) do
        for index = 1, #row - 1 do
            local width = utf8.len(row[index]) or #row[index]
            widths[index] = math.min(math.max(widths[index] or 0, width), 36)
        end
    end
    local lines = {}
    for number, row in ipairs(rows) do
        local cells = {}
        for index, cell in ipairs(row) do
            local fill = (widths[index] or 0) - (utf8.len(cell) or #cell)
            cells[index] = index == #row and cell or cell .. (" "):rep(fill)
        end
        lines[number] = ("  " .. table.concat(cells, "  ")):gsub("%s+$", "")
    end
    return table.concat(lines, "\n")
end

local function rows_of(fields)
    local rows = {}
    for index, field in ipairs(fields) do rows[index] = { field.name, field.type, field.doc } end
    return rows
end

local function example_text(lines)
    return #lines > 0 and "\n\nexample:\n" .. indented(lines, "    ") or ""
end

---What a parameter's table may have: the fields of its class.
local function class_text(kind, classes)
    local class = classes[kind:match "^limiq%.[%w_.]+" or ""]
    if not class or #class.fields == 0 then return "" end
    return ("\n\n%s:\n%s"):format(kind, columns(rows_of(class.fields)))
end

local function function_text(entry, classes)
    local head = entry.path .. (entry.arguments or "")
    if entry.returns then head = head .. " → " .. entry.returns end
    local text = head .. "\n\n" .. table.concat(entry.text, "\n")
    if #entry.params > 0 then text = text .. "\n\n" .. columns(rows_of(entry.params)) end
    for _, param in ipairs(entry.params) do
        if not param.type:find "^limiq%.VM$" then text = text .. class_text(param.type, classes) end
    end
    return text .. example_text(entry.example)
end

local function first_line(lines) return (lines[1] or ""):match "^(.-%.)%s" or lines[1] or "" end

---A listing of entries, each with its first sentence.
local function listing(title, entries)
    local rows = {}
    for index, entry in ipairs(entries) do
        rows[index] = { entry.path .. (entry.arguments and "()" or ""), first_line(entry.text) }
    end
    return title .. "\n\n" .. columns(rows)
end

local function under(prefix, entries)
    local found = {}
    for path, entry in pairs(entries) do
        if path:sub(1, #prefix) == prefix then found[#found + 1] = entry end
    end
    table.sort(found, function(a, b) return a.path < b.path end)
    return found
end

-- Recipes

---The lines of options, those of their tables too.
local function option_rows(rules, prefix, rows)
    for _, name in ipairs(options.names(rules)) do
        local rule = rules[name]
        local words = { rule.doc, options.remarks(rule) }
        if not rule.doc then words = { options.remarks(rule) } end
        local member = rule.member or rule
        local kind = member.rules and (rule.member and "table[]" or "table") or options.lua_type(rule)
        if #kind > 36 then kind = rule.choices and "string" or kind end
        rows[#rows + 1] = { prefix .. name, kind, table.concat(words, "; ") }
        if member.rules then option_rows(member.rules, prefix .. name .. (rule.member and "[]." or "."), rows) end
    end
    return rows
end

---@param name string
---@param recipe limiq.parts.Recipe
local function recipe_text(name, recipe)
    local rows = option_rows(recipe.rules, "", {})
    local text = ("recipes.%s%s → a part of a machine\n\n%s"):format(name, #rows > 0 and " { … }" or "()", recipe.doc)
    if #rows > 0 then text = text .. "\n\noptions:\n" .. columns(rows) end
    if recipe.short then text = text .. ("\n\nA value alone is its %s."):format(recipe.short) end
    local lines = {}
    for line in ((recipe.example or "") .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
    return text .. (recipe.example and example_text(lines) or "")
end

---The recipes by name.
---@return table<string, limiq.parts.Recipe>
local function known_recipes()
    local found = {}
    for name, value in pairs(recipes) do found[name] = parts.recipe(value) end
    return found
end

local function recipe_listing(known)
    local rows = {}
    for _, name in ipairs(options.names(known)) do
        rows[#rows + 1] = { "recipes." .. name, first_line { (known[name].doc:gsub("\n", " ")) } }
    end
    return "The recipes of the library. limiq help recipes.NAME says more of one.\n\n" .. columns(rows)
end

-- Answers

local handles = { vm = { "VM", "Domain" }, domain = { "Domain" }, fleet = { "Fleet" }, network = { "Network" },
    task = { "Task" }, hosts = { "Hosts" } }

local function method(word, entries)
    local handle, name = word:match "^(%a+)[:.]([%w_]+)$"
    for _, class in ipairs(handle and handles[handle:lower()] or {}) do
        local entry = entries[class .. ":" .. name]
        if entry then return entry end
    end
end

---The methods of this name, of whatever handle.
local function methods_named(name, entries)
    local found = {}
    for path, entry in pairs(entries) do
        if path:match ":([%w_]+)$" == name then found[#found + 1] = entry end
    end
    table.sort(found, function(a, b) return a.path < b.path end)
    return found
end

---@return string?
local function text_for(word, entries, classes, known)
    word = word:gsub("%(.*%)$", "")
    local bare = word:gsub("^limiq%.", "")
    local recipe = bare:gsub("^recipes%.", "")
    if word == "limiq" then
        return listing("The library. limiq help limiq.NAME says more of one.", under("limiq.", entries))
    end
    if bare == "recipes" then return recipe_listing(known) end
    if bare ~= recipe and known[recipe] then return recipe_text(recipe, known[recipe]) end
    local entry = entries["limiq." .. bare]
    local inner = under("limiq." .. bare .. ".", entries)
    if entry and (entry.arguments or #inner == 0) then return function_text(entry, classes) end
    if #inner > 0 then return listing("limiq." .. bare, inner) end
    entry = method(bare, entries)
    if entry then return function_text(entry, classes) end
    if known[recipe] then return recipe_text(recipe, known[recipe]) end
    local class = classes["limiq." .. bare]
    if class then
        local of = under(bare .. ":", entries)
        local text = "limiq." .. bare .. "\n\n" .. table.concat(class.text, "\n")
        if #class.fields > 0 then text = text .. "\n\n" .. columns(rows_of(class.fields)) end
        return #of > 0 and text .. "\n\n" .. listing("methods:", of) or text
    end
    local found = methods_named(bare, entries)
    if #found == 1 then return function_text(found[1], classes) end
    if #found > 1 then return listing(bare .. " is a method of several:", found) end
end

---Help for a word.
---@param word string
---@param ... string other words that there is help for
---@return { text?: string, nearest?: string }
function M.answer(word, ...)
    local entries, classes = read_reference()
    local known = known_recipes()
    local text = text_for(word, entries, classes, known)
    if text then return { text = text } end
    local words = {}
    for path in pairs(entries) do
        words[path] = true
        local class, name = path:match "^(%a+):([%w_]+)$"
        if class then words[class:lower() .. ":" .. name] = true end
        words[path:gsub("^limiq%.", "")] = true
    end
    for name in pairs(known) do words[name], words["recipes." .. name] = true, true end
    for _, other in ipairs { ... } do words[other] = true end
    return { nearest = runtime.nearest(word, words) }
end

---The name by which the library has a value.
local function name_of(value)
    for name, member in next, limiq do
        if rawequal(member, value) then return "limiq." .. name end
        if type(member) == "table" then
            for inner, function_of in next, member do
                if rawequal(function_of, value) then return ("limiq.%s.%s"):format(name, inner) end
            end
        end
    end
    for name, recipe in pairs(recipes) do
        if rawequal(recipe, value) then return "recipes." .. name end
    end
    if rawequal(value, recipes) then return "recipes" end
    if rawequal(value, limiq) then return "limiq" end
    local meta = getmetatable(value)
    local class = type(meta) == "table" and rawget(meta, "__name")
    return class and class:match "^limiq%.%a+$" or nil
end

---Help for a word, a function, a recipe or a handle: `help(x)` of the REPL.
---@param value any
---@return string
function M.of(value)
    local word = type(value) == "string" and value or value == nil and "limiq" or name_of(value)
    local recipe = parts.recipe(value)
    if not word and recipe then return recipe_text(recipe.name, recipe) end
    if not word then return limiq.inspect(value) end
    local answer = M.answer(word)
    return answer.text or ("there is no help for %s%s"):format(word,
        answer.nearest and (": did you mean %s?"):format(answer.nearest) or "; help() lists the library")
end

-- What is written from the definitions of the recipes

---The comment and example of `compose`, which is no recipe.
local function compose_comment()
    local comment = {}
    for line in runtime.library_text("limiq/recipes/compose.lua"):gmatch "[^\n]+" do
        if line:find "^%-%-%-" then comment[#comment + 1] = line end
    end
    return comment
end

local function commented(text) return "---" .. text:gsub("\n", "\n---") .. "\n" end

---The declaration of a recipe for editors.
local function stub(name, recipe)
    local names, text, is_optional = options.names(recipe.rules), "", true
    local class = ("limiq.recipes.%s.Options"):format(name)
    if #names > 0 then
        text = ("\n---@class %s\n"):format(class)
        for _, option in ipairs(names) do
            local rule = recipe.rules[option]
            is_optional = is_optional and not rule.required
            text = text .. ("---@field %s%s %s %s\n"):format(
                option, rule.required and "" or "?", options.lua_type(rule), rule.doc or "")
        end
        text = text:gsub(" +\n", "\n")
    end
    local kind = recipe.short and ("%s|%s"):format(class, options.lua_type(recipe.rules[recipe.short])) or class
    text = text .. "\n" .. commented(recipe.doc)
    if recipe.example then text = text .. "---\n---Example:\n---```lua\n" .. commented(recipe.example) .. "---```\n" end
    if #names > 0 then text = text .. ("---@param options%s %s\n"):format(is_optional and "?" or "", kind) end
    local made = name == "windows_unattend" and "fun(vm: limiq.VM): limiq.CDROMSpec" or "limiq.Part|limiq.Late"
    return text .. ("---@return %s\nfunction recipes.%s(%s) end\n"):format(made, name, #names > 0 and "options" or "")
end

local function stubs(known)
    local text = "---@meta limiq.recipes\n-- Written by `limiq stubs recipes` from the definitions of the recipes.\n\n"
        .. "---What `require \"limiq.recipes\"` returns.\n---@class limiq.recipes\nlocal recipes = {}\n\n"
        .. table.concat(compose_comment(), "\n") .. "\nfunction recipes.compose(list) end\n"
    for _, name in ipairs(options.names(known)) do text = text .. stub(name, known[name]) end
    return text .. "\nreturn recipes\n"
end

---A cell of a table in Markdown.
local function cell(text) return (text:gsub("|", "\\|"):gsub("\n", " ")) end

local head = [[
# Recipes

A recipe is a function that returns a part of a machine: users, packages, files, and whatever else of a spec it needs,
a disk, a port, a label, memory. `limiq.vm` takes parts in its list part:

```lua
local limiq = require "limiq"
local recipes = require "limiq.recipes"

limiq.vm {
    recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() },
    recipes.web { root = "site/", forward = 8080 },
    name = "web-01", disks = { { backing_file = limiq.image "debian-12" } },
}:up()
```

Parts are joined, by `recipes.compose` too: lists append, maps merge; disks, nics, CD-ROMs and shares of one `id` are
one, and a nic without an `id` is the machine's first; the larger `memory` wins; two different scalars are an error
that names both recipes. What the machine says itself comes first of its devices and last of its cloud-init. What must
know the machine, its nics or its image, is called when all else is joined.

`limiq help recipes` lists the recipes, `limiq help recipes.docker` says what one takes.

## One of your own

```lua
-- recipes/motd.lua
local limiq = require "limiq"

return limiq.recipe {
    name = "motd", doc = "What is said at a login.", short = "text",
    options = {
        text = { type = "string", required = true, doc = "the words" },
        mode = { choices = { "0644", "0600" }, default = "0644" },
        hosts = { "string" },
    },
    build = function(options)
        return {
            labels = { motd = "yes" },
            user_data = {
                write_files = { { path = "/etc/motd", content = options.text .. "\n", permissions = options.mode } },
            },
        }
    end,
}
```

`require "recipes.motd" "welcome"` is its part. An option has a `type` (`"string"`, `"text"` for a string or a secret,
`"integer"`, `"number"`, `"boolean"`, `"size"`, `"duration"`, `"path"`, `"table"`, `"function"`, `"any"`, or a list of
one, `{ "string" }`), and may have `required`, `default`, `choices`, `match` (a Lua pattern), `min`, `max`, `secret`,
`single` (one value stands for a list), `fields` (what a table has, each an option), `short` (the field that a value
alone is), `check` (a function that returns what is wrong) and `doc`. A name that it has not is an error with the
nearest one.

`build` returns a part, or a function of the machine that returns one. What goes wrong in it is told with the recipe's
name, at the line of the script that called it; `limiq.fail { code = …, message = …, hint = … }` raises an error of
your own.

A script's parameters are declared in the same words: `limiq.params { count = { default = 1, min = 1, max = 9, doc =
"…" } }`. They are set by `--set count=3`, else by `--set-file params.yaml`, else by the variable `LIMIQ_SET_count`.
]]

local function page(known)
    local text = head .. "\n## Those of the library\n"
    for _, name in ipairs(options.names(known)) do
        local recipe = known[name]
        text = text .. ("\n### `%s`\n\n%s\n"):format(name, recipe.doc)
        local rows = option_rows(recipe.rules, "", {})
        if #rows > 0 then
            text = text .. "\n| option | type | |\n| --- | --- | --- |\n"
            for _, row in ipairs(rows) do
                text = text .. ("| `%s` | `%s` | %s |\n"):format(row[1], cell(row[2]), cell(row[3]))
            end
        end
        if recipe.example then text = text .. ("\n```lua\n%s\n```\n"):format(recipe.example) end
    end
    return text
end

---A file that is made of the recipes' definitions.
---@param file "recipes"|"page"
---@return string
function M.written(file)
    if file == "page" then return page(known_recipes()) end
    return stubs(known_recipes())
end

return M
