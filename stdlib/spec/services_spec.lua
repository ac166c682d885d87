-- Recipes of services: the cloud-init that each makes. That a guest takes it is told by the recipe itself.
local limiq = require "limiq"
local recipes = require "limiq.recipes"
local spec = require "limiq.spec"

local describe, it, equal, raises = spec.describe, spec.it, spec.equal, spec.raises

---The user-data of a recipe for a machine that starts from an image.
local function data(part, image)
    if type(part) == "function" then
        part = part { name = "x", spec = { name = "x", disks = { { bootable = true, backing_file = image } } } }
    end
    return part.user_data
end

---The contents of files by path.
local function contents(user_data)
    local found = {}
    for _, file in ipairs(user_data.write_files or {}) do found[file.path] = file.content end
    return found
end

---What a shell thinks of a script.
local function is_shell(text)
    return limiq.host.run({ "sh", "-n", stdin = text }, { check = false }).code == 0
end

---The lines of the script that cloud-init runs.
local function script(user_data, name)
    local text = contents(user_data)["/var/lib/cloud/scripts/per-instance/" .. name]
    assert(text and is_shell(text), tostring(text))
    return (text:gsub("^#!/bin/sh\nset %-eu\n", ""))
end

local function refused(body, message, hint)
    local problem = raises(body, message)
    if hint then equal(problem.hint, hint) end
end

describe("recipes.user", function()
    it("makes users of people, and of services", function()
        equal(data(recipes.user { name = "deploy", groups = { "www-data" },
            ssh_authorized_keys = { "ssh-ed25519 AAAA me" } }),
            { users = { { name = "deploy", groups = { "www-data" }, lock_passwd = true, shell = "/bin/bash",
                ssh_authorized_keys = { "ssh-ed25519 AAAA me" } } } })
        equal(data(recipes.user { name = "app", system = true, homedir = "/srv/app" }).users[1],
            { name = "app", system = true, lock_passwd = true, shell = "/usr/sbin/nologin", homedir = "/srv/app" })
        equal(data(recipes.user { name = "app", system = true }).users[1].no_create_home, true)
    end)

    it("refuses a name that useradd would", function()
        refused(function() recipes.user { name = "Ops User" } end, "no user's name")
        refused(function() recipes.user { name = "a", shell = "bash" } end, "must be an absolute path")
    end)
end)

describe("recipes.ssh_hardening", function()
    it("takes keys alone, and says so where the server would still take passwords", function()
        local made = data(recipes.ssh_hardening { allow_users = { "admin" }, family = "debian" })
        equal(made.ssh_pwauth, false)
        equal(contents(made)["/etc/ssh/sshd_config.d/00-limiq.conf"], [[
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitEmptyPasswords no
PermitRootLogin no
MaxAuthTries 3
LoginGraceTime 30
X11Forwarding no
AllowTcpForwarding yes
AllowAgentForwarding no
AllowUsers admin
]])
        equal(script(made, "20-ssh-hardening"), [[
mkdir -p /run/sshd
sshd=$(command -v sshd || echo /usr/sbin/sshd)
"$sshd" -T | grep -qix "passwordauthentication no"
systemctl try-reload-or-restart ssh
]])
        assert(script(data(recipes.ssh_hardening(), "fedora"), "20-ssh-hardening"):find("restart sshd\n", 1, true))
    end)

    it("refuses a root who logs in by password", function()
        refused(function() recipes.ssh_hardening { root_login = "yes" } end, "root_login must be one of")
    end)
end)

describe("recipes.ntp", function()
    it("names servers and pools, and the program that asks them", function()
        equal(data(recipes.ntp "ntp.example.org").ntp.servers, { "ntp.example.org" })
        equal(limiq.yaml.encode(data(recipes.ntp { pools = { "pool.ntp.org" }, client = "chrony" })),
            "ntp:\n  enabled: true\n  ntp_client: chrony\n  pools:\n  - pool.ntp.org\n")
        refused(function() recipes.ntp {} end, "it needs servers or pools")
        refused(function() recipes.ntp "ntp example" end, "no host's name")
    end)
end)

