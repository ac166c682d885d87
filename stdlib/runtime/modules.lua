-- `require`, `load` and their kin in Lua source, so that a module's body may call primitives.
local core = ...
local native, perform, pcall = core.native, core.perform, core.pcall
local load0 = native.load
local error, type, tostring, ipairs = error, type, tostring, ipairs
local concat = table.concat

local package = { loaded = {}, preload = {}, config = "/\n;\n?\n!\n-\n" }
core.package = package

---Modules whose body runs: the task that runs it and who waits for its end.
local loading = {}
---The modules each task is inside of, outermost first.
local chains = {}

---Chunks are text; bytecode can crash the interpreter.
local function load(chunk, name, mode, ...)
    if type(mode) == "string" and not mode:find("t", 1, true) then
        return nil, "attempt to load a text chunk (mode is '" .. mode .. "')"
    end
    return load0(chunk, name, "t", ...)
end
core.load = load

---@return string? text
---@return string? reason
local function read(path)
    local text, reason = perform("@read", path)
    if text then return text end
    return nil, reason
end

function core.loadfile(path, _, ...)
    local text, reason = read(path)
    if not text then return nil, ("cannot open %s: %s"):format(path, reason) end
    if text:sub(1, 1) == "#" then text = "--" .. text end
    return load(text, "@" .. path, "t", ...)
end

function core.dofile(path)
    local chunk, reason = core.loadfile(path)
    if not chunk then error(reason, 0) end
    return chunk()
end

---The folders a name is looked up in.
local function folders(name)
    if name == "limiq" or name:sub(1, 6) == "limiq." then return { core.constants.library } end
    local list = { core.script_folder }
    for _, folder in ipairs(core.constants.search_path) do list[#list + 1] = folder end
    return list
end

local function not_found(name, tried, roots)
    local names = {}
    for _, root in ipairs(roots) do
        local inner = name:match "^(.*)%."
        local folder = inner and root .. "/" .. inner:gsub("%.", "/") or root
        for _, file in ipairs(perform("@names", folder)) do
            local found = file:match "^(.+)%.lua$" or not file:find(".", 1, true) and file
            if found and found ~= "init" then names[#names + 1] = (inner and inner .. "." or "") .. found end
        end
    end
    local nearest = core.nearest(name, names)
    error(core.failure(
        "not_found", ("module '%s' is not found; looked for %s"):format(name, concat(tried, ", ")),
        nearest and ("did you mean '%s'?"):format(nearest) or "add its folder to LIMIQ_PATH"), 0)
end

local function find(name)
    local preload = package.preload[name]
    if preload ~= nil then return preload, ":preload:" end
    local roots, tried = folders(name), {}
    local relative = name:gsub("%.", "/")
    for _, root in ipairs(roots) do
        for _, suffix in ipairs { ".lua", "/init.lua" } do
            local path = root .. "/" .. relative .. suffix
            local text, reason = read(path)
            if text then
                local chunk, complaint = load(text, "@" .. path)
                if not chunk then
                    error(core.failure("script", ("module '%s': %s"):format(name, complaint)), 0)
                end
                return chunk, path
            end
            tried[#tried + 1] = reason == "No such file or directory" and path
                or ("%s (%s)"):format(path, reason)
        end
    end
    not_found(name, tried, roots)
end

local function run(name, chain)
    local loader, extra = find(name)
    chain[#chain + 1] = name
    local ok, value = pcall(loader, name, extra)
    chain[#chain] = nil
    if not ok then error(value, 0) end
    if value ~= nil then package.loaded[name] = value end
    if package.loaded[name] == nil then package.loaded[name] = true end
    return package.loaded[name], extra
end

local function finish(name, ok, ...)
    local entry = loading[name]
    loading[name] = nil
    for _, waiter in ipairs(entry.waiters) do perform("@wake", waiter) end
    if not ok then error((...), 0) end
    return ...
end

---Loads a module once: `limiq.…` from the shipped library, another beside the script, then in each folder of
---LIMIQ_PATH.
function core.require(name)
    if type(name) ~= "string" then
        error(("bad argument #1 to 'require' (string expected, got %s)"):format(type(name)), 2)
    end
    if package.loaded[name] ~= nil then return package.loaded[name] end
    local me = perform "@task"
    local chain = chains[me] or {}
    chains[me] = chain
    while loading[name] do
        for index, outer in ipairs(chain) do
            if outer == name then
                error(core.failure("module_cycle", "modules require each other: "
                    .. concat(chain, " → ", index) .. " → " .. name), 0)
            end
        end
        local waiters = loading[name].waiters
        waiters[#waiters + 1] = me
        perform "@park"
        if package.loaded[name] ~= nil then return package.loaded[name] end
    end
    loading[name] = { waiters = {} }
    return finish(name, pcall(run, name, chain))
end

---Registers what is there before anything is required.
function core.provide(name, value)
    package.loaded[name] = value
end

package.searchpath = function(name, path, separator, replacement)
    local tried = {}
    name = name:gsub("%" .. (separator or "."), replacement or "/")
    for template in tostring(path):gmatch "[^;]+" do
        local file = template:gsub("%?", (name:gsub("%%", "%%%%")))
        if read(file) then return file end
        tried[#tried + 1] = ("no file '%s'"):format(file)
    end
    return nil, concat(tried, "\n\t")
end
