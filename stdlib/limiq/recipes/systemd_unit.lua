local limiq = require "limiq"
local options_of = require "limiq.options"
local part = require "limiq.recipes.part"

local kinds = { service = true, socket = true, timer = true, mount = true, path = true, target = true, slice = true,
    automount = true, swap = true }

local function name_problem(name)
    local kind = name:match "^[%w:_.@\\-]+%.(%l+)$"
    if not kinds[kind] then return "it is no unit's name: " .. name, "such as \"app.service\"" end
end

local first = { Unit = 1, Service = 2, Socket = 2, Timer = 2, Mount = 2, Path = 2, Install = 3 }

---The file of a unit: its sections, `[Unit]` first and `[Install]` last (systemd.syntax(7)).
local function text_of(sections)
    local names = options_of.names(sections)
    table.sort(names, function(a, b)
        local left, right = first[a] or 2, first[b] or 2
        if left ~= right then return left < right end
        return a < b
    end)
    local blocks = {}
    for index, section in ipairs(names) do
        local lines = { ("[%s]"):format(section) }
        if type(sections[section]) ~= "table" then
            part.refuse("systemd_unit", ("sections.%s is no table"):format(section),
                'sections = { Service = { ExecStart = "/usr/bin/app" } }')
        end
        for _, key in ipairs(options_of.names(sections[section])) do
            local value = sections[section][key]
            if value == nil then
                part.refuse("systemd_unit", ("sections.%s has a value without a name"):format(section),
                    'Service = { ExecStart = "/usr/bin/app" }')
            end
            for _, each in ipairs(type(value) == "table" and value or { value }) do
                local text = type(each) == "boolean" and (each and "yes" or "no") or tostring(each)
                if text:find "\n" or type(each) == "table" or type(each) == "userdata" then
                    part.refuse("systemd_unit", ("sections.%s.%s is no text of one line"):format(section, key))
                end
                lines[#lines + 1] = ("%s=%s"):format(key, text)
            end
        end
        blocks[index] = table.concat(lines, "\n") .. "\n"
    end
    return table.concat(blocks, "\n")
end

return limiq.recipe {
    name = "systemd_unit",
    doc = [[
A unit of systemd's, which is started when packages and files are there, and at each start of the guest. One that cannot
be started makes cloud-init fail. A password has no place in a unit: `EnvironmentFile=` names a file that has.]],
    options = {
        name = { required = true, check = name_problem, doc = "such as \"app.service\"" },
        sections = { type = "table",
            doc = "its sections, { Service = { ExecStart = … } }; a list is a key again and again" },
        content = { doc = "the whole file, in the place of sections" },
        enable = { type = "boolean", default = true, doc = "whether it is started at each start; it has an [Install]" },
        start = { type = "boolean", default = true, doc = "whether it is started now" },
    },
    example = [[
recipes.systemd_unit {
    name = "app.service",
    sections = {
        Unit = { After = "network-online.target", Wants = "network-online.target" },
        Service = { ExecStart = "/usr/local/bin/app", Restart = "on-failure" },
        Install = { WantedBy = "multi-user.target" },
    },
}]],
    build = function(options)
        if (options.sections == nil) == (options.content == nil) then
            part.refuse("systemd_unit", "it needs either sections or content")
        end
        local content = options.content or text_of(options.sections)
        if options.enable and not content:find("[Install]", 1, true) then
            part.refuse("systemd_unit", options.name .. " has no [Install], and cannot be enabled",
                'sections.Install = { WantedBy = "multi-user.target" }, or enable = false')
        end
        local lines = { "systemctl daemon-reload" }
        if options.enable then lines[#lines + 1] = "systemctl enable " .. part.quoted(options.name) end
        if options.start then lines[#lines + 1] = "systemctl start " .. part.quoted(options.name) end
        return {
            user_data = { write_files = {
                { path = "/etc/systemd/system/" .. options.name, permissions = "0644", content = content },
                part.script("60-" .. options.name:gsub("[^%w]", "-"), lines),
            } },
        }
    end,
}
