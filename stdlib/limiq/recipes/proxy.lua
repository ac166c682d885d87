local limiq = require "limiq"
local part = require "limiq.recipes.part"

---The families whose package manager reads the proxy from a file of its own.
local managers = {
    fedora = "/etc/dnf/dnf.conf", rhel = "/etc/dnf/dnf.conf", amazon = "/etc/dnf/dnf.conf",
}

local function host_problem(name)
    if not name:match "^[%w.:/*-]+$" then return ("it is no host, domain or network: %s"):format(name) end
end

---The variables that programs read, in both of the spellings that there are.
local function variables(options)
    local lines = {}
    local function add(name, value)
        if not value then return end
        lines[#lines + 1] = ("%s=%s"):format(name, value)
        lines[#lines + 1] = ("%s=%s"):format(name:upper(), value)
    end
    add("http_proxy", options.http)
    add("https_proxy", options.https)
    add("no_proxy", options.except and table.concat(options.except, ","))
    return lines
end

local function for_family(family, options)
    local lines = variables(options)
    local quoted = {}
    for index, line in ipairs(lines) do quoted[index] = '"' .. line:gsub("%%", "%%%%") .. '"' end
    local files = {
        { path = "/etc/environment", append = true, permissions = "0644", content = table.concat(lines, "\n") .. "\n" },
        { path = "/etc/systemd/system.conf.d/50-proxy.conf", permissions = "0644",
            content = "[Manager]\nDefaultEnvironment=" .. table.concat(quoted, " ") .. "\n" },
    }
    local proxy = options.http or options.https
    if managers[family] then
        files[#files + 1] = { path = managers[family], append = true, content = ("proxy=%s\n"):format(proxy) }
    elseif family == "suse" then
        files[#files + 1] = {
            path = "/etc/sysconfig/proxy", permissions = "0644",
            content = ('PROXY_ENABLED="yes"\nHTTP_PROXY="%s"\nHTTPS_PROXY="%s"\nNO_PROXY="%s"\n'):format(
                options.http or "", options.https or "", options.except and table.concat(options.except, ", ") or ""),
        }
    end
    return {
        user_data = {
            apt = family == "debian" and { http_proxy = options.http, https_proxy = options.https } or nil,
            write_files = files,
        },
    }
end

return limiq.recipe {
    name = "proxy", short = "http",
    doc = [[
The proxy through which the guest reaches the web: of logins (`/etc/environment`), of services (systemd's
`DefaultEnvironment`) and of the package manager. Who may read the guest's files can read its address, a password in it
too.]],
    options = {
        http = { check = part.address_problem, doc = "for http, \"http://proxy.example.org:3128\"" },
        https = { check = part.address_problem, doc = "for https; that of http where left out" },
        except = { type = { { check = host_problem } }, default = { "localhost", "127.0.0.1", "::1" },
            doc = "hosts, domains and networks that are reached without it" },
        family = part.family_option,
    },
    example = 'recipes.proxy "http://proxy.example.org:3128"',
    build = function(options)
        options.https = options.https or options.http
        if not options.https then
            part.refuse("proxy", "it needs http or https", 'recipes.proxy "http://proxy.example.org:3128"')
        end
        return part.by_family(options.family, function(family) return for_family(family, options) end)
    end,
}