describe("recipes.proxy", function()
    it("is told to logins, services and apt", function()
        local made = data(recipes.proxy "http://proxy.example.org:3128", "debian-12")
        equal(made.apt, { http_proxy = "http://proxy.example.org:3128", https_proxy = "http://proxy.example.org:3128" })
        local files = contents(made)
        equal(files["/etc/environment"], [[
http_proxy=http://proxy.example.org:3128
HTTP_PROXY=http://proxy.example.org:3128
https_proxy=http://proxy.example.org:3128
HTTPS_PROXY=http://proxy.example.org:3128
no_proxy=localhost,127.0.0.1,::1
NO_PROXY=localhost,127.0.0.1,::1
]])
        assert(files["/etc/systemd/system.conf.d/50-proxy.conf"]:find(
            '^%[Manager%]\nDefaultEnvironment="http_proxy=http'))
    end)

    it("is told to the package managers of others", function()
        local fedora = data(recipes.proxy { http = "http://p:1", family = "fedora" })
        equal(fedora.apt, nil)
        equal(contents(fedora)["/etc/dnf/dnf.conf"], "proxy=http://p:1\n")
        local suse = contents(data(recipes.proxy { http = "http://p:1", except = { ".local" }, family = "suse" }))
        equal(suse["/etc/sysconfig/proxy"],
            'PROXY_ENABLED="yes"\nHTTP_PROXY="http://p:1"\nHTTPS_PROXY="http://p:1"\nNO_PROXY=".local"\n')
    end)

    it("refuses what is no address", function()
        refused(function() recipes.proxy "proxy:3128" end, "is no address")
        refused(function() recipes.proxy 'http://p"; evil' end, "is no address")
        refused(function() recipes.proxy {} end, "it needs http or https")
    end)
end)

describe("recipes.apt_mirror", function()
    it("writes the sources anew, on Debian's family alone", function()
        equal(data(recipes.apt_mirror { primary = "http://m/debian", security = "http://m/sec",
            family = "debian" }).apt, {
            preserve_sources_list = false, primary = { { arches = { "default" }, uri = "http://m/debian" } },
            security = { { arches = { "default" }, uri = "http://m/sec" } },
        })
        local both = { primary = "http://m/debian", security = "http://m/sec" }
        refused(function() data(recipes.apt_mirror(both), "fedora") end, "of the family fedora has no apt")
        refused(function() recipes.apt_mirror {} end, "primary is missing")
        refused(function() recipes.apt_mirror { primary = "http://m/debian" } end, "security is missing")
    end)
end)

local pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

describe("recipes.certificate", function()
    it("trusts authorities, and gives the machine certificates of its own", function()
        local made = data(recipes.certificate {
            trusted = { pem .. "text between\n" .. pem }, family = "debian",
            own = { { name = "web", chain = pem, key = limiq.secret "key", owner = "www-data:www-data" } },
        })
        equal(made.ca_certs, { trusted = { pem, pem } })
        equal(made.write_files[1], { path = "/etc/ssl/limiq/web.crt", permissions = "0644", content = pem })
        local key = made.write_files[2]
        equal({ key.path, key.permissions, key.owner, key.defer, tostring(key.content) },
            { "/etc/ssl/limiq/web.key", "0600", "www-data:www-data", true, "‹secret›" })
    end)

    it("refuses what is none, a key among them, and families that trust by other ways", function()
        refused(function() recipes.certificate {} end, "it has no certificate")
        refused(function() recipes.certificate { trusted = "hello" } end, "trusted[1] has no certificate in it")
        refused(function() recipes.certificate { trusted = pem .. "-----BEGIN PRIVATE KEY-----" } end,
            "private key in it")
        refused(function() recipes.certificate { trusted = pem, family = "arch" } end, "of the family arch")
        refused(function() recipes.certificate { trusted_files = "none.pem" } end, "none.pem")
    end)
end)

describe("recipes.systemd_unit", function()
    it("writes a unit's sections in order, and starts it", function()
        local made = data(recipes.systemd_unit {
            name = "app@1.service",
            sections = {
                Install = { WantedBy = "multi-user.target" }, Service = { ExecStart = "/bin/app",
                    Environment = { "A=1", "B=2" } },
                Unit = { After = "network.target", DefaultDependencies = false },
            },
        })
        equal(contents(made)["/etc/systemd/system/app@1.service"],
            "[Unit]\nAfter=network.target\nDefaultDependencies=no\n\n[Service]\nEnvironment=A=1\nEnvironment=B=2\n"
            .. "ExecStart=/bin/app\n\n[Install]\nWantedBy=multi-user.target\n")
        equal(script(made, "60-app-1-service"),
            "systemctl daemon-reload\nsystemctl enable app@1.service\nsystemctl start app@1.service\n")
    end)

    it("refuses what systemd would not start", function()
        refused(function() recipes.systemd_unit { name = "app", content = "" } end, "no unit's name",
            "such as \"app.service\"")
        refused(function() recipes.systemd_unit { name = "app.service" } end, "either sections or content")
        local function with(service)
            return function()
                data(recipes.systemd_unit {
                    name = "app.service",
                    sections = { Service = service, Install = { WantedBy = "multi-user.target" } },
                })
            end
        end
        refused(with { "ExecStart=/usr/bin/app" }, "sections.Service has a value without a name")
        refused(with { ExecStart = "x", Environment = limiq.secret "A=b" }, "sections.Service.Environment is no text")
        refused(function() recipes.systemd_unit { name = "a.service", content = "[Service]\n" } end, "has no [Install]")
        refused(function() recipes.systemd_unit { name = "a.service", sections = { Service = { A = "x\ny" } } } end,
            "no text of one line")
    end)
end)

