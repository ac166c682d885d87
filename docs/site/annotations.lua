-- Reads `stdlib/limiq/library.lua`, which `limiq stubs` writes: classes and functions with what their comments say.
local annotations = {}

---The type at the beginning of `text`, and what stands behind it: `fun(vm: limiq.VM): any what it does`.
local function type_and_rest(text)
    local depth, at = 0, 1
    while at <= #text do
        local character = text:sub(at, at)
        if character:find "[%(%[{<]" then
            depth = depth + 1
        elseif character:find "[%)%]}>]" then
            depth = depth - 1
        elseif character == " " and depth == 0 then
            local before = text:sub(1, at - 1)
            if not before:find "[:|]$" and not before:find "^async$" then break end
        end
        at = at + 1
    end
    return text:sub(1, at - 1), (text:sub(at + 1):gsub("^# ", ""))
end

---A field or a parameter: `size? string|integer Of the guest's disk`.
local function named(words)
    local name, optional, rest = words:match "^(%S-)(%??) (.*)$"
    if words:find "^%[" then name, optional, rest = words:match "^%[.-%]", "", words:match "^%[.-%] (.*)$" end
    local kind, doc = type_and_rest(rest)
    return { name = name, optional = optional == "?", type = kind, doc = doc }
end

---What a comment says: its text, its example and its tags.
local function comment(lines)
    local found = { text = {}, params = {}, returns = {} }
    local example
    for _, line in ipairs(lines) do
        local tag, words = line:match "^@(%a+) ?(.*)$"
        if example then
            if line == "```" then
                found.example, example = table.concat(example, "\n"), nil
            else
                example[#example + 1] = line
            end
        elseif line == "```lua" then
            example = {}
        elseif tag == "param" then
            table.insert(found.params, named(words))
        elseif tag == "return" then
            -- Behind the type stands a name, for a reader of the code.
            local kind, rest = type_and_rest(words)
            table.insert(found.returns, { type = kind, doc = rest:match "^%S+ (.*)$" or "" })
        elseif tag == "overload" then
            found.overload = words
            found.waits = found.waits or words:find "^async" ~= nil
        elseif tag == "type" then
            found.type = words
        elseif tag == "async" then
            found.waits = true
        elseif not tag and line ~= "Example:" then
            table.insert(found.text, line)
        end
    end
    found.text = table.concat(found.text, "\n"):gsub("%s+$", "")
    return found
end

---The classes of a text of annotations by name, and its functions and values in their order.
---@param text string
---@return table<string, { name: string, parent: string?, text: string, fields: table[] }> classes
---@return table[] entries
function annotations.read(text)
    local classes, entries, lines = {}, {}, {}
    local function class_of(all)
        local class, before
        for position, line in ipairs(all) do
            local name, parent = line:match "^@class ([%w_.]+):? ?([%w_.]*)"
            if name then
                before = table.concat(all, "\n", 1, position - 1)
                class = { name = name, parent = parent ~= "" and parent or nil, text = before, fields = {} }
                classes[name] = class
            elseif class and line:find "^@field " then
                table.insert(class.fields, named(line:match "^@field (.*)$"))
            end
        end
    end
    for line in (text .. "\n"):gmatch "(.-)\n" do
        local words = line:match "^%-%-%-(.*)$"
        if words then
            if words:find "^@class" and lines[#lines] and lines[#lines]:find "^@field" then
                class_of(lines)
                lines = {}
            end
            lines[#lines + 1] = words
        else
            class_of(lines)
            local path, parameters = line:match "^function ([%w_.:]+)%((.-)%)"
            local value, what = line:match "^(limiq%.[%w_.]+) = (%S+)$"
            local said = comment(lines)
            -- A table without a comment holds functions, each with its own.
            if path or value and (what == "nil" or said.overload or said.type) then
                said.path, said.parameters = path or value, parameters
                entries[#entries + 1] = said
            end
            lines = {}
        end
    end
    return classes, entries
end

return annotations
