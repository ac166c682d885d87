---@meta limiq.recipes
-- Written by `limiq stubs recipes` from the definitions of the recipes.

---What `require "limiq.recipes"` returns.
---@class limiq.recipes
local recipes = {}

---Joins parts into one: lists append, maps merge; disks, nics, CD-ROMs and shares of one id are one; the larger memory
---wins; two different scalars are an error that names both recipes. What no recipe knows is a part of its own:
---`{ user_data = { locale = "de_CH.UTF-8" } }`.
---
---A part with `check = "warn"` says so of the whole.
---
---A part that must know the VM, such as `static_ip`, is a function of it, and so is the whole: `limiq.vm` calls it.
---
---Example:
---```lua
---recipes.compose { recipes.packages { "htop" }, recipes.timezone "Europe/Zurich" }
---```
---@param list (limiq.Part|limiq.Late)[]
---@return limiq.Part|limiq.Late part for the list part of `limiq.vm`, or its `cloud_init`
function recipes.compose(list) end

---@class limiq.recipes.admin.Options
---@field groups? string[] groups besides its own
---@field hashed_passwd? string|userdata for the console; may be a secret
---@field name string the user's name
---@field shell? string the shell
---@field ssh_authorized_keys? string[] public keys; limiq.ssh_keys() are yours
---@field sudo? string a rule of sudo

---A user who may become root: by ssh key, and on the console by a password where its hash is given. A plain password is
---refused, as everybody who may read the seed could read it.
---
---Example:
---```lua
---recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() }
---```
---@param options limiq.recipes.admin.Options
---@return limiq.Part|limiq.Late
function recipes.admin(options) end

---@class limiq.recipes.apt_mirror.Options
---@field family? "alpine"|"amazon"|"arch"|"coreos"|"debian"|"fedora"|"flatcar"|"freebsd"|"rhel"|"suse" the family of distributions; that of the image the VM starts from where left out
---@field key? string the public key that signs the mirror, in ASCII, where it is not the distribution's
---@field primary string the archive, "http://mirror.example.org/debian"
---@field security string that of security updates: without one, cloud-init takes primary, which has none of Debian's

---Where Debian and Ubuntu have their packages of: the sources that the image comes with are written anew by
---cloud-init. Of other families it is refused.
---
---Example:
---```lua
---recipes.apt_mirror {
---    primary = "http://mirror.example.org/debian", security = "http://mirror.example.org/debian-security",
---}
---```
---@param options limiq.recipes.apt_mirror.Options
---@return limiq.Part|limiq.Late
function recipes.apt_mirror(options) end

---@class limiq.recipes.certificate.Options
---@field family? "alpine"|"amazon"|"arch"|"coreos"|"debian"|"fedora"|"flatcar"|"freebsd"|"rhel"|"suse" the family of distributions; that of the image the VM starts from where left out
---@field only? boolean whether those of the distribution are trusted no more
---@field own? ({ chain: string, key: string|userdata, name: string, owner?: string })[] certificates of the machine
---@field trusted? string|string[] authorities' certificates, in PEM
---@field trusted_files? string|string[] files beside the script that have some

---Authorities that the guest trusts beside those of its distribution, and certificates of its own: the chain is
---`/etc/ssl/limiq/NAME.crt`, its key `NAME.key`, which `owner` alone can read.
---
---Example:
---```lua
---recipes.certificate { trusted_files = { "company-ca.pem" } }
---```
---@param options? limiq.recipes.certificate.Options
---@return limiq.Part|limiq.Late
function recipes.certificate(options) end

---@class limiq.recipes.dhcp.Options
---@field nic? any its position or its id; the first where left out

---A nic that asks a DHCP server for its address: for the others of a VM with a `static_ip`. A VM without any of the two
---needs neither.
---
---Example:
---```lua
---recipes.compose { recipes.dhcp { nic = 1 }, recipes.static_ip { nic = 2, addresses = "192.168.1.10/24" } }
---```
---@param options? limiq.recipes.dhcp.Options
---@return limiq.Part|limiq.Late
function recipes.dhcp(options) end

---@class limiq.recipes.docker.Options
---@field data? string a disk for images and volumes, at /var/lib/docker
---@field family? "alpine"|"amazon"|"arch"|"coreos"|"debian"|"fedora"|"flatcar"|"freebsd"|"rhel"|"suse" the family of distributions; that of the image the VM starts from where left out
---@field ports? (integer|{ guest: integer, host?: integer })[] ports of the guest that are reached from this host: 80, or { guest = 80, host = 8080 }
---@field registry_mirrors? string[] mirrors of Docker's registry
---@field run? (string|{ args?: string[], command?: string[], image: string, name?: string, restart?: string })[] containers that are started once and kept running: an image, or that with options
---@field stacks? ({ content?: any, environment?: string|userdata, file?: string, name: string })[] compose stacks that are brought up once: a file, or what would be in it
---@field users? string[] users who may talk to the engine

