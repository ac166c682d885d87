-- Error tables: what a failed primitive raises, where the script was, and how it got there.
local core = ...
local getinfo, native_error = core.native.getinfo, core.native.error
local setmetatable, type, tostring, rawget = setmetatable, type, tostring, rawget
local format, concat = string.format, table.concat

local library = "@" .. core.constants.library

---Frames of the runtime and of the shipped library are not the script's.
local function is_ours(info)
    return info.source:sub(1, 7) == "=[limiq" or info.source:sub(1, #library) == library
end

---The innermost line of the script: `build-web.lua:12`.
local function locate(level)
    for at = level, 250 do
        local info = getinfo(at, "Sl")
        if not info then return nil end
        if info.currentline > 0 and not is_ours(info) then
            return info.short_src .. ":" .. info.currentline
        end
    end
end
core.locate = locate

local function describe(info)
    if info.what == "main" then return "main chunk" end
    if info.namewhat and info.namewhat ~= "" then
        return format("%s '%s'", info.namewhat == "global" and "function" or info.namewhat, info.name)
    end
    if info.what == "C" then return "?" end
    return format("function <%s:%d>", info.short_src, info.linedefined)
end

---The script's calls, innermost first, as `debug.traceback` writes them, without the runtime's own.
---@param thread? thread
---@param level integer
function core.frames(thread, level)
    local lines = {}
    while true do
        local info
        if thread then info = getinfo(thread, level, "Slnt") else info = getinfo(level, "Slnt") end
        if not info then break end
        if not is_ours(info) and (info.what ~= "C" or info.namewhat ~= "upvalue" and info.name) then
            local where = info.currentline > 0 and info.short_src .. ":" .. info.currentline or info.short_src
            if #lines < 40 then lines[#lines + 1] = format("\t%s: in %s", where, describe(info)) end
            if info.istailcall then lines[#lines + 1] = "\t(...tail calls...)" end
        end
        level = level + 1
    end
    return lines
end

---@class limiq.Error
---@field code string a stable word: `bad_field`, `timeout`, `libvirt` …
---@field message string
---@field hint? string the way out
---@field resource? string which VM or file
---@field where? string `build-web.lua:12`
---@field cause? any
---@field traceback? string
local Error = { __name = "limiq.Error" }
Error.__index = Error
Error.__metatable = "limiq.Error"

function Error.__tostring(e)
    local text = tostring(rawget(e, "message"))
    local resource, where, cause, hint =
        rawget(e, "resource"), rawget(e, "where"), rawget(e, "cause"), rawget(e, "hint")
    if resource and not text:find(resource, 1, true) then text = resource .. ": " .. text end
    if type(cause) == "string" and not text:find(cause, 1, true) then text = text .. ": " .. cause end
    if where then text = where .. ": " .. text end
    if hint then text = text .. " (" .. hint .. ")" end
    return text
end

---An error table for the line of the script that is running.
---@return limiq.Error
function core.failure(code, message, hint, resource, cause)
    return setmetatable({
        code = code, message = message, hint = hint, resource = resource, cause = cause,
        where = locate(3), traceback = concat(core.frames(nil, 3), "\n"),
    }, Error)
end

function core.is_error(value)
    return type(value) == "table" and getmetatable(value) == "limiq.Error"
end

---Called by the count hook at the first interrupt.
function core.raise_interrupted()
    native_error(core.failure("interrupted", "interrupted"), 0)
end

---The text of whatever was raised; an error object whose `__tostring` fails has one too.
local function text_of(e)
    local ok, text = core.native.pcall(tostring, e)
    return ok and text or format("(a %s that cannot be shown)", type(e))
end

---The parts of an error as Swift reads them: code, message, hint, resource, cause, where, traceback.
function core.parts(e, traceback)
    if core.is_error(e) then
        local cause = e.cause ~= nil and text_of(e.cause) or nil
        return tostring(e.code), tostring(e.message), e.hint, e.resource, cause, e.where,
            e.traceback or traceback
    end
    if e == nil then return "script", "nil was raised as an error", nil, nil, nil, nil, traceback end
    local text = text_of(e)
    if text == "not enough memory" then
        return "out_of_memory", "the script needs more memory than it may use", "raise the limit with --lua-memory",
            nil, nil, nil, traceback
    end
    return "script", text, nil, nil, nil, nil, traceback
end

---The nearest of some names to a word, within a third of its length in edits.
function core.nearest(word, names)
    local best, least = nil, math.max(1, (#word + 1) // 3) + 1
    for _, name in ipairs(names) do
        local row = {}
        for j = 0, #name do row[j] = j end
        for i = 1, #word do
            local diagonal = row[0]
            row[0] = i
            for j = 1, #name do
                local above = row[j]
                local cost = word:byte(i) == name:byte(j) and 0 or 1
                row[j] = math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
                diagonal = above
            end
        end
        if row[#name] < least or (row[#name] == least and best and name < best) then
            best, least = name, row[#name]
        end
    end
    return best
end
