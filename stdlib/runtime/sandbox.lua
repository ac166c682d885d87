-- The globals of a script: the language whole, but for what reaches the host behind limiq's back, and strict about
-- names.
local core = ...
local native, perform, failure = core.native, core.perform, core.failure
local isyieldable0 = native.coroutine.isyieldable
local error, rawget, type, tostring = error, rawget, type, tostring
local ipairs, pairs, concat = ipairs, pairs, table.concat

-- Marks: null, secrets, empty lists ------------------------------------------------------------------------------

core.null_metatable = {
    __metatable = "limiq.null", __name = "limiq.null",
    __tostring = function() return "null" end,
    __newindex = function() error("limiq.null holds nothing", 2) end,
}
core.null = native.setmetatable({}, core.null_metatable)
core.empty_list = { __name = "limiq.list" }
core.secrets = native.setmetatable({}, { __mode = "k" })
core.secret_metatable = {
    __metatable = "limiq.secret", __name = "limiq.secret",
    __tostring = function() return "‹secret›" end,
    __concat = function(a, b) return tostring(a) .. tostring(b) end,
    __newindex = function() error("a secret holds nothing", 2) end,
}

---A value that is written where it must go and shown as `‹secret›` everywhere else.
---
---Example:
---```lua
---limiq.vm { name = "web", console = { vnc_password = limiq.secret(os.getenv "VNC_PASSWORD") } }
---```
---@param value string
function core.secret(value)
    if type(value) ~= "string" then
        error(failure("bad_field", "a secret must be a string, not " .. type(value)), 2)
    end
    local handle = native.setmetatable({}, core.secret_metatable)
    core.secrets[handle] = value
    return handle
end

-- Output -----------------------------------------------------------------------------------------------------------

---What was printed where nothing can wait; it goes out with the next print.
local held = {}

local function output(text)
    if not isyieldable0() then
        held[#held + 1] = text
        return
    end
    if #held > 0 then
        text = concat(held) .. text
        held = {}
    end
    perform("@output", text)
end

function core.flush()
    if #held > 0 then output "" end
end

function print(...)
    local parts = {}
    for index = 1, select("#", ...) do parts[index] = tostring((select(index, ...))) end
    output(concat(parts, "\t") .. "\n")
end

local stdout = native.setmetatable({}, {
    __name = "FILE*", __metatable = "FILE*", __tostring = function() return "file (stdout)" end,
    __index = {
        write = function(file, ...)
            output(concat { ... })
            return file
        end,
        flush = function(file) return file end,
        setvbuf = function() return true end,
        close = function() return nil, "standard output stays open" end,
    },
})
local stderr = io.stderr
io = {
    write = function(...) return stdout:write(...) end,
    read = native.read, lines = function(...)
        if select("#", ...) > 0 and (...) ~= nil then
            error(failure("forbidden", "io.lines reads no files here", "read files with limiq.file.read"), 2)
        end
        return native.lines(...)
    end,
    stdout = stdout, stderr = stderr, stdin = io.stdin, type = io.type,
}

-- What is not there, and what to use instead -----------------------------------------------------------------------

local instead = {
    ["os.execute"] = "run programs with limiq.host.run", ["os.exit"] = "end a script with return or error",
    ["os.remove"] = "limiq removes what it made: vm:remove(), limiq.disk.remove",
    ["os.rename"] = "write files with limiq.file.write", ["os.tmpname"] = "write files with limiq.file.write",
    ["os.setlocale"] = "scripts run in the C locale", ["io.popen"] = "run programs with limiq.host.run",
    ["io.open"] = "read and write files with limiq.file", ["io.input"] = "read files with limiq.file.read",
    ["io.output"] = "write files with limiq.file.write", ["io.tmpfile"] = "write files with limiq.file.write",
    ["io.close"] = "read and write files with limiq.file",
    ["package.loadlib"] = "modules are Lua text", ["package.cpath"] = "modules are Lua text",
    ["string.dump"] = "scripts are Lua text",
}

---A library whose missing functions say what to use.
local function guard(name, library)
    return native.setmetatable(library, {
        __index = function(_, key)
            local hint = instead[name .. "." .. tostring(key)]
            if hint then
                error(failure("forbidden", ("%s.%s is not there in limiq"):format(name, key), hint), 2)
            end
        end,
    })
end

local clock_library = {}
for _, name in ipairs { "clock", "date", "difftime", "getenv", "time" } do clock_library[name] = os[name] end
os = guard("os", clock_library)
io = guard("io", io)
string.dump = nil
debug = {
    traceback = function(...)
        local thread, message, level = ...
        if type(thread) ~= "thread" then thread, message, level = nil, ... end
        if message ~= nil and type(message) ~= "string" and type(message) ~= "number" then return message end
        local lines
        if thread then
            lines = core.traces[thread] and { core.traces[thread] } or core.frames(thread, level or 0)
        else
            lines = core.frames(nil, (level or 1) + 1)
        end
        return (message and message .. "\n" or "") .. "stack traceback:\n" .. concat(lines, "\n")
    end,
}
package = guard("package", core.package)
coroutine, pcall, xpcall = core.coroutine, core.pcall, core.xpcall
load, loadfile, dofile, require = core.load, core.loadfile, core.dofile, core.require

function setmetatable(object, metatable)
    if type(metatable) == "table" and rawget(metatable, "__gc") ~= nil then
        error(failure("forbidden", "__gc cannot be used in limiq: nothing could interrupt it",
            "close things with a <close> variable"), 2)
    end
    return native.setmetatable(object, metatable)
end

local collect = collectgarbage
function collectgarbage(option, ...)
    if option == nil or option == "collect" or option == "count" or option == "step" or option == "isrunning" then
        return collect(option, ...)
    end
    if option == "incremental" or option == "generational" then return "incremental" end
    error(failure("forbidden", ("collectgarbage \"%s\" is not there in limiq"):format(tostring(option))), 2)
end

-- Strict globals -----------------------------------------------------------------------------------------------------

local function undeclared(name, what)
    local names = {}
    for known in pairs(_G) do if type(known) == "string" then names[#names + 1] = known end end
    local nearest = type(name) == "string" and core.nearest(name, names)
    return failure("undeclared", ("%s '%s' is not declared"):format(what, tostring(name)),
        nearest and ("did you mean '%s'?"):format(nearest) or "declare it with local")
end

native.setmetatable(_G, {
    __index = function(_, name) error(undeclared(name, "global"), 2) end,
    __newindex = function(_, name) error(undeclared(name, "global"), 2) end,
    __metatable = "limiq.globals",
})

local loaded = core.package.loaded
for _, name in ipairs { "string", "table", "math", "utf8", "coroutine", "os", "io", "debug", "package" } do
    loaded[name] = rawget(_G, name)
end
loaded._G = _G

core.provide("limiq.runtime", {
    perform = perform, primitives = core.constants.primitives, constants = core.constants,
    failure = failure, is_error = core.is_error, nearest = core.nearest,
    spawn = core.spawn, each = core.each, sleep = core.sleep, timeout = core.timeout, retry = core.retry,
    try = core.try, null = core.null, secret = core.secret,
})