---Docker's engine from the distribution's own packages, whatever they are called there, and the containers and compose
---stacks to run on it. CentOS Stream, Rocky, AlmaLinux and Oracle Linux have no engine, and get Docker's. The family is
---that of the image the VM starts from, or `family`.
---
---`users` are put into the group `docker`, and so may become root. What cannot be started makes cloud-init fail, and with
---it `vm:up()`. `ports` are opened on this host, and `data` gives the engine a disk of its own: for the list part of
---`limiq.vm`, or its `cloud_init`.
---
---Example:
---```lua
---recipes.docker {
---    users = { "admin" },
---    run = { "redis:7", { image = "nginx:1.27", args = { "-p", "80:80" }, restart = "always" } },
---}
---```
---@param options? limiq.recipes.docker.Options
---@return limiq.Part|limiq.Late
function recipes.docker(options) end

---@class limiq.recipes.files.Options
---@field files ({ content: string|userdata, owner?: string, path: string, permissions?: string })[] the files

---Files in the guest. A content may be a secret. One with an `owner` other than root is written when users and packages
---are there.
---
---Example:
---```lua
---recipes.files { { path = "/etc/motd", content = "welcome\n" } }
---```
---@param options limiq.recipes.files.Options|({ content: string|userdata, owner?: string, path: string, permissions?: string })[]
---@return limiq.Part|limiq.Late
function recipes.files(options) end

---The guest agent, through which limiq runs commands and reads files, for images that come without it.
---
---Example:
---```lua
---recipes.guest_agent()
---```
---@return limiq.Part|limiq.Late
function recipes.guest_agent() end

---@class limiq.recipes.hosts.Options
---@field names string[] the machines
---@field network table what limiq.network gives

---The names of machines on a network in each other's /etc/hosts: for a private network, which has no DNS, and wherever
---that is not used. Their addresses are known before they are made. cloud-init keeps the file as it is from then on.
---
---Example:
---```lua
---recipes.hosts { network = lab, names = { "controller", "worker-01" } }
---```
---@param options limiq.recipes.hosts.Options
---@return limiq.Part|limiq.Late
function recipes.hosts(options) end

---@class limiq.recipes.k3s.Options
---@field address? string the machine's address in the cluster, where it has several
---@field cluster? boolean whether more servers may join (embedded etcd)
---@field config? table other lines of k3s' configuration file
---@field disable? ("coredns"|"servicelb"|"traefik"|"local-storage"|"metrics-server")[] components that are left out
---@field forward? integer the port of this host that leads to Kubernetes' API
---@field labels? string[] labels of the node, "disk=ssd"
---@field names? string[] names and addresses that the server's certificate has too
---@field role? "server"|"agent" what the machine is
---@field server? string the server's name or address, of agents and further servers
---@field token string|userdata what all know: limiq.secret(…)
---@field version? string the release, "v1.31.4+k3s1"; the stable one where left out

---Kubernetes by k3s: a server, and agents that join it by the same token, from get.k3s.io. An agent waits for its server.
---More servers join the first by `server` too, where that was begun with `cluster = true`. Kubernetes' own configuration
---is `/etc/rancher/k3s/k3s.yaml`, on the server.
---
---Example:
---```lua
---local token = limiq.secret(limiq.file.read "token.txt")
---limiq.vm { recipes.k3s { token = token }, name = "controller", nics = { { network = lab } } }
---limiq.vm { recipes.k3s { role = "agent", server = "controller", token = token }, name = "worker-01",
---    nics = { { network = lab } } }
---```
---@param options limiq.recipes.k3s.Options
---@return limiq.Part|limiq.Late
function recipes.k3s(options) end

---@class limiq.recipes.mounts.Options
---@field mounts { device?: string, disk?: string, filesystem?: string, options?: string, path: string }[] the mounts

---Filesystems that are there at each start of the guest. A disk of the VM is named by its id, and gets a filesystem
---(ext4 unless told) where it is blank; anything else, such as an NFS export, by its device.
---
---Example:
---```lua
---recipes.mounts { { disk = "data", path = "/srv" } }
---```
---@param options limiq.recipes.mounts.Options|{ device?: string, disk?: string, filesystem?: string, options?: string, path: string }[]
---@return limiq.Part|limiq.Late
function recipes.mounts(options) end

