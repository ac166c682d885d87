-- What the command says of itself, as `limiq --experimental-dump-help` gives it: a page, and manual pages.
local command = {}

---@param verb table
---@return table[] verbs those below it that are shown, each with the words that call it
local function shown(verb, words)
    local found = {}
    for _, child in ipairs(verb.subcommands or {}) do
        if child.shouldDisplay and child.commandName ~= "help" then
            child.words = words .. " " .. child.commandName
            found[#found + 1] = child
        end
    end
    return found
end

local environment = {
    { "LIMIQ_HOME", "The state folder." },
    { "LIMIQ_URI", "The host, as a libvirt URI, where --connect names none." },
    { "LIMIQ_PATH", "Folders in which a script's modules are looked up, after its own, with a colon between them." },
    { "LIMIQ_IMAGES", "The catalogue of one's own images." },
}
local files = {
    { "/var/lib/limiquantix", "The state folder of root: machines, images, keys." },
    { "~/.local/share/limiquantix", "That of other users." },
    { "~/.config/limiq/images.yaml", "The catalogue of one's own images." },
}
local exit_codes = {
    { "0", "It is done." }, { "1", "It has failed." }, { "2", "Usage; of plan: something would change." },
    { "3", "The host is not able." }, { "130", "It was interrupted." },
}

local function name_of(name) return (name.kind == "long" and "--" or "-") .. name.name end

---The options of a verb: each with its names, its value and what it does.
local function options(verb)
    local found = {}
    for _, argument in ipairs(verb.arguments) do
        if argument.shouldDisplay and argument.kind ~= "positional" then
            local names = {}
            for _, name in ipairs(argument.names) do names[#names + 1] = name_of(name) end
            found[#found + 1] = {
                names = names, value = argument.kind == "option" and argument.valueName or nil,
                doc = argument.abstract or "", default = argument.defaultValue,
            }
        end
    end
    return found
end

local function positionals(verb)
    local found = {}
    for _, argument in ipairs(verb.arguments) do
        if argument.shouldDisplay and argument.kind == "positional" then
            found[#found + 1] = {
                name = argument.valueName, optional = argument.isOptional, many = argument.isRepeating,
                doc = argument.abstract or "", behind = argument.parsingStrategy == "postTerminator",
            }
        end
    end
    return found
end

local function synopsis(verb)
    local words = { verb.words }
    if #options(verb) > 0 then words[#words + 1] = "[OPTIONS]" end
    for _, argument in ipairs(positionals(verb)) do
        local word = argument.name:upper() .. (argument.many and "..." or "")
        if argument.behind then word = "-- " .. word end
        words[#words + 1] = argument.optional and "[" .. word .. "]" or word
    end
    return table.concat(words, " ")
end

local function sentence(option)
    return option.doc .. (option.default and (" (%s where left out)"):format(option.default) or "")
end

local everywhere = { ["--help"] = true, ["--version"] = true }

---The page of all verbs.
---@return string markdown
function command.page(root)
    local out = { [[
# The command

What `limiq --help` and `limiq help VERB` print, on one page; `man limiq` has it too. Every verb has `--help` and
`--version`.

Results go to standard output, everything else to standard error.

]] }
    local function rows(title, facts)
        out[#out + 1] = ("| %s | |\n| --- | --- |\n"):format(title)
        for _, fact in ipairs(facts) do out[#out + 1] = ("| `%s` | %s |\n"):format(fact[1], fact[2]) end
        out[#out + 1] = "\n"
    end
    rows("exit code", exit_codes)
    rows("variable of the environment", environment)
    rows("file", files)
    local function add(verb, level)
        out[#out + 1] = ("%s %s\n\n%s\n\n"):format(("#"):rep(level), verb.words, verb.abstract)
        local inner = shown(verb, verb.words)
        if #inner == 0 then out[#out + 1] = ("```text\n%s\n```\n\n"):format(synopsis(verb)) end
        if verb.discussion and verb.discussion ~= "" then
            out[#out + 1] = verb.discussion:gsub("<", "&lt;"):gsub("%*", "\\*") .. "\n\n"
        end
        local lines = {}
        for _, argument in ipairs(positionals(verb)) do
            lines[#lines + 1] = ("| `%s` | %s |\n"):format(argument.name:upper(), (argument.doc:gsub("|", "\\|")))
        end
        for _, option in ipairs(options(verb)) do
            if not everywhere[option.names[#option.names]] then
                local name = table.concat(option.names, ", ") .. (option.value and " " .. option.value:upper() or "")
                lines[#lines + 1] = ("| `%s` | %s |\n"):format(name, (sentence(option):gsub("|", "\\|")))
            end
        end
        if #lines > 0 then out[#out + 1] = "| | |\n| --- | --- |\n" .. table.concat(lines) .. "\n" end
        for _, child in ipairs(inner) do add(child, level + 1) end
    end
    for _, verb in ipairs(shown(root, root.commandName)) do add(verb, 2) end
    return table.concat(out)
end

---A text for mdoc: a sentence begins a line, lines are short, and what would be a request or an escape is none.
local function roff(text)
    local paragraphs = {}
    for paragraph in (text .. "\n\n"):gmatch "(.-)\n%s*\n%s*" do
        local lines, line = {}, ""
        for word in paragraph:gsub("\\", "\\e"):gsub("·", "or"):gsub("…", "..."):gsub("%-%-", "\\-\\-")
            :gmatch "%S+" do
            if line:find "[^.][.;:]$" and not line:find ";$" or #line + #word > 76 then
                lines[#lines + 1], line = line, ""
            end
            line = line .. (line == "" and "" or " ") .. word
        end
        lines[#lines + 1] = line
        for position, each in ipairs(lines) do lines[position] = each:gsub("^['.]", "\\&%0") end
        paragraphs[#paragraphs + 1] = table.concat(lines, "\n")
    end
    return table.concat(paragraphs, "\n.Pp\n")
end

---The arguments of a macro: quotes are doubled.
local function quoted(text) return '"' .. text:gsub("\\", "\\e"):gsub('"', '""') .. '"' end

local function lists(verb)
    local out = {}
    local words = positionals(verb)
    if #words > 0 then
        out[#out + 1] = ".Bl -tag -width Ds\n"
        for _, argument in ipairs(words) do
            local doc = argument.doc ~= "" and roff(argument.doc) .. "\n" or ""
            out[#out + 1] = (".It Ar %s\n%s"):format(quoted(argument.name), doc)
        end
        out[#out + 1] = ".El\n"
    end
    out[#out + 1] = ".Pp\nThe options are as follows:\n.Bl -tag -width Ds\n"
    for _, option in ipairs(options(verb)) do
        local names = {}
        for _, name in ipairs(option.names) do names[#names + 1] = "Fl " .. name:gsub("^%-", ""):gsub("^%-", "\\-") end
        local value = option.value and " Ar " .. quoted(option.value) or ""
        out[#out + 1] = (".It %s%s\n%s\n"):format(table.concat(names, " , "), value, roff(sentence(option)))
    end
    out[#out + 1] = ".El\n"
    return table.concat(out)
end

---A list of names and what they are.
local function tagged(macro, facts)
    local out = { ".Bl -tag -width Ds\n" }
    for _, fact in ipairs(facts) do out[#out + 1] = (".It %s%s\n%s\n"):format(macro, fact[1], roff(fact[2])) end
    return table.concat(out) .. ".El\n"
end

local function manual_head(name, title, date)
    title = title:gsub("%.$", ""):gsub("^%u%l", string.lower)
    return ('.\\" Written from limiq --help.\n.Dd %s\n.Dt %s 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n'):format(
        date, name:upper(), name, title)
end

local function use(verb)
    local out = { (".Nm %s\n.Op Ar options\n"):format(verb.words) }
    for _, argument in ipairs(positionals(verb)) do
        local word = quoted(argument.name) .. (argument.many and " ..." or "")
        if argument.behind then
            out[#out + 1] = (".Op Fl \\- Ar %s\n"):format(word)
        else
            out[#out + 1] = (argument.optional and ".Op Ar %s\n" or ".Ar %s\n"):format(word)
        end
    end
    return table.concat(out)
end

---A manual page for the command, and one for each verb, by the names of their files.
---@param root table
---@param date string as mdoc writes it: `November 30, 2026`
---@return table<string, string> pages
function command.manual(root, date)
    local pages, list, see = {}, {}, {}
    local verbs = shown(root, root.commandName)
    for _, verb in ipairs(verbs) do
        local name = verb.words:gsub(" ", "-")
        list[#list + 1] = (".It Xr %s 1\n%s\n"):format(name, roff(verb.abstract))
        see[#see + 1] = name
        local out = { manual_head(name, verb.abstract, date), ".Sh SYNOPSIS\n" }
        local inner = shown(verb, verb.words)
        for _, child in ipairs(#inner > 0 and inner or { verb }) do out[#out + 1] = use(child) end
        out[#out + 1] = ".Sh DESCRIPTION\n" .. roff(verb.abstract) .. "\n"
        if verb.discussion and verb.discussion ~= "" then out[#out + 1] = ".Pp\n" .. roff(verb.discussion) .. "\n" end
        if #inner == 0 then out[#out + 1] = lists(verb) end
        for _, child in ipairs(inner) do
            out[#out + 1] = (".Ss %s\n%s\n"):format(child.words, roff(child.abstract))
            if child.discussion and child.discussion ~= "" then
                out[#out + 1] = ".Pp\n" .. roff(child.discussion) .. "\n"
            end
            out[#out + 1] = lists(child)
        end
        out[#out + 1] = ".Sh SEE ALSO\n.Xr limiq 1\n"
        pages[name .. ".1"] = table.concat(out)
    end
    table.sort(see)
    pages["limiq.1"] = table.concat {
        manual_head("limiq", root.abstract, date),
        ".Sh SYNOPSIS\n.Nm limiq\n.Ar subcommand\n.Op Ar options\n",
        ".Sh DESCRIPTION\n", roff(root.abstract), "\n.Pp\n", roff(root.discussion or ""),
        "\n.Pp\nThe subcommands are:\n",
        ".Bl -tag -width Ds\n", table.concat(list), ".El\n",
        ".Sh ENVIRONMENT\n", tagged("Ev ", environment), ".Sh FILES\n", tagged("Pa ", files), ".Sh EXIT STATUS\n",
        tagged("", exit_codes),
        ".Sh SEE ALSO\n.Xr ", table.concat(see, " 1 ,\n.Xr "), " 1\n",
    }
    return pages
end

return command
