-- `library.lua` is what editors and readers know of the library; here it is held against the library that runs.
local limiq = require "limiq"
local spec = require "limiq.spec"

local text = limiq.file.read "../limiq/library.lua"

---A declaration: the line of code and the comment before it.
local declarations, classes = {}, {}
do
    local comment = {}
    for line in (text .. "\n"):gmatch "(.-)\n" do
        if line:find "^%-%-%-" then
            comment[#comment + 1] = line
            local class, parent = line:match "^%-%-%-@class ([%w_.]+):? ?([%w_.]*)"
            if class then
                classes[class] = { fields = {}, parent = parent }
                comment.class = class
            end
            local field, mark = line:match "^%-%-%-@field ([%w_]+)(%??)"
            if field then classes[comment.class].fields[field] = mark == "" and "required" or "optional" end
        else
            declarations[#declarations + 1] = { code = line, comment = comment }
            comment = {}
        end
    end
end

---The methods of a handle's class, without what makes it one.
local function methods_of(handle)
    local found = {}
    for name, value in pairs(getmetatable(handle)) do
        if not name:find "^__" and type(value) == "function" then found[name] = true end
    end
    return found
end

local vm = limiq.vm { name = "reference" }
local handles = {
    VM = vm, Domain = vm.domain, Fleet = limiq.fleet { name = "reference", count = 0, spec = function() return {} end },
    Hosts = limiq.hosts { "test:///default" }, Task = limiq.spawn(function() end),
    Network = limiq.network { name = "reference", cidr = "10.90.0.0/24" },
}
-- Fleets refuse strangers themselves.
local private = { Fleet = { refuse_stranger = true }, Task = {} }

---Each function and table of the reference that hangs in the library, by its path, and each method.
local declared, methods = {}, {}
for _, declaration in ipairs(declarations) do
    local path = declaration.code:match "^function limiq%.([%w_.]+)%("
    if path then declared[path] = "function" end
    local table_path = declaration.code:match "^limiq%.([%w_.]+) = {}$"
    if table_path then declared[table_path] = "table" end
    local value = declaration.code:match "^limiq%.([%w_.]+) = nil$"
    if value then declared[value] = "value" end
    local class, method = declaration.code:match "^function (%u%w*):([%w_]+)%("
    if class then
        methods[class] = methods[class] or {}
        methods[class][method] = true
    end
end

local function at(path)
    local value = limiq
    for name in path:gmatch "[^.]+" do value = value[name] end
    return value
end

spec.describe("the reference", function()
    spec.it("has nothing that the library has not", function()
        for path, kind in pairs(declared) do
            if kind ~= "value" then spec.equal(path .. " is a " .. type(at(path)), path .. " is a " .. kind) end
        end
        assert(limiq.connect("test:///default").uri == "test:///default" and limiq.null and limiq.secret "x")
        for class, names in pairs(methods) do
            for name in pairs(names) do
                assert(type(handles[class][name]) == "function", ("%s:%s"):format(class, name))
            end
        end
    end)

    spec.it("has all that the library has", function()
        local seen = 0
        local function walk(place, path)
            for name, value in pairs(place) do
                local here = path .. name
                if type(value) == "table" and here ~= "env" then
                    assert(declared[here] == "table" or here == "args", here)
                    if here ~= "args" then walk(value, here .. ".") end
                else
                    seen = seen + 1
                    assert(declared[here], here)
                end
            end
        end
        walk(limiq, "")
        assert(seen > 40, seen)
        for class, handle in pairs(handles) do
            -- A task shows nobody what it is made of.
            local known = class == "Task" and {} or methods_of(handle)
            for name in pairs(known) do
                assert((methods[class] or {})[name] or (private[class] or {})[name], class .. ":" .. name)
            end
        end
    end)

    spec.it("says of a table that is called that it is", function()
        local called = {}
        for _, declaration in ipairs(declarations) do
            local path = declaration.code:match "^limiq%.([%w_.]+) = {}$"
            if path then
                local says = table.concat(declaration.comment, "\n"):find("---@overload", 1, true) ~= nil
                local metatable = getmetatable(at(path))
                assert(says == (type(metatable) == "table" and metatable.__call ~= nil), path)
                called[path] = says
            end
        end
        assert(called.image and not called.disk)
    end)

    spec.it("declares every type it names", function()
        for line in text:gmatch "[^\n]+" do
            local words = line:match "^%-%-%-@%a+ (.*)$"
            if words and not line:find "^%-%-%-@meta" then
                -- Behind the type stands prose, with names of functions.
                local types = line:find "^%-%-%-@class" and words or (words:match "^[%w_]+%?? (%S+)" or words)
                if line:find "^%-%-%-@return" then types = words:match "^%S+" end
                for name in types:gmatch "limiq%.[%w_.]*[%w_]" do assert(classes[name], name .. ": " .. line) end
            end
        end
    end)

    spec.it("has an example of each function", function()
        for _, declaration in ipairs(declarations) do
            if declaration.code:find "^function " then
                assert(table.concat(declaration.comment, "\n"):find("Example:\n---```lua\n", 1, true), declaration.code)
            end
        end
    end)

    spec.it("has the fields that answers have", function()
        local machine = limiq.connect("test:///default").vm { name = "reference-fields" }
        local function check(class, value)
            for field in pairs(value) do assert(classes[class].fields[field], class .. "." .. tostring(field)) end
            for field, kind in pairs(classes[class].fields) do
                assert(kind == "optional" or value[field] ~= nil, class .. "." .. field)
            end
        end
        check("limiq.Change", machine:diff()[1])
        local report = machine:up()
        local ok, e = pcall(check, "limiq.UpReport", report)
        machine:remove()
        assert(ok, e)
    end)
end)

spec.describe("a command", function()
    spec.it("takes its options among its words or behind them", function()
        spec.equal(limiq.host.run({ "sh", "-c", "exit 3" }, { check = false }).code, 3)
        spec.equal(limiq.host.run({ "cat", stdin = "a" }, { timeout = "1m" }).stdout, "a")
        for _, run in ipairs { limiq.host.run, function(...) return vm:exec(...) end } do
            spec.raises(function() run({ "true" }, { chekc = true }) end, "chekc is not a field")
            spec.raises(function() run({ "true", check = true }, { check = false }) end, "given twice")
            spec.raises(function() run({ "true" }, 5) end, "options must be a table")
        end
    end)
end)

spec.describe("the host a call names", function()
    spec.it("is the host of the handles it gives", function()
        local uri = "test:///default"
        spec.equal(limiq.domain.get("test", uri).uri, uri)
        spec.equal(limiq.domain.list({ uri = uri, prefix = "test" })[1].uri, uri)
        spec.equal(limiq.connect(uri).domain.get("test").uri, uri)
        local made = limiq.domain.define({ name = "reference-made" }, { uri = uri })
        spec.equal(made.uri, uri)
        made:undefine { files = true }
        spec.equal(limiq.host.info(uri).uri, uri)
    end)
end)
