-- Writes docs/reference anew, from stdlib/limiq/library.lua and what the command says of itself:
--
--   limiq --experimental-dump-help >help.json
--   limiq run docs/site/reference.lua --set help=help.json [--set to=FOLDER]
local limiq = require "limiq"
local annotations = require "annotations"
local command = require "command"
local pages = require "pages"
local raises = require "errors"
local released = require "released"
local values = require "template"

local p = limiq.params { help = "help.json", to = "../reference" }

local classes, entries = annotations.read(limiq.file.read "../../stdlib/limiq/library.lua")
local newest = limiq.file.read("../../CHANGELOG.md"):match "\n## ([%d.]+)"
local written_by = "<!-- Written by `scripts/docs reference`; edit what it is made of. -->\n\n"

---The anchor of a heading, as GitHub and the site make it.
local function anchor(heading)
    return (heading:lower():gsub("[^%w_ -]", ""):gsub(" ", "-"))
end

---The heading of a function: a method by the word scripts use for its handle.
local function heading(path)
    local class, method = path:match "^(%u%w*):(.*)$"
    return class and ("%s:%s"):format(class:lower(), method) or path
end

local function since(path)
    for version, names in pairs(released) do
        if (" " .. names:gsub("%s+", " ") .. " "):find(" " .. path .. " ", 1, true) then return version end
    end
    return newest
end

---Where a code stands in docs/errors.md.
local sections = {}
do
    local section
    for line in limiq.file.read("../errors.md"):gmatch "[^\n]+" do
        section = line:match "^## (.*)$" or section
        local code = line:match "^| `([a-z_]+)`"
        if code then sections[code] = anchor(section) end
    end
end

