---Parts of a machine, and how they are joined: what recipes return, and what a script says itself.
local runtime = require "limiq.runtime"
local options = require "limiq.options"
local peers = require "limiq.peers"

local M = {}

---Any of a machine's spec, and the documents of its cloud-init by their own names.
---@class limiq.Part: limiq.VMSpec
---@field recipe? string Who made it, for messages.
---@field user_data? table
---@field meta_data? table
---@field network_config? table
---@field vendor_data? table
---@field check? "error"|"warn" Of the cloud-init.

---A part that must know the machine: its name, its nics, its disks.
---@class limiq.Late
---@operator call(limiq.VM): limiq.Part

local documents = { "user_data", "meta_data", "network_config", "vendor_data" }
local is_document = {}
for _, name in ipairs(documents) do is_document[name] = true end

local is_list = options.is_list

local function is_map(value)
    return type(value) == "table" and getmetatable(value) == nil and #value == 0
end

---A copy, so that two machines never share a table.
local function copy(value)
    if type(value) ~= "table" or getmetatable(value) ~= nil then return value end
    local result = {}
    for key, inner in pairs(value) do result[key] = copy(inner) end
    return result
end

-- Who made what

local weak = { __mode = "k" }
---The line of the script that asked for a part.
local lines = setmetatable({}, weak)
---Functions that make a part of a machine.
local lates = setmetatable({}, weak)
---Who made what of a part that was joined of others, by path.
local makers_of = setmetatable({}, weak)

---What is known of a recipe, by the function that a script calls.
---@class limiq.parts.Recipe
---@field name string
---@field doc string
---@field rules table<string, limiq.options.Rule>
---@field short? string
---@field example? string

---@type table<function, limiq.parts.Recipe>
local recipes = setmetatable({}, weak)

---Notes that a function is a recipe.
---@param recipe function
---@param known limiq.parts.Recipe
function M.note_recipe(recipe, known) recipes[recipe] = known end

---What is known of a recipe; nil for what is none.
---@param value any
---@return limiq.parts.Recipe?
function M.recipe(value) return type(value) == "function" and recipes[value] or nil end

local recipe_of = M.recipe

---Notes who made a function that makes a part, and of which other it does.
function M.note_late(late, name, at, inner)
    lates[late] = { name = name, at = at, list = lates[inner] and lates[inner].list }
end