describe("recipes.docker", function()
    it("brings ports, a disk of its own and compose stacks", function()
        local part = recipes.docker {
            ports = { 80, { guest = 443, host = 8443 } }, data = "10GiB",
            stacks = { { name = "shop", content = { services = { web = { image = "nginx" } } },
                environment = "A=1\n" } },
        }
        local vm = limiq.connect("test:///default").vm { part, name = "docker-parts", disks = { { size = "2GiB" } } }
        equal({ vm.spec.disks[2].id, vm.spec.disks[2].size_gib }, { "docker", 10 })
        equal({ vm.spec.nics[1].forward[1].guest, vm.spec.nics[1].forward[2].host }, { 80, 8443 })
        local made = vm.spec.cloud_init.user_data
        equal(made.packages, { "docker.io", "apparmor", "docker-compose" })
        equal(made.mounts[1][2], "/var/lib/docker")
        equal(contents(made)["/etc/compose/shop/compose.yaml"], "services:\n  web:\n    image: nginx\n")
        equal(contents(made)["/etc/compose/shop/.env"], "A=1\n")
        assert(script(made, "50-docker"):find(
            "cd /etc/compose/shop && compose --project-name shop --file compose.yaml up --detach\n", 1, true))
        equal(data(recipes.docker { stacks = { { name = "a", content = "x: 1\n" } } }, "rocky-9").packages[4],
            "docker-compose-plugin")
    end)

    it("refuses a stack that is none", function()
        local function stacks(list) return function() recipes.docker { stacks = list } end end
        refused(stacks { { name = "a" } }, "stacks[1] needs either file or content")
        refused(stacks { { name = "A", content = "" } }, "no project's name")
        refused(stacks { { name = "a", content = "" }, { name = "a", content = "" } }, "are both named a")
        refused(stacks { { name = "a", file = "none.yaml" } }, "none.yaml")
        refused(function() recipes.docker { stacks = { { name = "a", content = "" } }, family = "amazon" } end,
            "no compose")
    end)
end)

describe("recipes.podman", function()
    it("has systemd run containers and stacks", function()
        local made = data(recipes.podman {
            run = { { image = "docker.io/library/nginx:1.27", name = "web", args = { "--env", "A=$b 50%",
                "--publish", "80:80" },
                restart = "on-failure" } },
            stacks = { { name = "shop", content = "services: {}\n" } },
        }, "debian-12")
        equal(made.packages, { "podman", "podman-compose" })
        equal(contents(made)["/etc/systemd/system/podman-web.service"], [[
[Unit]
Description=Container web
Wants=network-online.target
After=network-online.target

[Service]
Restart=on-failure
TimeoutStartSec=15min
TimeoutStopSec=70
ExecStartPre=-/usr/bin/podman rm --force --ignore web
ExecStart=/usr/bin/podman run --name web --rm --env "A=$$b 50%%" --publish 80:80 docker.io/library/nginx:1.27
ExecStop=/usr/bin/podman stop --time 60 web

[Install]
WantedBy=multi-user.target
]])
        assert(contents(made)["/etc/systemd/system/compose-shop.service"]:find(
            "ExecStart=/usr/bin/podman-compose --project-name shop --file compose.yaml up --detach\n", 1, true))
        equal(script(made, "50-podman"),
            "systemctl daemon-reload\nsystemctl enable --now podman-web.service compose-shop.service\n")
        equal(data(recipes.podman(), "fedora"), { package_update = true, packages = { "podman" } })
        refused(function() data(recipes.podman(), "alpine") end, "of the family alpine", "recipes.docker")
    end)
end)

describe("recipes.k3s", function()
    local token = limiq.secret "0123456789abcdef"

    it("makes a server, and agents that join it by one token", function()
        local server = recipes.k3s { token = token, disable = { "traefik" }, version = "v1.31.4+k3s1", forward = 6443 }
        equal(server.memory, "2GiB")
        equal(server.nics, { { forward = { { guest = 6443, host = 6443 } } } })
        equal(tostring(contents(server.user_data)["/etc/rancher/k3s/config.yaml"]), "‹secret›")
        equal(script(server.user_data, "50-k3s"), [[
curl --fail --silent --show-error --location --retry 5 --output /run/k3s-install.sh https://get.k3s.io
INSTALL_K3S_VERSION=v1.31.4+k3s1 INSTALL_K3S_EXEC=server sh /run/k3s-install.sh
]])
        local agent = recipes.k3s { role = "agent", server = "controller", token = token, labels = { "disk=ssd" } }
        equal(agent.memory, nil)
        assert(script(agent.user_data, "50-k3s"):find("\nINSTALL_K3S_EXEC=agent sh ", 1, true))
    end)

    it("refuses an agent without a server, and what is a server's", function()
        refused(function() recipes.k3s { role = "agent", token = token } end, "an agent needs its server")
        refused(function() recipes.k3s { role = "agent", server = "a", disable = { "traefik" }, token = token } end,
            "disable is a server's")
        refused(function() recipes.k3s {} end, "token is missing")
        refused(function() recipes.k3s { token = "short" } end, "fewer than 8 characters")
        refused(function() recipes.k3s { token = token, version = "1.31" } end, "no release")
        refused(function() recipes.k3s { token = token, config = { token = "x" } } end, "which an option says too")
    end)
end)