local function codes(path)
    local words = raises[path]
    if not words then
        for pattern, found in pairs(raises) do
            if pattern:find "^%^" and path:find(pattern) then words = found end
        end
    end
    local links = {}
    for code in (words or ""):gmatch "%S+" do
        assert(sections[code], code .. " of " .. path .. " is no code of docs/errors.md")
        links[#links + 1] = ("[`%s`](../errors.md#%s)"):format(code, sections[code])
    end
    return table.concat(links, ", ")
end
for path in pairs(raises) do
    local known = path:find "^%^"
    for _, entry in ipairs(entries) do known = known or entry.path == path end
    assert(known, path .. " of docs/site/errors.lua is no function of the library")
end

-- The page of each class: that of the first function which names it; those of the spec have a page of their own.
local home = {}
local function settle(text, page)
    for name in text:gmatch "limiq%.[%w_.]*[%w_]" do
        if classes[name] and not home[name] then
            home[name] = page
            for _, field in ipairs(classes[name].fields) do settle(field.type, page) end
            if classes[name].parent then settle(classes[name].parent, page) end
        end
    end
end
for name in pairs(values) do settle(name, "spec") end

-- The entries of each page, in the order of its patterns.
local on_page = {}
for _, page in ipairs(pages) do
    on_page[page.file] = {}
    for _, pattern in ipairs(page) do
        for _, entry in ipairs(entries) do
            if not entry.page and entry.path:find(pattern) then
                entry.page = page.file
                table.insert(on_page[page.file], entry)
            end
        end
    end
    for _, entry in ipairs(on_page[page.file]) do
        for _, parameter in ipairs(entry.params) do settle(parameter.type, page.file) end
        for _, answer in ipairs(entry.returns) do settle(answer.type, page.file) end
        settle(entry.overload or "", page.file)
    end
end
-- What errors are is said in docs/errors.md, and handles by their methods.
local handles = {
    limiq = "index", ["limiq.VM"] = "machines", ["limiq.Domain"] = "domains", ["limiq.Fleet"] = "fleets",
    ["limiq.Network"] = "networks", ["limiq.Hosts"] = "hosts", ["limiq.Task"] = "tasks",
}
for name, page in pairs(handles) do home[name] = page end

local function cell(text) return (text:gsub("|", "\\|")) end

---A type, and where it is described.
local function linked(kind, page)
    local name = kind:match "limiq%.[%w_.]*[%w_]"
    local shown = "`" .. cell(kind) .. "`"
    if not name or not classes[name] or name == "limiq.Error" then return shown end
    if name == "limiq.network" or name == "limiq.image" then return shown end
    local file = home[name] == page and "" or home[name] .. ".md"
    local target = handles[name] and (file == "" and "" or file) or file .. "#" .. anchor(name)
    return target == "" and shown or ("[%s](%s)"):format(shown, target)
end

local function rows(fields, page, first)
    local out = { ("| %s | type | |\n| --- | --- | --- |\n"):format(first) }
    for _, field in ipairs(fields) do
        local name = ("`%s`"):format(field.name) .. (field.optional and "" or " *")
        out[#out + 1] = ("| %s | %s | %s |\n"):format(name, linked(field.type, page), cell(field.doc))
    end
    return table.concat(out)
end

local function of_class(name, page)
    local class = classes[name]
    local out = { ("## %s\n\n"):format(name) }
    if class.text ~= "" then out[#out + 1] = class.text .. "\n\n" end
    if class.parent and not handles[name] then
        out[#out + 1] = ("It has the fields of %s too.\n\n"):format(linked(class.parent, page))
    end
    if #class.fields > 0 then out[#out + 1] = rows(class.fields, page, "field") .. "\n" end
    return table.concat(out)
end

---How a function is called.
local function signature(entry)
    local name = heading(entry.path)
    local lines = {}
    if entry.overload then
        lines[1] = entry.overload:gsub("^async ", ""):gsub("^fun%(", name .. "(")
    end
    if entry.parameters then
        local answers = {}
        for _, answer in ipairs(entry.returns) do answers[#answers + 1] = answer.type end
        local behind = #answers > 0 and ": " .. table.concat(answers, ", ") or ""
        local words = {}
        for _, parameter in ipairs(entry.params) do
            words[#words + 1] = parameter.name .. (parameter.optional and "?" or "")
        end
        table.insert(lines, ("%s(%s)%s"):format(name, table.concat(words, ", "), behind))
    elseif entry.type then
        lines[1] = ("%s: %s"):format(name, entry.type)
    end
    return "```text\n" .. table.concat(lines, "\n") .. "\n```\n\n"
end

local function of_function(entry)
    local out = { ("## %s\n\n"):format(heading(entry.path)), signature(entry), entry.text, "\n\n" }
    if #entry.params > 0 then out[#out + 1] = rows(entry.params, entry.page, "argument") .. "\n" end
    for _, answer in ipairs(entry.returns) do
        local doc = answer.doc ~= "" and ": " .. answer.doc or ""
        out[#out + 1] = ("Returns %s%s\n\n"):format(linked(answer.type, entry.page):gsub("\\|", "|"), doc)
    end
    local facts = { "Since " .. since(entry.path) .. "." }
    if entry.waits then facts[#facts + 1] = "It waits, and other tasks go on meanwhile." end
    local errors = codes(entry.path)
    if errors ~= "" then facts[#facts + 1] = "Errors: " .. errors .. "." end
    out[#out + 1] = table.concat(facts, " ") .. "\n\n"
    if entry.example then out[#out + 1] = "```lua\n" .. entry.example .. "\n```\n\n" end
    return table.concat(out)
end

local function write(file, parts)
    local text = written_by .. table.concat(parts):gsub("%s+$", "") .. "\n"
    limiq.file.write(("%s/%s.md"):format(p.to, file), text, { mode = "0644" })
end

local function sorted_classes(page)
    local names = {}
    for name, where in pairs(home) do
        if where == page and not handles[name] and name ~= "limiq.Error" and name ~= "limiq.network"
            and name ~= "limiq.image" then
            names[#names + 1] = name
        end
    end
    table.sort(names)
    return names
end

for _, page in ipairs(pages) do
    local parts = { ("# %s\n\n%s\n\n"):format(page.title, page.text) }
    for _, entry in ipairs(on_page[page.file]) do parts[#parts + 1] = of_function(entry) end
    for _, name in ipairs(sorted_classes(page.file)) do parts[#parts + 1] = of_class(name, page.file) end
    write(page.file, parts)
end

---The text in lines of comments that fit.
local function wrapped(text, indent)
    local lines, line = {}, ""
    for word in text:gmatch "%S+" do
        if #indent + 3 + #line + #word > 88 then
            lines[#lines + 1], line = line, ""
        end
        line = line .. (line == "" and "" or " ") .. word
    end
    lines[#lines + 1] = line
    return indent .. "-- " .. table.concat(lines, "\n" .. indent .. "-- ") .. "\n"
end

---The fields of a class in a table of Lua, each with its sentence.
local function template(name, indent)
    local out = {}
    for _, field in ipairs(classes[name].fields) do
        local value = values[name][field.name]
        assert(value, ("docs/site/template.lua has no value for %s of %s"):format(field.name, name))
        out[#out + 1] = wrapped(field.doc, indent)
        local inner = value:match "^@(.*)$"
        if inner then
            -- A list holds tables.
            local list = field.type:find "%[%]"
            out[#out + 1] = ("%s%s = {%s\n"):format(indent, field.name, list and " {" or "")
            out[#out + 1] = template(inner, indent .. "    ")
            out[#out + 1] = ("%s}%s,\n"):format(indent, list and " }" or "")
        elseif value:find "^%-%-" then
            out[#out + 1] = ("%s-- %s = %s,\n"):format(indent, field.name, value:sub(4))
        else
            out[#out + 1] = ("%s%s = %s,\n"):format(indent, field.name, value)
        end
    end
    return table.concat(out)
end

do
    local parts = {
        [[
# The spec

Every field that a machine's description may have, with a value that it takes. Nothing but `name` is needed; what is
commented out stands in the place of another. The same names serve in JSON and in YAML (`limiq up FILE`). A field that
ends in `_mib` or `_gib` may be given without the ending, as a text with a unit. A field that is not here is an error
with the nearest name.

```lua
local limiq = require "limiq"

limiq.vm {
]], template("limiq.VMSpec", "    "), "}:up()\n```\n\n",
    }
    for _, name in ipairs(sorted_classes "spec") do parts[#parts + 1] = of_class(name, "spec") end
    write("spec", parts)
end

do
    local parts = {
        [[
# Reference

All that `require "limiq"` gives. The same stands in `stdlib/limiq/library.lua`, for editors with the Lua language
server.

Each call may raise `bad_field` for its arguments, `forbidden` under `--sandbox`, `host_not_able` and `libvirt` where it
asks a host, and `cancelled` or `interrupted` where its task has ended; the other codes stand with each. An error is a
table: [errors](../errors.md). An argument or field with a star is needed.

The command's verbs and options are on [a page of their own](command.md), and the fields of a machine on
[another](spec.md).

]],
    }
    for _, page in ipairs(pages) do
        parts[#parts + 1] = ("## [%s](%s.md)\n\n| | |\n| --- | --- |\n"):format(page.title, page.file)
        for _, entry in ipairs(on_page[page.file]) do
            local sentence = entry.text:gsub("\n", " "):match "^(.-[.:])[%s]" or entry.text:gsub("\n", " ")
            sentence = sentence:gsub(":$", ".")
            parts[#parts + 1] = ("| [`%s`](%s.md#%s) | %s |\n"):format(
                heading(entry.path), page.file, anchor(heading(entry.path)), cell(sentence))
        end
        parts[#parts + 1] = "\n"
    end
    write("index", parts)
end

write("command", { command.page(limiq.json.read(p.help).command) })
