local limiq = require "limiq"
local part = require "limiq.recipes.part"

local function version_problem(version)
    if not version:match "^v%d+%.%d+%.%d+%+k3s%d+$" then
        return "it is no release: " .. version, "such as \"v1.31.4+k3s1\""
    end
end

local function token_problem(token)
    if #token < 8 or token:find "[%s%c]" then
        return "it has fewer than 8 characters, or blanks", "openssl rand -hex 16"
    end
end

---k3s' own configuration file (docs.k3s.io, "Configuration File").
local function configuration(options)
    local config = { token = options.token, server = options.server and ("https://%s:6443"):format(options.server) }
    if options.role == "server" then
        config["cluster-init"] = options.cluster and not options.server or nil
        config["disable"] = options.disable
        config["tls-san"] = options.names
        config["write-kubeconfig-mode"] = "0600"
    end
    config["node-ip"], config["node-label"] = options.address, options.labels
    for name, value in pairs(options.config or {}) do
        if config[name] ~= nil then
            part.refuse("k3s", ("config has %s, which an option says too"):format(tostring(name)))
        end
        config[name] = value
    end
    return limiq.yaml.encode(config)
end

return limiq.recipe {
    name = "k3s",
    doc = [[
Kubernetes by k3s: a server, and agents that join it by the same token, from get.k3s.io. An agent waits for its server.
More servers join the first by `server` too, where that was begun with `cluster = true`. Kubernetes' own configuration
is `/etc/rancher/k3s/k3s.yaml`, on the server.]],
    options = {
        role = { choices = { "server", "agent" }, default = "server", doc = "what the machine is" },
        token = { secret = true, required = true, check = token_problem, doc = "what all know: limiq.secret(…)" },
        server = { match = "^[%w.:%[%]-]+$", doc = "the server's name or address, of agents and further servers" },
        version = { check = version_problem, doc = "the release, \"v1.31.4+k3s1\"; the stable one where left out" },
        cluster = { type = "boolean", default = false, doc = "whether more servers may join (embedded etcd)" },
        disable = { type = { { choices = { "coredns", "servicelb", "traefik", "local-storage", "metrics-server" } } },
            doc = "components that are left out" },
        names = { type = { "string" }, doc = "names and addresses that the server's certificate has too" },
        address = { doc = "the machine's address in the cluster, where it has several" },
        labels = { type = { { match = "^[%w./_-]+=[%w._-]*$" } }, doc = "labels of the node, \"disk=ssd\"" },
        config = { type = "table", doc = "other lines of k3s' configuration file" },
        forward = { type = "integer", min = 1, max = 65535,
            doc = "the port of this host that leads to Kubernetes' API" },
    },
    example = [[
local token = limiq.secret(limiq.file.read "token.txt")
limiq.vm { recipes.k3s { token = token }, name = "controller", nics = { { network = lab } } }
limiq.vm { recipes.k3s { role = "agent", server = "controller", token = token }, name = "worker-01",
    nics = { { network = lab } } }]],
    build = function(options)
        local is_agent = options.role == "agent"
        if is_agent and not options.server then
            part.refuse("k3s", "an agent needs its server", 'server = "controller"')
        end
        for _, name in ipairs { "disable", "names", "forward" } do
            if is_agent and options[name] then part.refuse("k3s", ("%s is a server's"):format(name)) end
        end
        if is_agent and options.cluster then part.refuse("k3s", "cluster is a server's") end
        local release = options.version and ("INSTALL_K3S_VERSION=%s "):format(part.quoted(options.version)) or ""
        return {
            -- What k3s asks for at least (docs.k3s.io, "Requirements").
            memory = not is_agent and "2GiB" or nil,
            nics = options.forward and { { forward = { { guest = 6443, host = options.forward } } } } or nil,
            user_data = {
                package_update = true, packages = { "curl" },
                write_files = {
                    { path = "/etc/rancher/k3s/config.yaml", permissions = "0600", content = configuration(options) },
                    part.script("50-k3s", {
                        "curl --fail --silent --show-error --location --retry 5 --output /run/k3s-install.sh "
                            .. "https://get.k3s.io",
                        release .. ("INSTALL_K3S_EXEC=%s sh /run/k3s-install.sh"):format(options.role),
                    }),
                },
            },
        }
    end,
}