---What is known of parts before the machine is: those that need not know it, within others too.
local function early_parts(list, found)
    found = found or {}
    for _, value in ipairs(list) do
        if type(value) ~= "function" then
            found[#found + 1] = value
        elseif lates[value] and lates[value].list then
            early_parts(lates[value].list, found)
        end
    end
    return found
end

local function refuse(who, message, hint)
    runtime.fail { code = "bad_field", message = ("%s: %s"):format(who, message), hint = hint }
end

---A part without what is not the machine's.
local function fields_of(part)
    local fields, has_any = { name = "part" }, false
    for name, value in pairs(part) do
        if name ~= "recipe" and name ~= "check" and not is_document[name] then
            fields[name], has_any = value, true
        end
    end
    return has_any and fields or nil
end

---CD-ROMs of which some are made when the machine is known.
local function without_functions(list)
    if not is_list(list) then return list end
    local kept = {}
    for _, member in ipairs(list) do
        if type(member) ~= "function" then kept[#kept + 1] = member end
    end
    return kept
end

---Refuses what no machine has.
---@param who string
---@param part table
local function check_fields(who, part)
    for _, name in ipairs { "name", "cloud_init", "spec" } do
        if part[name] ~= nil then
            refuse(who, ("a part has no %s"):format(name), name == "cloud_init"
                and "user_data, meta_data, network_config and vendor_data stand in the part itself" or nil)
        end
    end
    local fields = fields_of(part)
    if fields then
        peers.refuse_fields(fields, who .. ": ")
        for name in pairs(fields) do
            local nearest = type(name) == "string" and runtime.nearest(name, is_document)
            if type(name) ~= "string" then
                refuse(who, ("a part has names, not %s"):format(runtime.described(fields[name])))
            elseif nearest then
                refuse(who, ("a part has a field %s"):format(name), ("did you mean %s?"):format(nearest))
            end
        end
        fields.cdroms = without_functions(fields.cdroms)
        local problem = runtime.perform("vm.problem", fields)
        if problem then refuse(who, problem.message, problem.hint) end
    end
    if part.check ~= nil and part.check ~= "warn" and part.check ~= "error" then
        refuse(who, ("check must be \"warn\" or \"error\", not %s"):format(runtime.described(part.check)))
    end
end

---A part that a recipe has made.
---@param name string the recipe
---@param at? string the line of the script
---@param made any
---@return limiq.Part
function M.made(name, at, made)
    local who = "recipe " .. name
    if type(made) ~= "table" or #made > 0 then
        refuse(who, ("it made %s, not a part"):format(runtime.described(made)),
            "build returns a table such as { user_data = { … } }")
    end
    local part = {}
    for field, value in pairs(made) do part[field] = value end
    check_fields(who, part)
    local problem = part.user_data and part.check ~= "warn" and runtime.perform("cidata.problem", part.user_data)
    if problem then refuse(who, problem.message, problem.hint) end
    part.recipe = name
    lines[part], makers_of[part] = at, makers_of[made]
    return part
end

-- Joining

---@class limiq.parts.Joint
---@field part table what has been joined
---@field makers table<string, string> who made what, by path
---@field places table<string, string> the line of the script where a maker was asked

---Who set what is at a path, or what it is within.
local function maker(joint, path)
    while path and not joint.makers[path] do path = path:match "^(.*)[.%[]" end
    return path and joint.makers[path] or "?"
end

---As a message shows it.
local function shown(value)
    if type(value) ~= "table" or getmetatable(value) ~= nil then return tostring(value) end
    return is_list(value) and "a list" or "a map"
end

local function conflict(joint, path, before, value, who)
    local first = maker(joint, path)
    local places = {}
    for _, each in ipairs { first, who } do
        local place = joint.places[each]
        if place and place ~= places[1] then places[#places + 1] = place end
    end
    runtime.fail {
        code = "recipe_conflict",
        message = ("%s is %s for %s and %s for %s"):format(path, shown(before), first, shown(value), who),
        hint = "give it in one of them" .. (#places > 0 and ": " .. table.concat(places, ", ") or ""),
    }
end

---Joins a value into what is there: lists append, maps merge, equal scalars stay.
local function join(joint, target, key, value, path, who)
    local before = target[key]
    if before == nil then
        target[key] = copy(value)
        joint.makers[path] = who
    elseif is_list(before) and is_list(value) then
        for _, member in ipairs(value) do before[#before + 1] = copy(member) end
    elseif is_map(before) and is_map(value) then
        for name, inner in pairs(value) do
            join(joint, before, name, inner, path .. "." .. tostring(name), who)
        end
    elseif before ~= value then
        conflict(joint, path, before, value, who)
    end
end

---Scalars and maps of which no two may differ; lists too.
local function agree(joint, target, key, value, path, who)
    local before = target[key]
    if is_list(before) and is_list(value) and #before == #value then
        for index, member in ipairs(value) do
            if before[index] ~= member then conflict(joint, path, before, value, who) end
        end
    else
        join(joint, target, key, value, path, who)
    end
end

---The MiB of a part's memory; nil where that is no size, as is told when the machine is described.
local function mebibytes(part)
    local bytes = options.bytes(part.memory)
    if bytes then return bytes >> 20 end
    return part.memory == nil and math.tointeger(part.memory_mib) or nil
end

---The larger wins: each asks for what it needs.
local function join_memory(joint, part)
    local mine, theirs = mebibytes(joint.part), mebibytes(part)
    local given = part.memory ~= nil or part.memory_mib ~= nil
    -- One that is no size is told when the machine is described.
    local has = joint.part.memory ~= nil or joint.part.memory_mib ~= nil
    if not given or has and not mine or mine and theirs and mine >= theirs then return end
    joint.part.memory, joint.part.memory_mib = part.memory, part.memory_mib
end

---A port of this host that leads to one of the guest, once.
local function join_forwards(joint, nic, forwards, path, who)
    nic.forward = nic.forward or {}
    for _, forward in ipairs(forwards) do
        local same
        for _, other in ipairs(nic.forward) do
            if other.guest == forward.guest and (other.proto or "tcp") == (forward.proto or "tcp") then same = other end
        end
        if same then
            local inner = ("%s.forward[%s]"):format(path, tostring(forward.guest))
            for name, value in pairs(forward) do agree(joint, same, name, value, inner .. "." .. name, who) end
        else
            nic.forward[#nic.forward + 1] = copy(forward)
        end
    end
end

---What members of a list are told apart by.
local identities = {
    disks = { field = "id", prefix = "disk" }, nics = { field = "id", prefix = "nic" },
    cdroms = { field = "id", prefix = "cdrom" }, shares = { field = "guest" },
}

local function identity(rule, member, index)
    if type(member) ~= "table" then return nil end
    return member[rule.field] or rule.prefix and rule.prefix .. index
end

local function find(rule, list, name, member)
    -- A nic without a name is the machine's first: where a recipe opens a port.
    if name == "nics" and member.id == nil then return list[1] end
    local wanted = type(member) == "table" and member[rule.field]
    if not wanted then return nil end
    for index, other in ipairs(list) do
        if identity(rule, other, index) == wanted then return other end
    end
end

---Joins disks, nics, CD-ROMs or shares: those of one id are one.
local function join_devices(joint, name, members, who)
    local rule = identities[name]
    joint.part[name] = joint.part[name] or {}
    local list = joint.part[name]
    for place, member in ipairs(members) do
        -- Of several nics without names the first is the machine's first.
        local is_further = name == "nics" and place > 1 and member.id == nil
        local same = not is_further and find(rule, list, name, member) or nil
        if not same then
            list[#list + 1] = copy(member)
            joint.makers[("%s[%s]"):format(name, tostring(identity(rule, member, #list) or #list))] = who
        else
            local path = ("%s[%s]"):format(name, tostring(member[rule.field] or same[rule.field] or 1))
            for field, value in pairs(member) do
                if name == "nics" and field == "forward" and is_list(value) then
                    -- Where the machine is on a network, the port is open there.
                    local is_reached = member.id == nil and (same.network ~= nil or same.bridge ~= nil)
                    if not is_reached then join_forwards(joint, same, value, path, who) end
                else
                    agree(joint, same, field, value, path .. "." .. tostring(field), who)
                end
            end
        end
    end
end

local function join_documents(joint, part, who)
    -- A part that cannot pass the check takes all with it.
    if part.check ~= nil and joint.part.check ~= "warn" then joint.part.check = part.check end
    for _, document in ipairs(documents) do
        local content = part[document]
        if content ~= nil then
            if type(content) ~= "table" then
                refuse("compose", ("%s of %s is text, which cannot be joined"):format(document, who),
                    "give it as a table")
            end
            joint.part[document] = joint.part[document] or {}
            for name, inner in pairs(content) do
                join(joint, joint.part[document], name, inner, document .. "." .. tostring(name), who)
            end
        end
    end
end

-- What is no field, or joined in a way of its own.
local not_joined = { recipe = true, check = true, memory = true, memory_mib = true }
for _, name in ipairs(documents) do not_joined[name] = true end

local function join_fields(joint, part, who)
    join_memory(joint, part)
    for name, value in pairs(part) do
        if identities[name] and is_list(value) then
            join_devices(joint, name, value, who)
        elseif not not_joined[name] then
            agree(joint, joint.part, name, value, name, who)
        end
    end
end

---@return limiq.parts.Joint
local function new_joint() return { part = {}, makers = {}, places = {} } end

---Notes who made a part.
local function note(joint, part, index)
    local who = part.recipe and "recipe " .. part.recipe or ("recipe number %d"):format(index)
    joint.places[who] = joint.places[who] or lines[part]
    local inner = makers_of[part]
    if inner then
        for name, place in pairs(inner.places) do joint.places[name] = joint.places[name] or place end
    end
    return who
end

---Adds one part; of one that was joined of others each is its own maker.
local function add(joint, part, index)
    local who = note(joint, part, index)
    join_fields(joint, part, who)
    join_documents(joint, part, who)
    local inner = makers_of[part]
    for path, name in pairs(inner and inner.makers or {}) do
        if joint.makers[path] == who then joint.makers[path] = name end
    end
end

---What stands among parts is a part, or a function that makes one.
---@return limiq.Part
local function part_of(value, index, vm)
    local recipe = recipe_of(value)
    if recipe then
        refuse("compose", ("part %d is the recipe %s itself, which is not called"):format(index, recipe.name),
            ("recipes.%s { … }"):format(recipe.name))
    end
    local maker_name = lates[value]
    if type(value) == "function" then value = value(vm) end
    if type(value) ~= "table" then
        refuse("compose", ("part %d is %s, not what a recipe returns"):format(index, runtime.described(value)))
    end
    if not value.recipe and not makers_of[value] then check_fields(("compose: part %d"):format(index), value) end
    if maker_name and value.recipe and not lines[value] then lines[value] = maker_name.at end
    return value
end

---Refuses what is no list of parts.
---@param list any
local function check_list(list)
    if not is_list(list) then
        refuse("compose", ("it takes a list of parts, not %s"):format(runtime.described(list)))
    end
    local count = 0
    for _ in pairs(list) do count = count + 1 end
    if count ~= #list then
        refuse("compose", "one of its parts is nil, or has a name", "a part that is not wanted is {}")
    end
    for index, value in ipairs(list) do
        if type(value) ~= "function" or recipe_of(value) then part_of(value, index) end
    end
end

local function has_late(list)
    for _, value in ipairs(list) do
        if type(value) == "function" then return true end
    end
    return false
end

---Joins parts into one.
---@param list (limiq.Part|limiq.Late)[]
---@return limiq.Part|limiq.Late
function M.composed(list)
    check_list(list)
    local function joined(vm)
        local joint = new_joint()
        for index, value in ipairs(list) do add(joint, part_of(value, index, vm), index) end
        makers_of[joint.part] = joint
        return joint.part
    end
    if not has_late(list) then return joined() end
    local function late(vm) return joined(vm) end
    lates[late] = { name = "compose", list = list }
    return late
end

-- A machine of parts

---What a recipe can only say when it knows the machine.
local function takes_machine(fields, list)
    if has_late(list) or type(fields.cloud_init) == "function" then return true end
    return is_list(fields.cdroms) and has_late(fields.cdroms)
end

---What a machine says itself, beside the list of its parts.
local own = "the machine itself"

---The machine's own cloud-init comes after that of its recipes, and joins it; alone it stays as it is.
local function join_own_documents(joint, cloud_init, is_alone)
    if cloud_init == nil then return end
    local recipe = recipe_of(cloud_init)
    if recipe then
        refuse("cloud_init", ("it is the recipe %s itself, which is not called"):format(recipe.name),
            ("recipes.%s { … }"):format(recipe.name))
    end
    local inner = type(cloud_init) == "table" and makers_of[cloud_init]
    if type(cloud_init) == "table" and (inner or cloud_init.recipe) then return add(joint, cloud_init, 1) end
    if is_alone or type(cloud_init) ~= "table" then
        joint.cloud_init = cloud_init
        return
    end
    for name in pairs(cloud_init) do
        if name ~= "check" and not is_document[name] then
            joint.cloud_init = cloud_init
            return
        end
    end
    join_documents(joint, cloud_init, own)
end

---The spec of what has been joined.
local function spec_of(joint)
    local spec, cloud_init = {}, joint.cloud_init
    for name, value in pairs(joint.part) do
        if is_document[name] or name == "check" then
            cloud_init = cloud_init or {}
            cloud_init[name] = value
        elseif name ~= "recipe" then
            spec[name] = value
        end
    end
    spec.cloud_init = cloud_init
    return spec
end

---A nic that came of a recipe's port is a machine's only one: it has the way in that a machine has that says nothing of
---its nics.
local function keep_way_in(spec, had_nics)
    local nic = not had_nics and is_list(spec.nics) and spec.nics[1]
    if not nic or nic.network or nic.bridge then return end
    nic.forward = nic.forward or {}
    for _, forward in ipairs(nic.forward) do
        if forward.guest == 22 then return end
    end
    nic.forward[#nic.forward + 1] = { guest = 22 }
end

---Joins what a machine says and the parts of its list.
---@param fields table the spec
---@param list table its list part
---@param vm? limiq.VM where it is known
local function assembled(fields, list, vm)
    local joint = new_joint()
    for name, value in pairs(fields) do
        if type(name) == "string" and name ~= "cloud_init" then
            joint.part[name], joint.makers[name] = copy(value), own
        end
    end
    local cloud_init, known = fields.cloud_init, vm and list or early_parts(list)
    for index, value in ipairs(known) do add(joint, part_of(value, index, vm), index) end
    local is_alone = #known == 0
    if type(cloud_init) == "function" and not recipe_of(cloud_init) then
        if not vm then
            for index, value in ipairs(early_parts { cloud_init }) do add(joint, part_of(value, index), index) end
        end
        cloud_init = vm and cloud_init(vm) or nil
    end
    join_own_documents(joint, cloud_init, is_alone)
    local spec = spec_of(joint)
    if is_list(spec.cdroms) then
        if vm then
            for index, cdrom in ipairs(spec.cdroms) do
                if type(cdrom) == "function" then spec.cdroms[index] = cdrom(vm) end
            end
        else
            spec.cdroms = without_functions(spec.cdroms)
        end
    end
    keep_way_in(spec, fields.nics ~= nil)
    return spec
end

---The list part of a spec.
local function list_of(fields)
    local list, count, may_be_parts = {}, 0, false
    for key, value in next, fields do
        if math.type(key) then
            list[key], count = value, count + 1
            may_be_parts = may_be_parts or type(value) == "table" or type(value) == "function"
        else
            may_be_parts = true
        end
    end
    -- A list of words alone is no machine, as is told of all that is none.
    if not may_be_parts then return {} end
    if count > 0 then
        local parts = table.move(list, 1, count, 1, {})
        if #parts ~= count then
            refuse("vm", "one of its parts is nil", "a part that is not wanted is {}")
        end
        check_list(parts)
        return parts
    end
    return list
end

---A machine's spec without parts and functions: parts are joined, functions called with the machine as the rest of its
---spec describes it.
---@param fields table
---@param describe fun(spec: table): limiq.VM
---@return table
function M.resolved(fields, describe)
    -- It may be a handle, whose lack of a field is an error.
    local plain = {}
    for name, value in next, fields do plain[name] = value end
    local list = list_of(plain)
    local cloud_init = plain.cloud_init
    local is_made = type(cloud_init) == "table" and (makers_of[cloud_init] or cloud_init.recipe)
    local needs_machine = takes_machine(plain, list)
    if #list == 0 and not needs_machine and not is_made then return fields end
    if not needs_machine then return assembled(plain, list) end
    local known = assembled(plain, list)
    -- Shares are mounted by the cloud-init that may be still to come.
    if known.cloud_init == nil then known.shares = nil end
    return assembled(plain, list, describe(known))
end

return M
