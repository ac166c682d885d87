-- Coroutines that behave as the manual says while primitives are called inside them: a request a user's coroutine
-- yields is passed on to the scheduler, and the answer back down. And pcall, which must not keep what unwinds.
local core = ...
local native = core.native
local create0, resume0, yield0 = native.coroutine.create, native.coroutine.resume, native.coroutine.yield
local status0, close0 = native.coroutine.status, native.coroutine.close
local running0, isyieldable0 = native.coroutine.running, native.coroutine.isyieldable
local pcall0, xpcall0, error = native.pcall, native.xpcall, native.error
local setmetatable, type, select, concat = setmetatable, type, select, table.concat
local token, kill = core.token, core.kill

local function weak() return setmetatable({}, { __mode = "k" }) end

---Coroutines the scheduler resumes: a task's own, outside any coroutine of the script.
local bases = weak()
---Coroutines whose request is on its way: to others they are "normal".
local waiting = weak()
local started = weak()
---Coroutines that `coroutine.close` unwinds, and how many they are.
local closing, closings = weak(), 0
---Tracebacks of coroutines that died of an error.
local traces = weak()
---What `close` resumes a coroutine with.
local close_request = {}

core.bases = bases
core.traces = traces

-- pcall and xpcall ---------------------------------------------------------------------------------------------

local function is_closing() return closings > 0 and closing[running0()] or false end

---An error that unwinds a coroutine being closed passes every pcall that was there before; the clean-up's own
---pcalls keep what they catch.
local function pass(was_closing, ok, ...)
    if not ok and ((...) == kill or (not was_closing and is_closing())) then error((...), 0) end
    return ok, ...
end

local function pcall(...) return pass(is_closing(), pcall0(...)) end

local function xpcall(f, handler, ...)
    if type(handler) ~= "function" then return xpcall0(f, handler, ...) end
    local was_closing = is_closing()
    return pass(was_closing, xpcall0(f, function(e)
        if e == kill or (not was_closing and is_closing()) then return e end
        return handler(e)
    end, ...))
end

core.pcall, core.xpcall = pcall, xpcall

-- Requests -----------------------------------------------------------------------------------------------------

local function answer(ok, ...)
    if ok == true then return ... end
    if ok == kill then error(kill, 0) end
    error(core.failure(...), 0)
end

---Asks Swift for something and waits for the answer.
---@param name string
function core.perform(name, ...)
    if not isyieldable0() then
        error(core.failure(
            "cannot_wait", ("limiq.%s cannot wait here: Lua calls this function from C"):format(name),
            "call it before or after the table.sort, string.gsub or metamethod, not inside"), 0)
    end
    return answer(yield0(token, name, ...))
end

-- The coroutine library ----------------------------------------------------------------------------------------

local step

local function relay(co, ...)
    waiting[co] = nil
    return step(co, resume0(co, ...))
end

---Takes what a resumed coroutine gave: a request is passed on until something else comes.
function step(co, ok, ...)
    if ok and (...) == token then
        if not isyieldable0() then
            return step(co, resume0(
                co, false, "cannot_wait", "a primitive cannot wait here: the coroutine is resumed from C",
                "resume it outside the table.sort, string.gsub or metamethod"))
        end
        waiting[co] = true
        return relay(co, yield0(...))
    end
    if not ok and (...) == kill then error(kill, 0) end
    return ok, ...
end

local function ended(co, ok, ...)
    if ok or (closing[co] and (...) == nil) then return select(ok and 1 or 2, ...) end
    error((...), 0)
end

local coroutine = {}

function coroutine.create(f)
    if type(f) ~= "function" then return create0(f) end
    local co
    co = create0(function(...)
        return ended(co, xpcall0(f, function(e)
            if e ~= kill and not closing[co] then traces[co] = concat(core.frames(nil, 3), "\n") end
            return e
        end, ...))
    end)
    return co
end

function coroutine.resume(co, ...)
    if type(co) == "thread" then
        if waiting[co] or (bases[co] and co ~= running0()) then
            return false, "cannot resume non-suspended coroutine"
        end
        started[co] = true
    end
    return step(co, resume0(co, ...))
end

local function unwrap(ok, ...)
    if ok then return ... end
    local e = ...
    error(e, type(e) == "string" and 2 or 0)
end

function coroutine.wrap(f)
    local co = coroutine.create(f)
    local resume = coroutine.resume
    return function(...) return unwrap(resume(co, ...)) end
end

local function resumed(...)
    if (...) == close_request then error(nil, 0) end
    return ...
end

function coroutine.yield(...)
    local co = running0()
    if bases[co] then error("attempt to yield from outside a coroutine", 2) end
    if closing[co] then error("attempt to yield across a C-call boundary", 2) end
    return resumed(yield0(...))
end

function coroutine.status(co)
    if waiting[co] or (bases[co] and co ~= running0()) then return "normal" end
    return status0(co)
end

function coroutine.running()
    local co = running0()
    return co, bases[co] == true
end

function coroutine.isyieldable(co)
    local which = co or running0()
    if bases[which] then return false end
    if co then return isyieldable0(co) end
    return isyieldable0()
end

local function closed(co, ok, ...)
    closing[co], closings = nil, closings - 1
    if ok then return true end
    return false, (...)
end

---Unwinds it: `<close>` variables are closed with no error, and may wait. A coroutine that never began, or is over,
---has nothing that could wait.
function coroutine.close(co)
    if type(co) == "thread" then
        if waiting[co] or (bases[co] and co ~= running0()) then
            error("cannot close a normal coroutine", 2)
        end
        if status0(co) == "suspended" and started[co] then
            closing[co], closings = true, closings + 1
            return closed(co, step(co, resume0(co, close_request)))
        end
    end
    return close0(co)
end

core.coroutine = coroutine