---@class limiq.recipes.nfs.Options
---@field exports? ({ clients: string|string[], options?: string, path: string })[] folders that others may mount; they are made
---@field family? "alpine"|"amazon"|"arch"|"coreos"|"debian"|"fedora"|"flatcar"|"freebsd"|"rhel"|"suse" the family of distributions; that of the image the VM starts from where left out
---@field mounts? { export: string, options?: string, path: string, server: string }[] folders of a server

---Folders that machines share by NFS: `exports` of a server, `mounts` of its clients. A client whose server does not
---answer within two minutes makes cloud-init fail; at later starts the mount is tried and not waited for.
---
---Example:
---```lua
---limiq.vm { recipes.nfs { exports = { { path = "/srv/shared", clients = "10.77.0.0/24" } } }, name = "files" }
---limiq.vm {
---    recipes.nfs { mounts = { { server = "files", export = "/srv/shared", path = "/mnt/shared" } } }, name = "web",
---}
---```
---@param options? limiq.recipes.nfs.Options
---@return limiq.Part|limiq.Late
function recipes.nfs(options) end

---@class limiq.recipes.ntp.Options
---@field client? "chrony"|"ntp"|"openntpd"|"ntpdate"|"systemd-timesyncd" the program; the image's own where left out
---@field pools? string|string[] names that stand for many servers
---@field servers? string|string[] servers

---The servers that the guest has its time of. Which program asks them is the image's, or `client`.
---
---Example:
---```lua
---recipes.ntp { "ntp.example.org" }
---```
---@param options? limiq.recipes.ntp.Options|string|string[]
---@return limiq.Part|limiq.Late
function recipes.ntp(options) end

---@class limiq.recipes.packages.Options
---@field names string|string[] their names

---Packages of the distribution.
---
---Example:
---```lua
---recipes.packages { "htop", "tmux" }
---```
---@param options limiq.recipes.packages.Options|string|string[]
---@return limiq.Part|limiq.Late
function recipes.packages(options) end

---@class limiq.recipes.podman.Options
---@field family? "alpine"|"amazon"|"arch"|"coreos"|"debian"|"fedora"|"flatcar"|"freebsd"|"rhel"|"suse" the family of distributions; that of the image the VM starts from where left out
---@field ports? (integer|{ guest: integer, host?: integer })[] ports of the guest that are reached from this host: 80, or { guest = 80, host = 8080 }
---@field run? (string|{ args?: string[], command?: string[], image: string, name?: string, restart?: string })[] containers that are started once and kept running: an image, or that with options
---@field stacks? ({ content?: any, environment?: string|userdata, file?: string, name: string })[] compose stacks that are brought up once: a file, or what would be in it

---Podman from the distribution's packages, and containers of root's that systemd starts and keeps running: each is a unit
---`podman-NAME.service`, a compose stack `compose-NAME.service` (by podman-compose). Names of images are whole:
---`docker.io/library/nginx`. A container that does not stay up is systemd's to start again.
---
---Example:
---```lua
---recipes.podman {
---    run = { { image = "docker.io/library/nginx:1.27", name = "web", args = { "--publish", "80:80" } } },
---    ports = { { guest = 80, host = 8080 } },
---}
---```
---@param options? limiq.recipes.podman.Options
---@return limiq.Part|limiq.Late
function recipes.podman(options) end

---@class limiq.recipes.postgres.Options
---@field allow? string|string[] networks, "10.77.0.0/24"
---@field databases? { name: string, owner?: string }[] databases
---@field family? "alpine"|"amazon"|"arch"|"coreos"|"debian"|"fedora"|"flatcar"|"freebsd"|"rhel"|"suse" the family of distributions; that of the image the VM starts from where left out
---@field forward? integer the port of this host that leads to it
---@field settings? table lines of postgresql.conf, { shared_buffers = "256MB" }
---@field users? (string|{ name: string, password?: string|userdata })[] roles that may log in

---PostgreSQL from the distribution's packages, with users and databases. It listens on the machine itself alone, unless
---`allow` names networks whose machines may come, with a password. Passwords are secrets, and stay in the seed.
---
---Example:
---```lua
---recipes.postgres {
---    users = { { name = "shop", password = limiq.secret(limiq.file.read "password.txt") } },
---    databases = { { name = "shop", owner = "shop" } }, allow = "10.77.0.0/24",
---}
---```
---@param options? limiq.recipes.postgres.Options
---@return limiq.Part|limiq.Late
function recipes.postgres(options) end

