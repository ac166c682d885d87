-- `require` and the other loaders, in Lua so that a module's body may call primitives.

local core = ...
local AWAIT, ANNOUNCE = core.AWAIT, core.ANNOUNCE
local perform, request, current, load = core.perform, core.request, core.task, load
local type, error, tostring, ipairs, rawset = type, error, tostring, ipairs, rawset
local concat, format = table.concat, string.format
local gsub, match, gmatch, sub, byte = string.gsub, string.match, string.gmatch, string.sub, string.byte
local find, traced, carry = string.find, core.traced, core.carry

local loaded = core.loaded
local package = { loaded = loaded, preload = {}, path = "", config = "/\n;\n?\n!\n-\n" }
core.package = package
rawset(_G, "package", package)
loaded.package = package
core.answer_for(package, "package")

--- Text of a file as Lua may take it: without a byte order mark and without a first line that begins with #.
local function chunk_text(bytes)
  if sub(bytes, 1, 3) == "\xEF\xBB\xBF" then bytes = sub(bytes, 4) end
  if byte(bytes, 1) == 35 then bytes = gsub(bytes, "^[^\n]*", "", 1) end
  return bytes
end

--- What a chunk of this path is called in messages: relative to the script's folder where it is below it.
local function chunk_name(path)
  local library = core.library .. "/limiq/"
  if sub(path, 1, #library) == library then return "@<limiq>/" .. sub(path, #library + 1) end
  local folder = core.folder .. "/"
  if sub(path, 1, #folder) == folder then return "@" .. sub(path, #folder + 1) end
  return "@" .. path
end

-- Searchers

--- The files a module may be in.
local function candidates(name, path)
  local files = {}
  local relative = gsub(name, "%.", "/")
  for template in gmatch(path, "[^;]+") do
    files[#files + 1] = gsub(template, "%?", (gsub(relative, "%%", "%%%%")))
  end
  return files
end

--- package.searchpath, as the manual has it.
function package.searchpath(name, path, separator, replacement)
  separator = separator or "."
  if separator ~= "" then
    name = gsub(name, gsub(separator, "%p", "%%%0"), (gsub(replacement or "/", "%%", "%%%%")))
  end
  local tried = {}
  for template in gmatch(path, "[^;]+") do
    local file = gsub(template, "%?", (gsub(name, "%%", "%%%%")))
    if perform("runtime.read_file", file) then return file end
    tried[#tried + 1] = "\n\tno file '" .. file .. "'"
  end
  return nil, concat(tried)
end

local function is_library(name) return name == "limiq" or sub(name, 1, 6) == "limiq." end

local function search_preload(name)
  local loader = package.preload[name]
  if loader then return loader, ":preload:" end
  return "\n\tno field package.preload['" .. name .. "']"
end

local function search_files(name)
  local path = is_library(name) and core.library .. "/?.lua;" .. core.library .. "/?/init.lua" or package.path
  if type(path) ~= "string" then error("'package.path' must be a string", 0) end
  local tried = {}
  for _, file in ipairs(candidates(name, path)) do
    local bytes, reason, code = perform("runtime.read_file", file)
    if bytes then
      local chunk, e = load(chunk_text(bytes), chunk_name(file), "t")
      if not chunk then error(format("error loading module '%s' from file '%s':\n\t%s", name, file, e), 0) end
      return chunk, file
    end
    tried[#tried + 1] = "\n\t" .. (code == "not_found" and "no file '" .. file .. "'" or reason)
  end
  return concat(tried)
end

package.searchers = { search_preload, search_files }

-- Names of the modules there are, for a wrong one

local function add_names(names, folder, prefix)
  for _, file in ipairs(perform("runtime.list_folder", folder)) do
    local name = match(file, "^(.+)%.lua$")
    if name and name ~= "init" then names[prefix .. name] = true end
    if not find(file, ".", 1, true) then names[prefix .. file] = true end
  end
end

local function suggestion(name)
  local names = {}
  local parent = match(name, "^(.*)%.") or ""
  local prefix = parent == "" and "" or parent .. "."
  local folder = gsub(parent, "%.", "/")
  if is_library(name) then
    add_names(names, core.library .. "/" .. folder, prefix)
  elseif type(package.path) == "string" then
    for template in gmatch(package.path, "[^;]+") do
      local root = match(template, "^(.*)/%?%.lua$")
      if root then add_names(names, folder == "" and root or root .. "/" .. folder, prefix) end
    end
    if prefix == "" then names.limiq = true end
  end
  return core.nearest(name, names)
end

-- require

--- The modules that are being loaded: by name, the task and the module that asked for it.
local loading = {}
--- By task, the names it is loading, outermost first.
local chains = {}

local function find_loader(name)
  local tried = {}
  if type(package.searchers) ~= "table" then error("'package.searchers' must be a table", 0) end
  for _, searcher in ipairs(package.searchers) do
    local loader, extra = searcher(name)
    if type(loader) == "function" then return loader, extra end
    if type(loader) == "string" then tried[#tried + 1] = loader end
  end
  local nearest = suggestion(name)
  core.fail {
    code = "not_found", message = format("module '%s' not found:%s", name, concat(tried)),
    hint = nearest and "did you mean " .. nearest .. "?" or nil,
  }
end

local function load_module(name)
  local loader, extra = find_loader(name)
  local value = loader(name, extra)
  if value ~= nil then loaded[name] = value
  elseif loaded[name] == nil then loaded[name] = true end
  return loaded[name], extra
end

local function cycle(chain, name)
  local from = 1
  for i, member in ipairs(chain) do
    if member == name then from = i end
  end
  core.fail {
    code = "module_cycle",
    message = "modules require each other: " .. concat(chain, " → ", from) .. " → " .. name,
    hint = "move what both need into a module of its own, or require it inside the function that needs it",
  }
end

--- Loads a module once.
---@param name string
---@return any module, any extra
local function require(name)
  if type(name) == "number" then name = tostring(name) end
  if type(name) ~= "string" then core.bad_argument(1, "require", "string", name) end
  local task = current()
  while true do
    if loaded[name] then return loaded[name] end
    local loader = loading[name]
    if not loader then break end
    if loader == task then cycle(chains[task], name) end
    request(AWAIT, "require", "module " .. name)
  end
  local chain = chains[task] or {}
  chains[task], chain[#chain + 1], loading[name] = chain, name, task
  local ok, value, extra = traced(load_module, name)
  loading[name], chain[#chain] = nil, nil
  if #chain == 0 then chains[task] = nil end
  if not core.killed() then request(ANNOUNCE, "require", "module " .. name) end
  if not ok then carry(value, extra) end
  return value, extra
end
rawset(_G, "require", require)

-- loadfile and dofile

--- The path of a file that a script names.
function core.path_of(file) return sub(file, 1, 1) == "/" and file or core.folder .. "/" .. file end
local path_of = core.path_of

rawset(_G, "loadfile", function(file, mode, ...)
  if type(file) ~= "string" then core.bad_argument(1, "loadfile", "string", file) end
  local bytes, reason = perform("runtime.read_file", path_of(file))
  if not bytes then return nil, reason end
  return load(chunk_text(bytes), "@" .. file, mode, ...)
end)

rawset(_G, "dofile", function(file)
  if type(file) ~= "string" then core.bad_argument(1, "dofile", "string", file) end
  local bytes, reason = perform("runtime.read_file", path_of(file))
  if not bytes then error(reason, 0) end
  local chunk, e = load(chunk_text(bytes), "@" .. file, "t")
  if not chunk then error(e, 0) end
  return chunk()
end)

-- The script

local function search_path(folder)
  local templates = { folder .. "/?.lua", folder .. "/?/init.lua" }
  for _, other in ipairs(core.search) do
    templates[#templates + 1] = other .. "/?.lua"
    templates[#templates + 1] = other .. "/?/init.lua"
  end
  return concat(templates, ";")
end

--- The first task.
---@param text string
---@param name string What messages call the script.
---@param folder string Where its modules are.
---@return boolean ok, any ... The script's values, or the error and its traceback.
function core.main(text, name, folder)
  core.folder = folder
  core.set_script("@" .. name)
  package.path = search_path(folder)
  loading, chains = {}, {}
  local chunk, e = load(chunk_text(text), "@" .. name, "t")
  if not chunk then return false, e, core.null end
  return core.run(chunk)
end
