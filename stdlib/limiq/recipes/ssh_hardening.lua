local limiq = require "limiq"
local part = require "limiq.recipes.part"

---The options of sshd, as its configuration writes them (sshd_config(5)). Of two values the first counts, and the files
---of this folder are read before the rest, in the order of their names.
local function configuration(options)
    local lines = {
        "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitEmptyPasswords no",
        "PermitRootLogin " .. options.root_login, "MaxAuthTries " .. options.max_tries,
        "LoginGraceTime " .. options.grace, "X11Forwarding no",
        "AllowTcpForwarding " .. (options.tcp_forwarding and "yes" or "no"),
        "AllowAgentForwarding " .. (options.agent_forwarding and "yes" or "no"),
    }
    if options.allow_users then lines[#lines + 1] = "AllowUsers " .. table.concat(options.allow_users, " ") end
    if options.allow_groups then lines[#lines + 1] = "AllowGroups " .. table.concat(options.allow_groups, " ") end
    return table.concat(lines, "\n") .. "\n"
end

return limiq.recipe {
    name = "ssh_hardening",
    doc = [[
An ssh server that takes keys alone, and no root. limiq itself reaches the guest by the users that its cloud-config
makes. A server too old to read a folder of its configuration (before OpenSSH 8.2) makes cloud-init fail: it would
still take passwords.]],
    options = {
        root_login = { choices = { "no", "prohibit-password", "forced-commands-only" }, default = "no",
            doc = "whether root may log in" },
        allow_users = { type = { { check = part.user_problem } }, min = 1, doc = "the only users who may log in" },
        allow_groups = { type = { { check = part.user_problem } }, min = 1, doc = "the only groups whose users may" },
        max_tries = { type = "integer", min = 1, max = 100, default = 3, doc = "how many keys may be tried" },
        grace = { type = "integer", min = 1, max = 3600, default = 30, doc = "the seconds that a login may take" },
        tcp_forwarding = { type = "boolean", default = true, doc = "whether ports may be forwarded" },
        agent_forwarding = { type = "boolean", default = false, doc = "whether keys' agents may be" },
        family = part.family_option,
    },
    example = 'recipes.ssh_hardening { allow_users = { "admin" } }',
    build = function(options)
        return part.by_family(options.family, function(family)
            local reload = "systemctl try-reload-or-restart sshd"
            if family == "debian" then reload = "systemctl try-reload-or-restart ssh" end
            if family == "alpine" then reload = "rc-service sshd reload" end
            return {
                user_data = {
                    ssh_pwauth = false,
                    write_files = {
                        { path = "/etc/ssh/sshd_config.d/00-limiq.conf", permissions = "0600",
                            content = configuration(options) },
                        part.script("20-ssh-hardening", {
                            "mkdir -p /run/sshd",
                            "sshd=$(command -v sshd || echo /usr/sbin/sshd)",
                            '"$sshd" -T | grep -qix "passwordauthentication no"',
                            reload,
                        }),
                    },
                },
            }
        end)
    end,
}