describe("recipes.postgres", function()
    it("makes roles and databases, and lets networks in", function()
        local made = data(recipes.postgres {
            users = { { name = "shop", password = limiq.secret "it's" }, "reader" },
            databases = { { name = "shop", owner = "shop" } }, allow = "10.77.0.0/24",
            settings = { shared_buffers = "256MB" },
        }, "debian-12")
        equal(made.packages, { "postgresql" })
        equal(contents(made)["/etc/limiq-postgres.sql"], [[
SELECT 'CREATE ROLE shop LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'shop') \gexec
\set password `cat /run/postgres-shop`
ALTER ROLE shop PASSWORD :'password';
SELECT 'CREATE ROLE reader LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'reader') \gexec
SELECT 'CREATE DATABASE shop OWNER shop' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'shop') \gexec
ALTER SYSTEM SET shared_buffers = '256MB';
ALTER SYSTEM SET listen_addresses = '*';
]])
        local password = made.write_files[2]
        equal({ password.path, password.owner, password.defer, tostring(password.content) },
            { "/run/postgres-shop", "postgres:postgres", true, "‹secret›" })
        equal(script(made, "50-postgres"), [[
cd /
su postgres -c 'psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 ' </etc/limiq-postgres.sql
rm /run/postgres-shop
hba=$(su postgres -c 'psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 -At -c "SHOW hba_file"')
echo "host all all 10.77.0.0/24 scram-sha-256" >>"$hba"
systemctl restart postgresql
]])
    end)

    it("makes the first files where the package does not", function()
        local fedora = data(recipes.postgres(), "fedora")
        equal(fedora.packages, { "postgresql-server" })
        assert(script(fedora,
            "50-postgres"):find("^postgresql%-setup %-%-initdb\nsystemctl enable %-%-now postgresql\n"))
    end)

    it("refuses names that would be other statements, and a port that nobody may use", function()
        refused(function() recipes.postgres { users = { "a; DROP" } } end, "it is no name")
        refused(function() recipes.postgres { settings = { ["a b"] = 1 } } end, "no setting's name")
        refused(function() recipes.postgres { forward = 5432 } end, "forward needs allow")
        refused(function() recipes.postgres { allow = "10.0.0.1" } end, "it is no network")
    end)
end)

describe("recipes.nfs", function()
    it("exports folders, and mounts them on others", function()
        local server = data(recipes.nfs { exports = { { path = "/srv/a", clients = { "10.0.0.0/8", "web" } } } },
            "debian-12")
        equal(server.packages, { "nfs-kernel-server" })
        equal(contents(server)["/etc/exports.d/limiq.exports"],
            "/srv/a 10.0.0.0/8(rw,sync,no_subtree_check) web(rw,sync,no_subtree_check)\n")
        equal(script(server, "50-nfs"), "mkdir -p /srv/a\nsystemctl enable --now nfs-server\nexportfs -ra\n")
        local client = data(recipes.nfs { mounts = { { server = "files", export = "/srv/a", path = "/mnt/a" } } },
            "fedora")
        equal(client.packages, { "nfs-utils" })
        equal(client.write_files[1], { path = "/etc/fstab", append = true, defer = true,
            content = "files:/srv/a /mnt/a nfs _netdev,nofail 0 0\n" })
        equal(script(client, "50-nfs"), "mkdir -p /mnt/a\nsystemctl daemon-reload\nmount /mnt/a\n")
    end)

    it("refuses lines that would be other exports", function()
        refused(function() recipes.nfs {} end, "it needs exports or mounts")
        refused(function() recipes.nfs { exports = { { path = "/a b", clients = "x" } } } end, "a blank")
        refused(function() recipes.nfs { exports = { { path = "/a", clients = "x(rw)" } } } end, "a sign")
    end)
end)

describe("every recipe", function()
    it("has its line in the page and the editor's file, which are written from it", function()
        local help = require "limiq.help"
        equal(limiq.file.read "../limiq/recipes/library.lua" == help.written "recipes", true)
        equal(limiq.file.read "../../docs/recipes.md" == help.written "page", true)
    end)
end)
