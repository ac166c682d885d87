---What `docker` and `podman` share: containers and compose stacks, as their options say them.
local limiq = require "limiq"
local part = require "limiq.recipes.part"

local M = {}

local restarts = { no = true, always = true, ["unless-stopped"] = true, ["on-failure"] = true }

local function image_problem(image)
    if not image:match "^[%w][%w@:./_-]*$" then
        return "it is no image's name: " .. image,
            "options go into args: { image = \"nginx\", args = { \"-p\", \"80:80\" } }"
    end
end

local function name_problem(name)
    if not name:match "^[%w][%w_.-]+$" then return "it is no name: " .. name end
end

local function restart_problem(policy)
    if not restarts[policy:match "^[^:]*"] then
        return "it is no restart policy: " .. policy, "no, always, unless-stopped, on-failure"
    end
end

local function project_problem(name)
    if not name:match "^[%l%d][%l%d_-]*$" then
        return "it is no project's name: " .. name, "small letters and digits"
    end
end

---The containers that are run.
M.run_option = {
    doc = "containers that are started once and kept running: an image, or that with options",
    type = { { short = "image", fields = {
        image = { required = true, check = image_problem, doc = "its name, such as \"nginx:1.27\"" },
        name = { check = name_problem, doc = "the container's; the image's where left out" },
        args = { type = { "string" }, doc = "options of `run`" },
        command = { type = { "string" }, doc = "what runs in it; the image's own where left out" },
        restart = { default = "unless-stopped", check = restart_problem, doc = "when it is started again" },
    } } },
}

---The compose stacks that are brought up.
M.stacks_option = {
    doc = "compose stacks that are brought up once: a file, or what would be in it",
    type = { { fields = {
        name = { required = true, check = project_problem, doc = "the project's" },
        file = { doc = "a compose file beside the script" },
        content = { type = "any", doc = "the file's text, or a table written as YAML" },
        environment = { type = "text", doc = "the text of the `.env` beside it; may be a secret" },
    } } },
}

---Ports of the guest that lead to ports of this host.
M.ports_option = {
    doc = "ports of the guest that are reached from this host: 80, or { guest = 80, host = 8080 }",
    type = { { short = "guest", fields = {
        guest = { type = "integer", min = 1, max = 65535, required = true, doc = "the guest's port" },
        host = { type = "integer", min = 1, max = 65535, doc = "this host's; a free one where left out" },
    } } },
}

---@return table[]? nics
function M.nics(ports)
    if not ports or #ports == 0 then return nil end
    return { { forward = ports } }
end

---A container's name where the author gives none: `registry/team/app:1.2` is `app`.
local function name_of(image)
    return image:gsub("@.*$", ""):gsub(":[^:/]*$", ""):match "([^/]+)$"
end

---Gives each container a name, and refuses two of one.
---@param recipe string
---@param run table[]?
---@return table[]
function M.named(recipe, run)
    local taken = {}
    for index, container in ipairs(run or {}) do
        local name = container.name or name_of(container.image)
        if taken[name] then
            part.refuse(recipe, ("run[%d] and run[%d] are both named %s"):format(taken[name], index, name),
                "give one of them a name")
        end
        taken[name], container.name = index, name
    end
    return run or {}
end

---The folder of a stack in the guest.
---@param stack table
---@return string
function M.folder(stack) return "/etc/compose/" .. stack.name end

---The files of stacks in the guest.
---@param recipe string
---@param stacks table[]?
---@return table[] files of `write_files`
function M.files(recipe, stacks)
    local files, taken = {}, {}
    for index, stack in ipairs(stacks or {}) do
        local what = ("stacks[%d]"):format(index)
        if taken[stack.name] then
            part.refuse(recipe, ("stacks[%d] and %s are both named %s"):format(taken[stack.name], what, stack.name))
        end
        taken[stack.name] = index
        if (stack.file == nil) == (stack.content == nil) then
            part.refuse(recipe, what .. " needs either file or content")
        end
        local content = stack.content
        if stack.file then content = limiq.file.read(stack.file) end
        if type(content) == "table" then content = limiq.yaml.encode(content) end
        if type(content) ~= "string" and not part.is_secret(content) then
            part.refuse(recipe, what .. ".content must be a text or a table")
        end
        files[#files + 1] = { path = M.folder(stack) .. "/compose.yaml", permissions = "0600", content = content }
        if stack.environment then
            files[#files + 1] = { path = M.folder(stack) .. "/.env", permissions = "0600", content = stack.environment }
        end
    end
    return files
end

return M