---@class limiq.recipes.proxy.Options
---@field except? string[] hosts, domains and networks that are reached without it
---@field family? "alpine"|"amazon"|"arch"|"coreos"|"debian"|"fedora"|"flatcar"|"freebsd"|"rhel"|"suse" the family of distributions; that of the image the VM starts from where left out
---@field http? string for http, "http://proxy.example.org:3128"
---@field https? string for https; that of http where left out

---The proxy through which the guest reaches the web: of logins (`/etc/environment`), of services (systemd's
---`DefaultEnvironment`) and of the package manager. Who may read the guest's files can read its address, a password in it
---too.
---
---Example:
---```lua
---recipes.proxy "http://proxy.example.org:3128"
---```
---@param options? limiq.recipes.proxy.Options|string
---@return limiq.Part|limiq.Late
function recipes.proxy(options) end

---@class limiq.recipes.ssh_hardening.Options
---@field agent_forwarding? boolean whether keys' agents may be
---@field allow_groups? string[] the only groups whose users may
---@field allow_users? string[] the only users who may log in
---@field family? "alpine"|"amazon"|"arch"|"coreos"|"debian"|"fedora"|"flatcar"|"freebsd"|"rhel"|"suse" the family of distributions; that of the image the VM starts from where left out
---@field grace? integer the seconds that a login may take
---@field max_tries? integer how many keys may be tried
---@field root_login? "no"|"prohibit-password"|"forced-commands-only" whether root may log in
---@field tcp_forwarding? boolean whether ports may be forwarded

---An ssh server that takes keys alone, and no root. limiq itself reaches the guest by the users that its cloud-config
---makes. A server too old to read a folder of its configuration (before OpenSSH 8.2) makes cloud-init fail: it would
---still take passwords.
---
---Example:
---```lua
---recipes.ssh_hardening { allow_users = { "admin" } }
---```
---@param options? limiq.recipes.ssh_hardening.Options
---@return limiq.Part|limiq.Late
function recipes.ssh_hardening(options) end

---The guest's ssh host key, made here and not in the guest: so that the first connection is already verified. limiq
---trusts a guest whose cloud-config brings its keys by those keys alone.
---
---The key is made of the VM's name and a secret of the state folder: a script that runs again, and a VM made anew under
---its name, have the same one.
---
---Example:
---```lua
---recipes.compose { recipes.ssh_host_keys(), recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() } }
---```
---@return limiq.Part|limiq.Late
function recipes.ssh_host_keys() end

---@class limiq.recipes.static_ip.Options
---@field addresses string|string[] such as "192.168.1.10/24"
---@field gateway? string|string[] the router, one of IPv4 and one of IPv6 at most
---@field nameservers? string|string[] their addresses
---@field nic? any its position or its id; the first where left out
---@field on_link? boolean whether routers are on the link though no address says so
---@field routes? { metric?: integer, to: string, via: string }[] other routes
---@field search? string|string[] domains that names are looked for in

---A nic with these addresses, routes and nameservers, and no others: neither those of a DHCP server nor those of IPv6
---routers (where cloud-init can refuse these: by netplan and sysconfig). Works with every renderer of cloud-init (netplan,
---networkd, ifupdown, NetworkManager). The other nics of the VM are then not configured by themselves: each wants a
---`static_ip` or a `dhcp`.
---
---A router that is in none of the nic's networks is told with `on_link = true`; an address with a prefix of 32 needs no
---telling.
---
---Example:
---```lua
---recipes.static_ip {
---    addresses = { "192.168.1.10/24" }, gateway = "192.168.1.1",
---    nameservers = { "192.168.1.1" }, search = { "example.org" },
---}
---```
---@param options limiq.recipes.static_ip.Options
---@return limiq.Part|limiq.Late
function recipes.static_ip(options) end

---@class limiq.recipes.swap.Options
---@field path? string the file
---@field size string such as "2GiB"

---A file the guest swaps to. Its disk must have room for it.
---
---Example:
---```lua
---recipes.swap "2GiB"
---```
---@param options limiq.recipes.swap.Options|string
---@return limiq.Part|limiq.Late
function recipes.swap(options) end

---@class limiq.recipes.systemd_unit.Options
---@field content? string the whole file, in the place of sections
---@field enable? boolean whether it is started at each start; it has an [Install]
---@field name string such as "app.service"
---@field sections? table its sections, { Service = { ExecStart = … } }; a list is a key again and again
---@field start? boolean whether it is started now

