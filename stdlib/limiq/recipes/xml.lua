---XML, written from tables: nothing is pasted into it unescaped.
local part = require "limiq.recipes.part"

local M = {}

local references = {
    ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;",
    ["\t"] = "&#9;", ["\n"] = "&#10;", ["\r"] = "&#13;",
}

---A text as it stands in an element or, in double quotes, in an attribute (XML 1.0, sections 2.2 and 2.4). White space
---that a reader would change is written as a reference.
---
---Example:
---```lua
---xml.escape [[a < "b" & c]] -- a &lt; &quot;b&quot; &amp; c
---```
---@param text string
---@return string
function M.escape(text)
    if not utf8.len(text) then error("XML is text, and this is not UTF-8", 2) end
    local bad = text:match "[\0-\8\11\12\14-\31]" or text:match "\xef\xbf[\xbe\xbf]"
    if bad then error(("XML has no way to write the character U+%04X"):format(utf8.codepoint(bad)), 2) end
    return (text:gsub('[&<>"\t\n\r]', references))
end

local function attributes(node)
    local names = {}
    for name in pairs(node) do
        if type(name) == "string" then names[#names + 1] = name end
    end
    table.sort(names)
    local text = ""
    for _, name in ipairs(names) do text = text .. (' %s="%s"'):format(name, M.escape(node[name])) end
    return text
end

local function written(node, indent)
    local name = node[1]
    local open = indent .. "<" .. name .. attributes(node)
    if #node == 1 then return open .. "/>\n" end
    local content = node[2]
    if type(content) == "string" then return ("%s>%s</%s>\n"):format(open, M.escape(content), name) end
    -- A secret's letters are not to be had here; who makes one for XML makes it of letters and digits.
    if part.is_secret(content) then return open .. ">" .. content .. "</" .. name .. ">\n" end
    local text = open .. ">\n"
    for index = 2, #node do text = text .. written(node[index], indent .. "  ") end
    return text .. indent .. "</" .. name .. ">\n"
end

---A document. An element is a list of its name and its elements, or of its name and a text; what has a name is an
---attribute, in the order of the names.
---
---Example:
---```lua
---xml.document { "disk", type = "file", { "source", file = "/a.iso" }, { "serial", "A & B" } }
---```
---@param root table
---@return string|userdata text a secret where there is one in it
function M.document(root) return '<?xml version="1.0" encoding="utf-8"?>\n' .. written(root, "") end

return M
