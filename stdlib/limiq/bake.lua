---Images that are made once: `limiq.image.bake` and `limiq.warm`.
local runtime = require "limiq.runtime"
local VM = require "limiq.vm"

local perform = runtime.perform

---What an image is made of: a machine's description without its disks, and what is not the machine's.
---@class limiq.BakeRecipe: limiq.VMSpec
---@field name string The image's name: small letters, digits and `-`.
---@field from string The image it is made from: a name of the library, or the path of an image.
---@field size? string The size of the image's disk; that of `from` where left out.
---@field run? async fun(vm: limiq.VM) What is done in the guest when its cloud-init is done.
---@field inputs? any What `run` takes from outside, a text, a table; a path counts by what is in its file or folder.
---@field compress? boolean Whether the image is compressed: a third of its size, and some 25 s for each GiB.

---What a warm machine is made of: a machine's description without its disks, and what is not the machine's.
---@class limiq.WarmRecipe: limiq.VMSpec
---@field name string The warm machine's name: small letters, digits and `-`.
---@field from string The image it is made from: a name of the library, or the path of an image.
---@field size? string The size of its disk; that of `from` where left out.
---@field run? async fun(vm: limiq.VM) What is done in the guest when its cloud-init is done.
---@field inputs? any What `run` takes from outside, a text, a table; a path counts by what is in its file or folder.

local M = {}

-- What is the bake's and not its machine's. A machine that is thrown away has one disk, and no name of its own.
local of_bake = { name = true, from = true, size = true, run = true, inputs = true, compress = true }
local not_for_bakes = { disks = true, protect = true, ttl = true, autostart = true, labels = true, shares = true }

---@param recipe limiq.BakeRecipe|limiq.WarmRecipe
---@param call string
local function check(recipe, call)
    if type(recipe) ~= "table" then
        runtime.fail {
            code = "bad_field", message = call .. ": it takes a table, not " .. runtime.described(recipe),
            hint = ("limiq.%s { name = \"web-base\", from = \"debian-12\", cloud_init = … }"):format(call),
        }
    end
    for _, field in ipairs { "name", "from" } do
        if type(recipe[field]) ~= "string" then
            local message = ("%s: %s must be a string, not %s"):format(call, field, runtime.described(recipe[field]))
            runtime.fail { code = "bad_field", message = message }
        end
    end
    if recipe.run ~= nil and type(recipe.run) ~= "function" then
        local message = call .. ": run must be a function, not " .. runtime.described(recipe.run)
        runtime.fail { code = "bad_field", message = message, hint = "run = function(vm) vm:exec { … } end" }
    end
    for field in pairs(recipe) do
        if not_for_bakes[field] then
            runtime.fail {
                code = "bad_field", message = ("%s: an image has no %s"):format(call, field),
                hint = field == "disks" and "size = \"10GiB\" is the size of its disk"
                    or "it is for the machines that are made of it",
            }
        end
    end
end

---Makes an image of a machine that boots, is given to the script, and is thrown away. It is one of this host, where the
---image library is; other hosts get the image from here.
---@param recipe limiq.BakeRecipe|limiq.WarmRecipe
---@param library limiq
---@param call string the function a script called
---@param keep fun(vm: limiq.VM, image: string, base: string): string
---@return string path
local function make(recipe, library, call, keep)
    check(recipe, call)
    local base = library.image(recipe.from)
    local uri = perform("image.bake_host", library.uri)
    local here = uri and uri ~= library.uri and library.connect(uri) or library

    local function spec(name)
        local fields = {
            name = name, disks = { { id = "boot", backing_file = base, size = recipe.size, bootable = true } },
            -- What says that the guest is done.
            cloud_init = { user_data = {} },
        }
        for field, value in pairs(recipe) do
            if not of_bake[field] then fields[field] = value end
        end
        return fields
    end

    local begun = perform("image.bake_begin", {
        vm = VM.new(spec(recipe.name), here.uri), from = recipe.from, inputs = recipe.inputs,
        run = recipe.run and runtime.program_text(recipe.run) or "", compress = recipe.compress, warm = call == "warm",
    })
    if begun.path then return begun.path end
    local _ <close> = setmetatable({}, { __close = function() perform("image.bake_end", begun.image) end })
    return here.with(spec(begun.machine), function(vm)
        if recipe.run then recipe.run(vm) end
        return keep(vm, begun.image, base)
    end)
end

---@param recipe limiq.BakeRecipe
---@param library limiq
---@return string path
function M.bake(recipe, library)
    return make(recipe, library, "image.bake", function(vm, image)
        return perform("image.bake_keep", vm, image, recipe.compress)
    end)
end

---@param recipe limiq.WarmRecipe
---@param library limiq
---@return string path
function M.warm(recipe, library)
    return make(recipe, library, "warm", function(vm, image, base)
        local documents = vm.spec.cloud_init
        return perform("image.warm_keep", vm, image, base, documents and documents.network_config ~= nil)
    end)
end

return M
