-- What runs before any script: it keeps the native functions the runtime needs, gives the sandbox its shape, and
-- returns what Swift calls.
local constants, token, kill = ...

---What the parts of the runtime share. No script sees it.
---@class limiq.Core
local core = {
    constants = constants,
    ---Yielded first, so that Swift knows a request from anything else.
    token = token,
    ---Raised by the second interrupt; no pcall keeps it.
    kill = kill,
    native = {
        pcall = pcall, xpcall = xpcall, error = error, load = load, setmetatable = setmetatable,
        getinfo = debug.getinfo, coroutine = coroutine, exit = os.exit,
        read = io.read, lines = io.lines,
    },
}

for _, part in ipairs { "errors", "coroutines", "tasks", "modules", "sandbox" } do
    local path = constants.library .. "/runtime/" .. part .. ".lua"
    local file = assert(io.open(path, "rb"))
    local text = file:read "a"
    file:close()
    assert(load(text, "=[limiq " .. part .. "]", "t"))(core)
end

return {
    main = core.main,
    raise_interrupted = core.raise_interrupted,
    ["limiq.secret"] = core.secret_metatable,
    ["limiq.secrets"] = core.secrets,
    ["limiq.empty_list"] = core.empty_list,
    ["limiq.null"] = core.null,
    ["limiq.null_metatable"] = core.null_metatable,
}