---A unit of systemd's, which is started when packages and files are there, and at each start of the guest. One that cannot
---be started makes cloud-init fail. A password has no place in a unit: `EnvironmentFile=` names a file that has.
---
---Example:
---```lua
---recipes.systemd_unit {
---    name = "app.service",
---    sections = {
---        Unit = { After = "network-online.target", Wants = "network-online.target" },
---        Service = { ExecStart = "/usr/local/bin/app", Restart = "on-failure" },
---        Install = { WantedBy = "multi-user.target" },
---    },
---}
---```
---@param options limiq.recipes.systemd_unit.Options
---@return limiq.Part|limiq.Late
function recipes.systemd_unit(options) end

---@class limiq.recipes.timezone.Options
---@field name string such as "Europe/Zurich"

---The guest's time zone.
---
---Example:
---```lua
---recipes.timezone "Europe/Zurich"
---```
---@param options limiq.recipes.timezone.Options|string
---@return limiq.Part|limiq.Late
function recipes.timezone(options) end

---@class limiq.recipes.user.Options
---@field gecos? string the full name
---@field groups? string[] groups besides its own
---@field hashed_passwd? string|userdata the hash of a password; may be a secret
---@field homedir? string the home, where it is not in /home
---@field name string the user's name
---@field primary_group? string its own group, where it is not of its name
---@field shell? string the shell; /bin/bash of people where left out, none of a service
---@field ssh_authorized_keys? string[] public keys
---@field sudo? string a rule of sudo, such as "ALL=(ALL) NOPASSWD:ALL"
---@field system? boolean whether it is a service's, without a home
---@field uid? integer the number

---A user: of people, by ssh key, or of a service (`system`). Who may become root is `recipes.admin`, or a rule of sudo
---here. Beside the users of recipes there is none that the image would make by itself.
---
---Example:
---```lua
---recipes.user { name = "deploy", groups = { "www-data" }, ssh_authorized_keys = limiq.ssh_keys() }
---```
---@param options limiq.recipes.user.Options
---@return limiq.Part|limiq.Late
function recipes.user(options) end

---@class limiq.recipes.web.Options
---@field family? "alpine"|"amazon"|"arch"|"coreos"|"debian"|"fedora"|"flatcar"|"freebsd"|"rhel"|"suse" the family of distributions; that of the image the VM starts from where left out
---@field forward? integer the port of this host that leads to it
---@field port? integer where it listens
---@field root string the folder
---@field server_name? string the host's name that it answers to; any where left out

---A web server (nginx) with the files of a folder beside the script, those of its subfolders included. Where they lie,
---and how it is started, is that of the family of the image the VM starts from, or of `family`.
---
---Example:
---```lua
---recipes.web { root = "site/" }
---```
---@param options limiq.recipes.web.Options
---@return limiq.Part|limiq.Late
function recipes.web(options) end

---@class limiq.recipes.windows_unattend.Options
---@field administrator_password string|userdata limiq.secret(…)
---@field computer_name? string the machine's name where left out
---@field edition string such as "windows-server-2022-standard"
---@field first_logon_commands? string[] command lines that are run at the first logon
---@field keyboard? string such as "de-CH" or "0807:00000807"
---@field language? string of Windows itself, "en-US"
---@field locale? string of numbers and dates, "de-CH"
---@field product_key? string five groups of five letters and digits
---@field time_zone? string in Windows' words, "W. Europe Standard Time"
---@field user? string the account of Windows 10 and 11

---A CD-ROM with the answers to all that Windows Setup asks: the disk is partitioned as the VM's firmware wants it, the
---virtio drivers are taken from a CD-ROM of virtio-win, and at the first logon drivers and guest agent are installed.
---Put among the VM's `cdroms` it is made in the VM's folder, and removed with the VM.
---
---The password is that of the Administrator of a server; Windows 10 and 11 get an account `user` (`admin` where left
---out). Whoever may read the answer file can read it, as Windows knows no better form: give it as `limiq.secret`, and
---change it when the guest is up. A server refuses one that is not of three kinds of characters.
---
---Example:
---```lua
---local cdroms = {
---    { id = "setup", iso_path = limiq.image.iso "windows-server-2022", bootable = true },
---    { id = "drivers", iso_path = limiq.image.iso "virtio-win" },
---    recipes.windows_unattend {
---        edition = "windows-server-2022-standard", administrator_password = limiq.secret(limiq.file.read "password.txt"),
---    },
---}
---```
---@param options limiq.recipes.windows_unattend.Options
---@return fun(vm: limiq.VM): limiq.CDROMSpec
function recipes.windows_unattend(options) end

return recipes
