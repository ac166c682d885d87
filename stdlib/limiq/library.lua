---@meta limiq
-- Written by `limiq stubs` from the schema of the primitives and the comments of the library.

---What `require "limiq"` and `limiq.connect` return.
---@class limiq
local limiq = {}

---What a function of the library raises: `tostring(e)` is a line a person can act on.
---@class limiq.Error
---@field code string A stable word to branch on.
---@field message string
---@field hint string? The way out.
---@field resource string? Which VM or file it is about.
---@field where string? `build-web.lua:12`
---@field cause string?
---@field traceback string?

---Something that runs beside the script.
---@class limiq.Task
local Task = {}

---Waits until the task has ended.
---
---Example:
---```lua
---local address = limiq.spawn(build, "web-01"):join()
---```
---@async
---@return any ... What its function returned; its error is raised here, with the task's own traceback.
function Task:join() end

---Cancels the task, for good: the wait it is in raises an error with code `cancelled`, and so does each later call
---that waits or touches the world, whether it was caught or not. A pcall catches the first of these errors, none the
---next, so that no loop goes on. Only clean-up may wait: `<close>` variables and `limiq.shield`. `join` waits for it.
---
---Example:
---```lua
---local task = limiq.spawn(watch, "web-01")
---task:cancel()
---```
function Task:cancel() end

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

---A libvirt domain.
---@class limiq.Domain
---@field name string
---@field uri? string the host's URI, nil for the run's own
local Domain = {}

---What a clone has that its source has not: fields of its spec. Its disks are copies.
---@class limiq.CloneSpec: limiq.VMSpec
---@field name string The clone's name.
---@field up? limiq.UpOptions How it is brought up.

---Makes another machine of this one's disks, as they are, with the same spec: what was installed in it and what it
---holds is in the clone too, and what its cloud-init has done is not done again. Addresses, ports of the host,
---hostname, machine-id and ssh host keys are its own. A guest that runs stands still while its disks are copied,
---its file systems frozen where its agent answers. Where there is a machine of the name already, that is the
---clone, and is started where it is off.
---
---Example:
---```lua
---local copy = limiq.domain.get("web-01"):clone { name = "web-02", memory = "2GiB" }
---print(copy:exec({ "hostname" }).stdout)
---```
---@async
---@param spec limiq.CloneSpec
---@return limiq.VM
function Domain:clone(spec) end

---What a fleet is to be.
---@class limiq.FleetDefinition
---@field name string begins its members' names, and is kept with each as the label `fleet`
---@field count? integer how many: `web-01`, `web-02` …; all of `names` where left out
---@field names? string[] the members' names, in the place of numbers
---@field spec fun(i: integer, name: string): limiq.VMSpec what a member is to be; its name and label are added

---Machines that are alike.
---@class limiq.Fleet
---@field name string
---@field count integer how many there are to be
---@field uri? string the host's URI, nil for the run's own
local Fleet = {}

---How the members come up: some at once, each as `vm:up` does it.
---@class limiq.FleetUpOptions: limiq.UpOptions
---@field limit? integer how many at once; all where left out
---@field stop_on_error? boolean begin no other after the first that fails

---How a fleet becomes larger or smaller.
---@class limiq.ScaleOptions: limiq.FleetUpOptions
---@field drain? fun(vm: limiq.VM) called before a member is removed

---Calls `fn(vm, i)` for each member up to the fleet's count, up to `limit` at once. All are called, whatever fails,
---unless `stop_on_error` is true. The one error then has `errors` and `results` by name.
---
---Example:
---```lua
---local urls = web:each(function(vm) return "http://" .. vm:forward(80) end)
---print(urls["web-01"])
---```
---@async
---@param fn fun(vm: limiq.VM, i: integer): any
---@param options? { limit?: integer, stop_on_error?: boolean }
---@return table<string, any> results the first result of each, by name
function Fleet:each(fn, options) end

---Runs a program in each member.
---
---Example:
---```lua
---for name, result in pairs(web:exec { "uptime" }) do print(name, result.stdout) end
---```
---@async
---@param command string[]|limiq.ExecOptions the words; options of `vm:exec` may stand among them by name
---@param options? { limit?: integer, stop_on_error?: boolean }
---@return table<string, { code: integer, stdout: string, stderr: string }> results by name
function Fleet:exec(command, options) end

---The members that are there, in their order. Those beyond the count, left from earlier runs, come last and know their
---name only: `vm.spec` is nil.
---
---Example:
---```lua
---for _, vm in ipairs(web:members()) do print(vm.name, vm:state()) end
---```
---@async
---@return limiq.VM[]
function Fleet:members() end

---Brings up the members up to the count, up to `limit` at once. One that fails does not stop the others, unless
---`stop_on_error` is true. The other options are those of `vm:up`. Members beyond the count are left, with a warning.
---
---Example:
---```lua
---web:up { limit = 16, wait = "cloud-init", timeout = "10m" }
---```
---@async
---@param options? limiq.FleetUpOptions
---@return table<string, limiq.UpReport> reports what `vm:up` returns, by name
function Fleet:up(options) end

---Makes the fleet so large: removes the members beyond, the newest first, each after `drain(vm)`, and brings up those
---that are missing. Removed are only machines limiq made for this fleet; one whose `drain` fails stays.
---
---Example:
---```lua
---web:scale(2, { drain = function(vm) balancer.drop(vm.name) end })
---```
---@async
---@param count integer
---@param options? limiq.ScaleOptions its `limit` is 1 for removals where left out
function Fleet:scale(count, options) end

---Removes all members, those beyond the count too, and nothing else.
---
---Example:
---```lua
---web:remove()
---```
---@async
function Fleet:remove() end

---Replaces the members that differ from their spec, so that at least `count - max_unavailable` are healthy all the
---time; one that is missing is made. Those that are not healthy come first, as they cost nothing.
---
---All specs are looked at before anything is removed: one that cannot be made is an error, and nothing is replaced.
---
---A member is healthy when it runs and `health(vm)` returns true; it is asked once a second, for `timeout` at most.
---Before a healthy one is removed, `drain(vm)` is called. Where a member does not get healthy no other is begun; the
---error has the names of the `new`, the `old` and the `failed` members.
---
---Example:
---```lua
---web:rolling {
---    max_unavailable = 1,
---    health = function(vm) return vm:exec({ "systemctl", "is-active", "nginx" }).stdout == "active\n" end,
---}
---```
---@async
---@param options? limiq.RollingOptions
---@return string[] replaced the names, in the fleet's order
function Fleet:rolling(options) end

---A host as a placement function sees it.
---@class limiq.Candidate
---@field uri string
---@field hostname string as the host calls itself
---@field cpus integer logical processors
---@field memory_mib integer all it has
---@field free_mib integer what its running machines, and those placed on it in this run, leave; may be negative
---@field domains table<string, { memory_mib: integer, active: boolean }> every domain on it, by name

---How several hosts are used as one.
---@class limiq.HostsOptions
---@field allow_down? boolean go on with the hosts that answer
---@field place? fun(candidates: limiq.Candidate[], spec: limiq.VMSpec): limiq.Candidate where a new machine goes

---Several hosts as one place for machines.
---@class limiq.Hosts
---@field [integer] limiq the hosts that answered, each with every call of the library
---@field down { uri: string, error: limiq.Error }[] those that did not, with `allow_down`
---@field vm fun(spec: limiq.VMSpec): limiq.VM a machine on the host it has its place on, or gets it now
local Hosts = {}

---The host a machine is on, or is put on now. One that is on a host already stays there, also where it is only begun:
---its disks are there. An error names the host where that does not answer.
---
---Example:
---```lua
---local spec = { name = "web-01", memory = "2GiB" }
---local node = hosts:place(spec)
---node.vm(spec):up()
---```
---@async
---@param spec limiq.VMSpec
---@return limiq host the library bound to it
function Hosts:place(spec) end

---A network of machines.
---@class limiq.Network
---@field name string
---@field spec? limiq.NetworkSpec nil for one that limiq did not make
---@field uri? string the host's URI, nil for the run's own
local Network = {}

---What an option takes. Its kind is `"string"`, `"text"` (a string or a secret), `"integer"`, `"number"`, `"boolean"`,
---`"size"` (`"2GiB"`), `"duration"` (`"10m"`), `"path"` (an absolute one), `"table"`, `"function"` or `"any"`.
---@class limiq.Option
---@field type? string|table A kind, or a list of one, `{ "string" }`; by its default where left out.
---@field required? boolean Whether it must be given.
---@field default? any What it is where it is not given.
---@field choices? any[] The only values there are.
---@field match? string A Lua pattern that a text must match.
---@field min? number|string The least number or size; of a list, how many members at least.
---@field max? number|string The largest number or size; of a list, how many members at most.
---@field secret? boolean Whether it is shown nowhere.
---@field single? boolean Whether one value stands for a list of it.
---@field fields? table<string, limiq.Option|string|table> What a table has, each declared as an option.
---@field short? string The field that a value stands for which is no table of fields.
---@field check? fun(value: any): string?, string? What is wrong with a value, and the way out.
---@field doc? string A line about it.

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

---What a recipe is. Its part may hold any of a machine's spec, and the documents of its cloud-init by their own names.
---@class limiq.RecipeDefinition
---@field name string What messages call it.
---@field doc string What it makes, in a line or more.
---@field options? table<string, limiq.Option|string|table> What it takes: `{ port = { default = 80 } }`.
---@field short? string The option that a value stands for which is no table of options.
---@field example? string How it is called.
---@field build fun(options: table): limiq.Part|limiq.Late The part; a function of the machine where it must know that.

---How members are replaced.
---@class limiq.RollingOptions
---@field max_unavailable? integer how many may be away at once; 1 where left out
---@field health? fun(vm: limiq.VM): boolean whether a member that runs serves too
---@field drain? fun(vm: limiq.VM) called before a healthy member is removed
---@field wait? string what a new member is waited for, as in `vm:up`
---@field timeout? string|number the longest silence while it comes up, then for it to get healthy; "10m" where left out
---@field deadline? string|number for it to come up, whatever it does

---A virtual machine. What it does not do itself, its domain does: it has every method of `limiq.Domain` too.
---@class limiq.VM: limiq.Domain
---@field spec limiq.VMSpec nil for one of an earlier run that is known by its name alone
---@field domain limiq.Domain
local VM = {}

---An overlay to make.
---@class limiq.DiskOverlay
---@field path string Where the overlay is made; must be free.
---@field backing_file string The disk below: never changed, and not to be changed by others while the overlay lives.
---@field backing_format? string Its format in QEMU's words; read from the file where left out.
---@field size? string|integer Of the guest's disk; the base's where left out, never less.

---A blank disk to make.
---@class limiq.DiskCreate
---@field path string Where the disk is made; must be free.
---@field size string|integer What the guest sees; the file begins next to empty.
---@field format? "qcow2"|"raw" `qcow2` where left out.

---A NoCloud seed to make.
---@class limiq.CidataCreate
---@field path string Where the ISO is made; an ISO that is there is replaced.
---@field user_data? string|table What the guest is to do; empty where left out.
---@field meta_data? string|table Who the guest is; an instance-id made from the rest where left out.
---@field network_config? string|table How the guest's network is set up.
---@field vendor_data? string|table Defaults below user_data.
---@field check? "error"|"warn" `warn` goes on where an error is found in them; `error` where left out.

---An ISO image to make.
---@class limiq.ISOCreate
---@field path string Where it is made; an ISO that is there is replaced.
---@field label? string The volume's name, 1 to 16 ASCII characters; `CDROM` where left out.
---@field files table<string, string|table> Contents by name, as in `["site/index.html"]`; a table in place of contents is a folder.

---A disk of a VM.
---@class limiq.DiskSpec
---@field id? string Unique in the VM; by position where left out.
---@field path? string A disk that is there, used as it is; without it the disk is made.
---@field size_gib? integer Size in GiB; the backing file's where left out.
---@field size? string Size with a unit, `"20GiB"`, in the place of size_gib.
---@field bus? "virtio"|"scsi"|"sata"|"ide" What suits guest_os where left out.
---@field format? "qcow2"|"raw" Of a disk that is made; qcow2 where left out.
---@field readonly? boolean The guest cannot write.
---@field bootable? boolean The guest boots from it; an only disk needs no mark.
---@field iops_limit? integer I/O operations a second; 0 is no limit.
---@field throughput_mbps? integer Megabytes (10^6) a second; 0 is no limit.
---@field backing_file? string The image the disk becomes an overlay on.
---@field pool_id? string A libvirt storage pool; path then names a volume of it. On another machine a disk without path is made in it.

---What a network is to be.
---@class limiq.NetworkSpec
---@field name string Its name on the host.
---@field cidr string Its IPv4 addresses, `10.77.0.0/24`; the first is the host's own, the network's router and nameserver.
---@field mode? "nat"|"isolated"|"routed"|"private" `nat` (where left out): machines reach the world behind the host's address; `isolated`: each other and the host; `routed`: the world by their own addresses; `private`: each other alone, without root.
---@field ipv6? string Its IPv6 addresses beside them, `fd00:77::/64`.
---@field domain? string The domain of the machines' names: `lab.internal`.
---@field dhcp? false|{ from: string, to: string } The addresses lent to whoever asks; the upper half of the range where left out. False: no DHCP server.
---@field mtu? integer The largest packet in bytes; 1500 where left out.
---@field dns? string[] The nameservers asked for other names; the host's where left out.

---A port of the host that leads to a port of the guest.
---@class limiq.PortForward
---@field host? integer|string The host's port; left out, a free one is chosen and kept for the VM's life. Of a range, a range: `"8000-8010"`.
---@field guest integer|string The guest's port; a range, `"8000-8010"`, is a forward for each of them.
---@field proto? "tcp"|"udp" tcp where left out.
---@field bind? string The address of the host it is opened at, `"0.0.0.0"` for all; 127.0.0.1 where left out.

---A network card of a VM; on user networking where it names neither bridge nor network.
---@class limiq.NICSpec
---@field id? string Unique in the VM; by position where left out.
---@field mac_address? string Made from the VM's name and the position where left out.
---@field bridge? string A bridge of the host.
---@field network? string|limiq.Network|limiq.NetworkSpec A network of the host's by its name, or what `limiq.network` gives.
---@field address? string Its IPv4 address on a network of limiq's; one is chosen where left out, and kept for the machine's life.
---@field model? "virtio"|"e1000"|"rtl8139" virtio where left out.
---@field bandwidth_mbps? integer Megabits (10^6) a second; 0 is no limit.
---@field forward? limiq.PortForward[] Ports of the host that lead into the guest.

---A CD-ROM drive with an ISO image.
---@class limiq.CDROMSpec
---@field id? string Unique in the VM; by position where left out.
---@field iso_path? string An ISO image that is there.
---@field files? table<string, string|table> Contents by name of an ISO image that is made for the VM, and removed with it.
---@field label? string The label of that image; `CDROM` where left out.
---@field bootable? boolean The guest may boot from it.

---A folder of this machine that is in the guest too.
---@class limiq.ShareSpec
---@field id? string Unique in the VM; by position where left out.
---@field host string The folder on this machine.
---@field guest string Where it is in the guest, which mounts it at each start; made where it is not there.
---@field readonly? boolean The guest mounts it so that nothing can be written.

---Screens, on 127.0.0.1.
---@class limiq.ConsoleSpec
---@field vnc_enabled? boolean A VNC server.
---@field vnc_port? integer 5900 or more; a free one where left out.
---@field vnc_password? string At most 8 characters.
---@field spice_enabled? boolean A SPICE server.
---@field spice_port? integer 5900 or more; a free one where left out.

---The files of the seed.
---@class limiq.CloudInitSpec
---@field user_data? string|table What the guest is to do.
---@field meta_data? string|table Who the guest is; made where left out.
---@field network_config? string|table How its network is set up.
---@field vendor_data? string|table Defaults below user_data.
---@field check? "error"|"warn" `warn` makes warnings of the errors that are found in them, and goes on; `error` where left out.

---What a virtual machine is to be.
---@class limiq.VMSpec
---@field name string A host name; the domain's name.
---@field cpu_cores? integer Cores of each socket; 1 where left out.
---@field max_cpu_cores? integer Cores of each socket that the running guest can be given; cpu_cores where left out.
---@field cpu_sockets? integer Sockets; 1 where left out.
---@field cpu_threads_per_core? integer Threads; 1 where left out.
---@field memory_mib? integer Memory in MiB; 1024 where left out.
---@field memory? string Memory with a unit, `"4GiB"`, in the place of memory_mib.
---@field max_memory_mib? integer Memory in MiB that the running guest can be given; memory_mib where left out.
---@field max_memory? string The same with a unit, in the place of max_memory_mib.
---@field firmware? "bios"|"uefi" BIOS where left out.
---@field secure_boot? boolean Signed boot loaders only; where left out, for a Windows guest with UEFI.
---@field tpm? boolean A TPM 2.0; where left out, for a Windows guest.
---@field boot_order? ("disk"|"cdrom"|"network")[] The kinds of devices to boot from; what is marked bootable, disks first, where left out.
---@field protect? boolean Neither removed nor made anew, by whatever way, until it is taken out of the spec and that is brought up.
---@field ttl? string|integer How long it is wanted, `"2h"`, from when it was made or got this: `limiq gc` removes it after.
---@field autostart? boolean Start it with its host: by libvirt's system daemon, else by a unit of systemd that limiq writes.
---@field warm? string What `limiq.warm` gives: the machine is made as that one going on, and what is left out is as it is there.
---@field ignition? string|table What Ignition in the guest is to read (Fedora CoreOS, Flatcar): JSON, or a table.
---@field guest_os? string The guest's system; a name that begins with `win` gets SATA and a TPM.
---@field disks? limiq.DiskSpec[] The disks.
---@field nics? limiq.NICSpec[] The network cards. Left out, there is one, with a way in by ssh; `{}`: none.
---@field cdroms? (limiq.CDROMSpec|fun(vm: limiq.VM): limiq.CDROMSpec)[] The CD-ROM drives and what is in them.
---@field shares? limiq.ShareSpec[] Folders of this machine that are in the guest. cloud-init mounts them.
---@field console? limiq.ConsoleSpec Screens a person can look at.
---@field cloud_init? limiq.CloudInitSpec|fun(vm: limiq.VM): limiq.CloudInitSpec What cloud-init in the guest is to read.
---@field labels? table<string, string> Kept with the domain.

---How to go about it.
---@class limiq.UpOptions
---@field start? boolean Start it; true where left out.
---@field wait? "running"|"stopped"|"address"|"agent"|"ssh"|"cloud-init" What for; cloud-init where there is a seed, else running.
---@field timeout? string|number The longest silence; 10 minutes where left out. It starts anew while the guest gets on: a line on its console that is new, its agent, its disks or processors at work.
---@field deadline? string|number The end of the whole, whatever the guest does; none where left out.
---@field keep? boolean Leave a new VM for a look when it fails.
---@field restart? boolean Start the guest anew where a change takes effect only then; one that is saved loses its memory for it.
---@field replace? boolean Make the VM anew where it cannot become what its spec says otherwise: its disks are thrown away.
---@field accept_base? boolean Take an image that a disk stands on and that is not what it was for the same: it was copied or touched.
---@field acceleration? "kvm"|"emulation" `kvm` or `emulation`; what works where left out.

---What `up` has done.
---@class limiq.UpReport
---@field changed boolean Something was done.
---@field changes limiq.Change[] What was done to a VM that was there.
---@field pending limiq.Change[] What the guest gets at its next start only, or as another instance.
---@field phases { name: string, seconds: number }[] What took time, in order.
---@field addresses string[] The guest's own, where it was waited for.
---@field forwards limiq.PortForward[] The ports of the host that lead to the guest.
---@field warnings string[] What a person should know.

---A field in which a VM differs from its spec. `kind` is what it takes: `live` (done at once), `restart` (when the guest starts anew), `instance` (when the seed names another instance-id, as cloud-init runs once for each), `replace` (when the VM is made anew), `make` (the VM is not there). `cause` is `script`, `drift` (changed by hand) or `pending` (taken already, and not by the running guest).
---@class limiq.Change
---@field path string As in a script: `disks[1].size_gib`.
---@field current? string What the VM has.
---@field wanted? string What the spec says.
---@field lines? string[] The lines in which a document differs, in a plan.
---@field kind "live"|"restart"|"instance"|"replace"|"make" What it takes.
---@field cause "script"|"drift"|"pending" Where it comes from.
---@field reason? string Why a running guest does not take it.

---How long.
---@class limiq.DownOptions
---@field timeout? string|number Until it is ended at once; 60 s where left out.

---Which addresses.
---@class limiq.AddressOptions
---@field all? boolean A list of all, IPv4 first.

---A network that is there.
---@class limiq.NetworkEntry
---@field name string Its name.
---@field active boolean Whether it runs; a private one needs not.
---@field ranges string[] Its addresses: `10.77.0.0/24`.
---@field spec? limiq.NetworkSpec What limiq made it as; nil for somebody else's.
---@field members limiq.NetworkMember[] The machines with addresses on it.
---@field users string[] The domains on it.

---A machine on a network.
---@class limiq.NetworkMember
---@field name string Its name in the network's DNS.
---@field address string Its IPv4 address.
---@field address6? string Its IPv6 address.
---@field mac_address? string The nic that the DHCP server keeps it for.

---Which networks.
---@class limiq.NetworkFilter
---@field uri? string Their host; the run's own where left out.

---Where.
---@class limiq.DomainDefineOptions
---@field uri? string The hypervisor; the run's own where left out.

---Which domains.
---@class limiq.DomainFilter
---@field state? string Only those in this state: `running`, `shut off`, `saved`, `paused`.
---@field prefix? string Only those whose name begins so.
---@field ours? boolean Only those limiq made.
---@field labels? table<string, string> Only those limiq made with all these labels.
---@field uri? string The hypervisor; the run's own where left out.

---How long.
---@class limiq.TimeoutOptions
---@field timeout? string|number The longest wait; 10 minutes where left out.

---What goes with it.
---@class limiq.UndefineOptions
---@field files? boolean The disks, the seed and the folder limiq made as well.

---Which description.
---@class limiq.XMLOptions
---@field inactive? boolean What the next start takes, not what runs.

---How long to wait.
---@class limiq.WaitOptions
---@field timeout? string|number The longest silence; 10 minutes where left out. It starts anew while the guest gets on: a line on its console that is new, its agent, its disks or processors at work.
---@field deadline? string|number The end of the whole, whatever the guest does; none where left out.

---A drive to add.
---@class limiq.NewCDROM
---@field id string Unique in the VM.
---@field iso_path string The ISO image in it.

---How hard.
---@class limiq.TrayOptions
---@field force? boolean Even where the guest has locked the tray.

---A state to keep.
---@class limiq.NewSnapshot
---@field name string Letters, digits, `-`, `_` and `.`.
---@field memory? boolean With the memory of a guest that runs; so it is where left out. `false` keeps the disks alone, the guest's file systems frozen for that moment where its agent answers.

---How the file is read.
---@class limiq.ReadFileOptions
---@field user? string By ssh as this user; by the agent where left out.

---How the file is written.
---@class limiq.WriteFileOptions
---@field mode? string Its permissions in octal digits, `"0600"`. Left out, a new file gets 0644, and one that is there keeps its own.
---@field user? string By ssh as this user; by the agent where left out.

---How much.
---@class limiq.ConsoleOptions
---@field tail? integer The last lines; 50 where left out.

---How the program runs.
---@class limiq.ExecOptions
---@field timeout? string|number The longest it may take; 60 s where left out.
---@field stdin? string What it reads.
---@field check? boolean A code other than 0 is an error; true where left out.
---@field user? string By ssh as this user; by the agent, as root, where left out.
---@field env? table<string, string> Variables of its environment. Who lists processes sees them: what is secret goes into stdin.
---@field cwd? string The folder it runs in.
---@field on_output? fun(line: string) Called with each line it writes, on either stream, as it comes; the answer has all of them too.

---How files are copied.
---@class limiq.CopyOptions
---@field delete? boolean Remove from the folder what its source does not have; by ssh, with rsync at both ends.
---@field exclude? string[] Patterns of names that are left out: `{ "*.tmp" }`.
---@field user? string By ssh as this user; the one of the cloud-config where left out.

---As whom.
---@class limiq.SSHCommandOptions
---@field user? string The guest's user; the one of the cloud-config where left out.

---How a folder is kept in step.
---@class limiq.SyncOptions
---@field watch? boolean Go on after each change here, until the call is cancelled; a guest that restarts is waited for.
---@field delete? boolean Remove from the guest's folder what is not in the one here.
---@field exclude? string[] Patterns of what is left out, and left alone in the guest: a name (`*.log`), the end of a path (`a/b`), a path from the top (`/build`); `node_modules/` is a folder only, `**` any path.
---@field user? string By ssh as this user; the one of the cloud-config where left out.

---What the catalogue says of an image.
---@class limiq.CatalogueImage
---@field name string Its name.
---@field aliases string[] Other names for it.
---@field family string debian, fedora, rhel, amazon, suse, alpine, arch, freebsd, coreos, flatcar.
---@field user string Who may log in where the seed makes nobody.
---@field architecture string The guest's, as QEMU names it.
---@field seed "cloud-init"|"ignition" What configures the guest at its first start.
---@field cloud_init? string Its release of cloud-init: `22.4.2`, or `newest`.
---@field end_of_life? string The last day of its publisher's updates: `2028-06-30`.
---@field url? string Its address; its list has it where it is left out.
---@field checksums string The address of the publisher's list of checksums.

---Arguments of `limiq.image.add`.
---@class limiq.image.add
---@field name string Its name in the library.
---@field path? string The file to copy. Either this or `url`.
---@field url? string The address to download it from.
---@field checksum? string The SHA-256 or SHA-512, in hexadecimal digits, of the file as it is or of what it unpacks to. With it an interrupted download is continued.
---@field checksums? string The address or the path of a list in which its checksum stands, as sha256sum(1) writes it.
---@field format? "qcow2"|"raw" What it is; told by the file where left out. A raw disk on which nothing shows that it is one is taken only where `raw` is said, here or by a name that ends in `.raw`.

---
---@class limiq.BakeBegin
---@field vm limiq.VM The machine that is baked.
---@field from string The image it is made from, as the script names it.
---@field run? string What the script does in the guest.
---@field inputs? any What else goes into it.
---@field compress? boolean Whether it is compressed.
---@field warm? boolean Whether its memory is kept too.

---How a file is written.
---@class limiq.file.WriteOptions
---@field mode? string Its permissions in octal digits, `"0644"`; `"0600"` where left out.

---How a program of this machine is run.
---@class limiq.host.RunOptions
---@field stdin? string What it reads.
---@field timeout? string|number When to end it.
---@field check? boolean Raise an error for a code that is not 0; true unless told.
---@field cwd? string The folder it runs in; the script's unless told.
---@field env? table<string, string> Added to the environment.

---What is encoded.
---@class limiq.Base64Options
---@field encoding? "utf-16le" Of a text before: `utf-16le`, as Windows wants it; as it is where left out.

---How JSON is laid out.
---@class limiq.JSONOptions
---@field pretty? boolean On several lines, indented.

limiq.disk = {}

---Makes a qcow2 overlay on a disk and returns its path. The base and all below it are looked at first: what is missing, damaged, open for writing or no local file is an error.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.disk.create { path = "base.qcow2", size = "1GiB" }
---local disk = limiq.disk.overlay { path = "web.qcow2", backing_file = "base.qcow2", size = "20GiB" }
---```
---@async
---@param options limiq.DiskOverlay
---@return string
function limiq.disk.overlay(options) end

---Makes a blank disk and returns its path.
---
---Example:
---```lua
---local limiq = require "limiq"
---local disk = limiq.disk.create { path = "data.qcow2", size = "50GiB" }
---```
---@async
---@param options limiq.DiskCreate
---@return string
function limiq.disk.create(options) end

---Tells a disk's format, the size the guest sees and the size the file takes (both in bytes), and the same of every disk below it in `chain`, the disk itself first. A missing member is an error that names it.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.disk.create { path = "data.qcow2", size = "50GiB" }
---local info = limiq.disk.info "data.qcow2"
---print(info.format, info.virtual_size)
---```
---@async
---@param path string The disk's file.
---@return { path: string, format: string, virtual_size: integer, allocated_size: integer, backing_file: string?, backing_format: string?, chain: table[] }
function limiq.disk.info(path) end

---Makes a disk larger. The guest must be off; cloud-init grows the root filesystem at its next start. The size it has already changes nothing. One that an overlay stands on is an error and stays as it is.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.disk.create { path = "data.qcow2", size = "50GiB" }
---limiq.disk.resize("data.qcow2", "80GiB")
---```
---@async
---@param path string The disk's file.
---@param size string|integer The new size; never less than the present one.
function limiq.disk.resize(path, size) end

---Removes a disk's file. One that is in use, that an overlay stands on, or that is no disk image, is an error and stays.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.disk.create { path = "data.qcow2", size = "50GiB" }
---limiq.disk.remove "data.qcow2"
---```
---@async
---@param path string The disk's file.
function limiq.disk.remove(path) end

limiq.cidata = {}

---Makes the ISO image cloud-init's NoCloud datasource looks for, and returns its path. The same arguments make the same bytes. What a guest would not understand in them is an error; `network` in `user_data` goes into `network_config`.
---
---Example:
---```lua
---local limiq = require "limiq"
---local seed = limiq.cidata.create {
---  path = "seed.iso",
---  user_data = "#cloud-config\nhostname: web-01\n",
---}
---```
---@async
---@param options limiq.CidataCreate
---@return string
function limiq.cidata.create(options) end

limiq.iso = {}

---Makes an ISO 9660 image with Rock Ridge and Joliet names and returns its path. The same arguments make the same bytes; a file that begins with `#!` is executable.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.iso.create {
---  path = "tools.iso", label = "TOOLS",
---  files = { ["README.txt"] = "hello\n", scripts = { ["setup.sh"] = "#!/bin/sh\necho hi\n" } },
---}
---```
---@async
---@param options limiq.ISOCreate
---@return string
function limiq.iso.create(options) end

---Lists all of an ISO image, each folder before what it holds: by Rock Ridge names where there are some, else Joliet's, else ISO 9660's own. Sizes are in bytes.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.iso.create { path = "tools.iso", files = { ["README.txt"] = "hello\n" } }
---for _, entry in ipairs(limiq.iso.list "tools.iso") do print(entry.name, entry.size) end
---```
---@async
---@param path string The image.
---@return { name: string, kind: "file"|"folder"|"link"|"other", size: integer }[]
function limiq.iso.list(path) end

---Reads a file of an ISO image.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.iso.create { path = "tools.iso", files = { ["README.txt"] = "hello\n" } }
---print(limiq.iso.read("tools.iso", "README.txt"))
---```
---@async
---@param path string The image.
---@param name string The file's name as `limiq.iso.list` gives it.
---@return string
function limiq.iso.read(path, name) end

---Whether the VM could be made as its spec says, as far as can be told beforehand: its images, its cloud-init, its ports. An error where it could not; else what a guest would pass over. Nothing is made, and a VM of this name that is there stays as it is.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.vm { name = "web-01", disks = { { size = "1GiB" } } }:preflight()
---```
---@async
---@return string[]
function VM:preflight() end

---Brings the VM to what its spec says: makes what is missing, changes what differs, starts it, waits for it; does nothing where all is so already. What a running guest takes only at its next start is in the report's `pending`, unless `restart` is true. A new VM that fails is removed again; one that runs and is only not ready in time is left, and the next `up` goes on waiting.
---
---Example:
---```lua
---local limiq = require "limiq"
---local vm = limiq.vm { name = "web-01", disks = { { size = "1GiB" } } }
---vm:up { wait = "running" }
---```
---@async
---@param options? limiq.UpOptions How to go about it.
---@return limiq.UpReport
function VM:up(options) end

---The fields in which the VM differs from its spec, and what `up` would have to do: `kind` is `live` (done at once), `restart` (when the guest starts anew), `instance` (when the seed names another instance-id) or `replace` (when the VM is made anew); `cause` is `script`, `drift` (changed by hand) or `pending` (taken already, and not by the running guest). One entry with the path `name` and the kind `make` where the VM is not there.
---
---Example:
---```lua
---local limiq = require "limiq"
---local vm = limiq.vm { name = "web-01", memory = "1GiB" }
---for _, field in ipairs(vm:diff()) do print(field.path, field.current, field.wanted) end
---```
---@async
---@return limiq.Change[]
function VM:diff() end

---Asks the guest to shut down, and ends it after the timeout. Returns whether it was on.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.vm { name = "web-01" }:down { timeout = "30s" }
---```
---@async
---@param options? limiq.DownOptions How long.
---@return boolean
function VM:down(options) end

---Removes the VM and all that limiq made for it: domain, overlays, seed, NVRAM, TPM state, folder. Nothing else. Returns whether there was anything.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.vm { name = "web-01" }:remove()
---```
---@async
---@return boolean
function VM:remove() end

---Where a port of the guest is reached from this machine: `127.0.0.1:8080`. An error where it is not forwarded.
---
---Example:
---```lua
---local limiq = require "limiq"
---local vm = limiq.vm { name = "web-01", nics = { { forward = { { host = 8080, guest = 80 } } } } }
---vm:up { wait = "running" }
---print(vm:forward(80))
---```
---@async
---@param port integer The guest's port.
---@param proto? "tcp"|"udp" tcp where left out.
---@return string
function VM:forward(port, proto) end

---The MAC address of a nic: its spec's, else the one made from the VM's name and the nic's position.
---
---Example:
---```lua
---local limiq = require "limiq"
---print(limiq.vm { name = "web-01", nics = { {} } }:mac_address(1))
---```
---@param nic? integer The nic's position; 1 where left out.
---@return string
function VM:mac_address(nic) end

---The serial number by which the guest knows a disk: `/dev/disk/by-id/virtio-SERIAL`. It is the disk's id, of which a guest sees 20 characters; two that begin with the same 20 have different ones all the same.
---
---Example:
---```lua
---local limiq = require "limiq"
---print(limiq.vm { name = "web-01", disks = { { id = "data", size = "1GiB" } } }:disk_serial "data")
---```
---@param disk string The disk's id.
---@return string
function VM:disk_serial(disk) end

---The guest's own address. On a network of limiq's it is known before the VM exists; else it is had from the network's leases, its agent or the host's ARP table. On user networking it is known inside the guest only, and ports are reached by their forwards.
---
---Example:
---```lua
---local limiq = require "limiq"
---local lab = limiq.network { name = "lab", cidr = "10.77.0.0/24" }
---print(limiq.vm { name = "web-01", nics = { { network = lab } } }:address())
---```
---@async
---@param options? limiq.AddressOptions Which addresses.
---@return string|string[]
function VM:address(options) end

---A network of machines. Nothing is made before the first `up` of a machine on it, or its own. Each machine on it has one address for life, given or chosen, and a name in its DNS.
---
---Example:
---```lua
---local limiq = require "limiq"
---local lab = limiq.network { name = "lab", cidr = "10.77.0.0/24", domain = "lab.internal" }
---local db = limiq.vm { name = "db", nics = { { network = lab, address = "10.77.0.10" } } }
---print(db:address())
---```
---@class limiq.network
---@overload async fun(spec: limiq.NetworkSpec, uri?: string): limiq.Network
limiq.network = {}

---Brings the network to what its spec says: makes and starts what is missing, changes what differs. Returns whether something was done. One that guests run on is not changed.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.network({ name = "lab", cidr = "10.77.0.0/24" }):up()
---```
---@async
---@return boolean
function Network:up() end

---Removes the network. Returns whether there was one. While a machine is on it, and where limiq did not make it, it is an error.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.network.get("lab"):remove()
---```
---@async
---@return boolean
function Network:remove() end

---The IPv4 address that a machine has on the network, or will have: one that is not described yet is given one. It stays the machine's for life.
---
---Example:
---```lua
---local limiq = require "limiq"
---local lab = limiq.network { name = "lab", cidr = "10.77.0.0/24" }
---print(lab:address("web-01"))
---```
---@async
---@param machine string The machine's name.
---@return string
function Network:address(machine) end

---A network that is there, whoever made it. `spec` is nil for one that limiq did not make.
---
---Example:
---```lua
---local limiq = require "limiq"
---print(limiq.network.get("lab").spec.cidr)
---```
---@async
---@param name string Its name.
---@param uri? string Its host; the run's own where left out.
---@return limiq.Network
function limiq.network.get(name, uri) end

---The networks of the host, by name, those of others too.
---
---Example:
---```lua
---local limiq = require "limiq"
---for _, network in ipairs(limiq.network.list()) do print(network.name, network.active) end
---```
---@async
---@param options? limiq.NetworkFilter
---@return limiq.NetworkEntry[]
function limiq.network.list(options) end

limiq.domain = {}

---Makes a domain, with the disks and the seed its spec asks for, and leaves it off. Does nothing where it is there already as the spec says.
---
---Example:
---```lua
---local limiq = require "limiq"
---local domain = limiq.domain.define { name = "web-01", memory = "512MiB" }
---```
---@async
---@param spec limiq.VMSpec What it is to be.
---@param options? limiq.DomainDefineOptions Where.
---@return limiq.Domain
function limiq.domain.define(spec, options) end

---Finds a domain by its name, made by limiq or not. An error where there is none.
---
---Example:
---```lua
---local limiq = require "limiq"
---print(limiq.domain.get("web-01"):state())
---```
---@async
---@param name string Its name.
---@param uri? string The hypervisor; the run's own where left out.
---@return limiq.Domain
function limiq.domain.get(name, uri) end

---The domains of the hypervisor by name, each with its state and UUID.
---
---Example:
---```lua
---local limiq = require "limiq"
---for _, domain in ipairs(limiq.domain.list { state = "running" }) do print(domain.name) end
---```
---@async
---@param options? limiq.DomainFilter
---@return limiq.Domain[]
function limiq.domain.list(options) end

---Starts a domain that is off.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):start()
---```
---@async
function Domain:start() end

---Asks the guest to shut down and waits until it is off. An error where it is still on after the timeout.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):shutdown { timeout = "1m" }
---```
---@async
---@param options? limiq.TimeoutOptions How long to wait.
function Domain:shutdown(options) end

---Asks the guest to boot again and waits until it begins to, so that a wait that follows is for the new boot. An error where it has not after the timeout.
---
---Example:
---```lua
---local limiq = require "limiq"
---local domain = limiq.domain.get "web-01"
---domain:reboot { timeout = "1m" }
---domain:wait "ssh"
---```
---@async
---@param options? limiq.TimeoutOptions How long to wait.
function Domain:reboot(options) end

---Boots the guest again at once, as by its reset button.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):reset()
---```
---@async
function Domain:reset() end

---Ends a domain at once, as by pulling its plug. Nothing where it is off.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):destroy()
---```
---@async
function Domain:destroy() end

---Stops the guest's processors.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):suspend()
---```
---@async
function Domain:suspend() end

---Lets a suspended guest run on.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):resume()
---```
---@async
function Domain:resume() end

---Keeps the guest's memory on disk and ends it: its next start goes on from there, also after the host was started anew. Nothing where it is saved already.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):save()
---```
---@async
function Domain:save() end

---Removes a domain's definition with its NVRAM and TPM state. A guest that runs runs on without one.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):undefine { files = true }
---```
---@async
---@param options? limiq.UndefineOptions What goes with it.
function Domain:undefine(options) end

---The domain's state in the words of `virsh domstate`: `running`, `shut off`, `paused`, `crashed`; and `saved` for one that is off with its guest's memory kept, from which its next start goes on.
---
---Example:
---```lua
---local limiq = require "limiq"
---print(limiq.domain.get("web-01"):state())
---```
---@async
---@return string
function Domain:state() end

---libvirt's description of the domain.
---
---Example:
---```lua
---local limiq = require "limiq"
---print(limiq.domain.get("web-01"):xml())
---```
---@async
---@param options? limiq.XMLOptions Which description.
---@return string
function Domain:xml(options) end

---Waits for the guest. `cloud-init` ends well when cloud-init has, with the boot or the end that `power_state` asks for; it is an error that names the module where something failed, and one where cloud-init is disabled or not there. A guest that stops, panics or finds nothing to boot ends every wait at once.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):wait("cloud-init", { timeout = "10m" })
---```
---@async
---@param what "running"|"stopped"|"address"|"agent"|"ssh"|"cloud-init" What to wait for.
---@param options? limiq.WaitOptions How long to wait.
function Domain:wait(what, options) end

---Adds a CD-ROM drive, to the running guest and to its next start.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):attach_cdrom { id = "tools", iso_path = "tools.iso" }
---```
---@async
---@param cdrom limiq.NewCDROM The drive.
function Domain:attach_cdrom(cdrom) end

---Puts an ISO image into a drive, in the place of what is in it; it is there after a restart as well.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):insert_media("tools", "tools-2.iso")
---```
---@async
---@param id string The drive's id, or its name such as `sda`.
---@param iso_path string The ISO image.
---@param options? limiq.TrayOptions How hard.
function Domain:insert_media(id, iso_path, options) end

---Takes out what is in a drive. An error where the guest has locked the tray, unless force = true.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):eject_media("tools")
---```
---@async
---@param id string The drive's id, or its name such as `sda`.
---@param options? limiq.TrayOptions How hard.
function Domain:eject_media(id, options) end

---Removes a CD-ROM drive, from the running guest and from its next start.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):detach_cdrom("tools")
---```
---@async
---@param id string The drive's id, or its name such as `sda`.
function Domain:detach_cdrom(id) end

---Keeps the state of now, in the domain's own qcow2 disks, to go back to. The variables of UEFI firmware are kept with the memory of a guest that runs, and else stay what they are.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):snapshot { name = "before-upgrade" }
---```
---@async
---@param snapshot limiq.NewSnapshot The state.
function Domain:snapshot(snapshot) end

---The snapshots, the oldest first; `created` is in seconds since 1970, as `os.time()` is.
---
---Example:
---```lua
---local limiq = require "limiq"
---for _, snapshot in ipairs(limiq.domain.get("web-01"):snapshots()) do print(snapshot.name) end
---```
---@async
---@return { name: string, created: integer, memory: boolean }[]
function Domain:snapshots() end

---Makes the domain what it was; all that came after is lost. A guest that runs goes on where it was, or boots, where its memory was not kept.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):revert "before-upgrade"
---```
---@async
---@param name string The snapshot.
function Domain:revert(name) end

---Forgets a snapshot, and gives its space back to the disks.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):delete_snapshot "before-upgrade"
---```
---@async
---@param name string The snapshot.
function Domain:delete_snapshot(name) end

---The bytes of a file of the guest.
---
---Example:
---```lua
---local limiq = require "limiq"
---print(limiq.domain.get("web-01"):read_file("/etc/hostname"))
---```
---@async
---@param path string The guest's file.
---@param options? limiq.ReadFileOptions How it is read.
---@return string
function Domain:read_file(path, options) end

---Writes a file of the guest, in the place of one that is there.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):write_file("/etc/motd", "hello\n", { mode = "0644" })
---```
---@async
---@param path string The guest's file.
---@param bytes string What it is to hold.
---@param options? limiq.WriteFileOptions How it is written.
function Domain:write_file(path, bytes, options) end

---The guest's own address: from the network's leases, its agent or the host's ARP table. On user networking it is known inside the guest only, and ports are reached by their forwards.
---
---Example:
---```lua
---local limiq = require "limiq"
---print(limiq.domain.get("web-01"):address())
---```
---@async
---@param options? limiq.AddressOptions Which addresses.
---@return string|string[]
function Domain:address(options) end

---The last lines of the guest's serial console since its start, as plain text.
---
---Example:
---```lua
---local limiq = require "limiq"
---print(limiq.domain.get("web-01"):console { tail = 10 })
---```
---@async
---@param options? limiq.ConsoleOptions How much.
---@return string
function Domain:console(options) end

---Writes what the guest's screen shows as a PNG and returns its path.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):screenshot("web-01.png")
---```
---@async
---@param path string The PNG to write.
---@return string
function Domain:screenshot(path) end

---Presses keys one after the other, as if somebody sat at the guest's keyboard.
---
---Example:
---```lua
---local limiq = require "limiq"
----- "Press any key to boot from CD or DVD"
---limiq.domain.get("windows-01"):send_keys { "ret" }
---```
---@async
---@param keys string[] Keys by QEMU's names (`a`, `ret`, `spc`, `f12`); those held together are joined: `ctrl-alt-delete`.
function Domain:send_keys(keys) end

---Runs a program in the guest, through its agent, else by ssh, and waits for its end.
---
---Example:
---```lua
---local limiq = require "limiq"
---local vm = limiq.domain.get("web-01")
---print(vm:exec { "uname", "-r" }.stdout)
---vm:exec { "apt-get", "-y", "upgrade", env = { DEBIAN_FRONTEND = "noninteractive" },
---          timeout = "10m", on_output = print }
---```
---@async
---@param command string[]|limiq.ExecOptions The program and its arguments; options may stand among them by name.
---@param options? limiq.ExecOptions How it runs.
---@return { code: integer, stdout: string, stderr: string }
function Domain:exec(command, options) end

---Copies a file or a folder of this machine into the guest. The rules are cp(1)'s: into a folder that is there, under the source's name, else to that name itself; `site/.` is what is in the folder, so that the same call again changes nothing. Modes and times are kept, links stay links. By ssh, with rsync where both ends have it; by the agent, as root, where no ssh server is reached.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):copy_in("site/.", "/srv/www", { exclude = { "*.tmp" } })
---```
---@async
---@param from string A file or folder of this machine.
---@param to string The guest's path.
---@param options? limiq.CopyOptions How they are copied.
function Domain:copy_in(from, to, options) end

---Copies a file or a folder of the guest to this machine. The rules are cp(1)'s: into a folder that is there, under the source's name, else to that name itself; `site/.` is what is in the folder, so that the same call again changes nothing. Modes and times are kept, links stay links. By ssh, with rsync where both ends have it; by the agent, as root, where no ssh server is reached.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):copy_out("/var/log/nginx/.", "logs")
---```
---@async
---@param from string A file or folder of the guest.
---@param to string This machine's path.
---@param options? limiq.CopyOptions How they are copied.
function Domain:copy_out(from, to, options) end

---The words that run ssh into the guest, with its port, keys and host keys; a command for it may follow.
---
---Example:
---```lua
---local limiq = require "limiq"
---local words = limiq.domain.get("web-01"):ssh_command()
---words[#words + 1] = "uptime"
---print(limiq.host.run(words).stdout)
---```
---@async
---@param options? limiq.SSHCommandOptions As whom.
---@return string[]
function Domain:ssh_command(options) end

---Makes a folder of the guest the same as one of this machine, and says how many files were sent and removed. What is the same in time, size and mode is not sent again; a file is replaced when it has arrived whole. By ssh, with rsync where both ends have it; by the agent, as root, where no ssh server is reached. With `watch` it goes on, in a task of its own where there is more to do: `task:cancel()` ends it, and so do `limiq.timeout` and Ctrl-C.
---
---Example:
---```lua
---local limiq = require "limiq"
---local vm = limiq.domain.get("web-01")
---print(vm:sync("site", "/srv/www", { delete = true, exclude = { "node_modules", "*.log" } }).sent)
---local watching = limiq.spawn(function() vm:sync("site", "/srv/www", { watch = true }) end)
---limiq.sleep "10m"
---watching:cancel()
---```
---@async
---@param from string A folder of this machine.
---@param to string The guest's, from `/` on; made where it is not there.
---@param options? limiq.SyncOptions How it is kept in step.
---@return { sent: integer, removed: integer }
function Domain:sync(from, to, options) end

---The absolute path of a local image: of a file in `cloud-images/`, else what its publisher offers, downloaded and checked, else, where the publisher cannot be reached, built here. Scripts write `limiq.image "debian-12"`.
---
---Example:
---```lua
---local base = limiq.image "debian-12"
---```
---@class limiq.image
---@overload async fun(name: string): string
limiq.image = {}

---What the catalogue says of an image: by a name, or by a file that the library has, or that stands on one of its images; of a baked image what it says of the one that was made from. `nil` where it knows nothing.
---
---Example:
---```lua
---local image = limiq.image.describe "rocky-9"
---print(image.family, image.user, image.end_of_life)
---```
---@async
---@param name string A name of the catalogue or an alias of one, or the path of an image or of a disk on one.
---@return limiq.CatalogueImage?
function limiq.image.describe(name) end

---The absolute path of an ISO image that is here. Its publisher has no checksums to check a download by: where it is not here the error says how to get it.
---
---Example:
---```lua
---local drivers = limiq.image.iso "virtio-win"
---```
---@async
---@param name string A file `isos/NAME.iso` of the state folder, or a path with a slash.
---@return string
function limiq.image.iso(name) end

---Every image that is here and every one the catalogue offers, by name. One without a `path` would be fetched first; `size` is what the guest sees, in bytes.
---
---Example:
---```lua
---for _, image in ipairs(limiq.image.list()) do
---  print(image.name, image.path or "not here yet")
---end
---```
---@async
---@return { name: string, path?: string, format?: string, size?: integer, catalogued: boolean }[]
function limiq.image.list() end

---Puts an image into the library, from a file or an address, and returns its path: unpacked where it is compressed (`.xz`, `.gz`, `.zst`, `.bz2`), converted where it is VMDK, VDI, VHDX or VHD. Where the library has it already nothing is done. The copy of a file that not everybody may read is open to its owner and to the account QEMU runs under, and to nobody else.
---
---Example:
---```lua
---limiq.image.add { name = "fedora", path = "downloads/Fedora-Cloud.qcow2" }
---```
---@async
---@param options limiq.image.add
---@return string
function limiq.image.add(options) end

---Writes what an image and all below it hold into one file, and returns its path. It is for other hypervisors, or another machine's library.
---
---Example:
---```lua
---limiq.image.export("fedora", "fedora.vmdk")
---```
---@async
---@param name string A name of the library, or a path with a slash.
---@param file string The file to write; its ending says the format: `.qcow2`, `.raw`, `.img` or `.vmdk`.
---@return string
function limiq.image.export(name, file) end

---Removes an image from the library. One that a machine's disk stands on stays, with an error.
---
---Example:
---```lua
---limiq.image.remove "fedora"
---```
---@async
---@param name string Its name in the library.
function limiq.image.remove(name) end

---Copies the boot disk into the image library as it is, with all it stands on, and returns the image's path. A guest that runs stands still meanwhile, its file systems frozen where its agent answers. The copy is this machine's disk, host keys and machine-id included: `limiq.image.bake` with it as `from` makes one that others may start from.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.domain.get("web-01"):commit "web-as-it-was"
---```
---@async
---@param image string The image's name in the library.
---@return string
function Domain:commit(image) end

---The machines of a host as other programs take them, each with the way into it. A label is a group of Ansible's, `label_value`, and a fleet one by its own name.
---
---Example:
---```lua
---local limiq = require "limiq"
---limiq.file.write("inventory.json", limiq.inventory())
---limiq.host.run { "ansible", "-i", "inventory.json", "all", "-m", "ping" }
---```
---@async
---@param format? "ansible"|"list"|"ssh-config"|"hosts" `ansible` is an inventory file, `list` what an inventory program answers, `ssh-config` blocks of ssh's configuration, `hosts` lines of a hosts file; ansible where left out.
---@param uri? string The host's URI; the run's own where left out.
---@return string
function limiq.inventory(format, uri) end

---The caller's public keys: those of the agent and of `~/.ssh`; where there is none, limiq's own, made once in the state folder. Under `--sandbox` always limiq's own. Scripts call it `limiq.ssh_keys`.
---
---Example:
---```lua
---recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() }
---```
---@async
---@return string[]
function limiq.ssh_keys() end

limiq.ssh = {}

---The ssh host key of a VM, as the files of /etc/ssh hold it; the private one is a secret. The same name gives the same key. The recipe `ssh_host_keys` gives it to the guest.
---
---Example:
---```lua
---print(limiq.ssh.host_key("web-01").public)
---```
---@async
---@param name string The VM's name.
---@return { private: userdata, public: string }
function limiq.ssh.host_key(name) end

limiq.file = {}

---The bytes of a file.
---
---Example:
---```lua
---local motd = limiq.file.read "motd.txt"
---```
---@async
---@param path string The file.
---@return string
function limiq.file.read(path) end

---Writes a file, whole or not at all.
---
---Example:
---```lua
---limiq.file.write("hosts.txt", "web-01\n", { mode = "0644" })
---```
---@async
---@param path string The file; one of the name is replaced.
---@param bytes string What it holds.
---@param options? limiq.file.WriteOptions How it is written.
function limiq.file.write(path, bytes, options) end

---Whether something has this name.
---
---Example:
---```lua
---if limiq.file.exists "site" then print "a site" end
---```
---@async
---@param path string The file or folder.
---@return boolean
function limiq.file.exists(path) end

---The files below a folder, sorted, by their paths in it.
---
---Example:
---```lua
---for _, name in ipairs(limiq.file.list "site") do print(name) end
---```
---@async
---@param path string The folder.
---@return string[]
function limiq.file.list(path) end

limiq.host = {}

---Runs a program of this machine. `limiq run --no-host` and `--sandbox` forbid it.
---
---Example:
---```lua
---print(limiq.host.run { "uname", "-r", timeout = "5s" }.stdout)
---```
---@async
---@param command string[]|limiq.host.RunOptions The words, `{ "ls", "-l" }`; options may stand among them by name.
---@param options? limiq.host.RunOptions How it is run.
---@return { code: integer, stdout: string, stderr: string }
function limiq.host.run(command, options) end

---What a host has: its own name, logical processors, memory, and its domains by name, each with the most memory it may have and whether it runs. Asked anew each time.
---
---Example:
---```lua
---local info = limiq.host.info()
---local free = info.memory_mib
---for _, domain in pairs(info.domains) do
---  if domain.active then free = free - domain.memory_mib end
---end
---print(info.hostname, free)
---```
---@async
---@param uri? string The host; the run's own where left out.
---@return { uri: string, hostname: string, cpus: integer, memory_mib: integer, domains: table<string, { memory_mib: integer, active: boolean }> }
function limiq.host.info(uri) end

limiq.yaml = {}

---A value as YAML in block style, keys sorted, that cloud-init reads back as the same value. Where a secret is in it, the whole text is one.
---
---Example:
---```lua
---print(limiq.yaml.encode { packages = { "nginx" } })
---```
---@param value? any Tables, strings, numbers, booleans, `limiq.null`.
---@return string
function limiq.yaml.encode(value) end

---The value of a YAML text, by the rules of cloud-init's reader: `yes` is true, `0644` is 420, a date stays text. Raises `bad_yaml` with line and column, also for a key that is there twice.
---
---Example:
---```lua
---local config = limiq.yaml.decode "packages: [nginx]"
---```
---@param text string The YAML text.
---@return any
function limiq.yaml.decode(text) end

---The value of a YAML file, read as `limiq.yaml.decode` does.
---
---Example:
---```lua
---local config = limiq.yaml.read "web.yaml"
---```
---@async
---@param path string The file; a relative path begins at the script's folder.
---@return any
function limiq.yaml.read(path) end

limiq.base64 = {}

---Bytes as base64 with padding, on one line. That of a secret is one.
---
---Example:
---```lua
---print(limiq.base64.encode "hello")
---```
---@param bytes any A string or a secret.
---@param options? limiq.Base64Options How.
---@return string
function limiq.base64.encode(bytes, options) end

---The bytes of a base64 text.
---
---Example:
---```lua
---print(limiq.base64.decode "aGVsbG8=")
---```
---@param text string Base64; white space in it means nothing.
---@return string
function limiq.base64.decode(text) end

limiq.json = {}

---A value as JSON, keys sorted; an empty table is `{}`, `limiq.null` is `null`. Where a secret is in it, the whole text is one.
---
---Example:
---```lua
---print(limiq.json.encode({ name = "web-01" }, { pretty = true }))
---```
---@param value? any Tables, strings, numbers, booleans, `limiq.null`.
---@param options? limiq.JSONOptions How it is laid out.
---@return string
function limiq.json.encode(value, options) end

---The value of a JSON text; whole numbers stay whole, `null` is `limiq.null`. Raises `bad_json` with line and column, also for a key that is there twice.
---
---Example:
---```lua
---local answer = limiq.json.decode '{ "ports": [80, 443] }'
---```
---@param text string The JSON text.
---@return any
function limiq.json.decode(text) end

---The value of a JSON file, read as `limiq.json.decode` does.
---
---Example:
---```lua
---local spec = limiq.json.read "web.json"
---```
---@async
---@param path string The file; a relative path begins at the script's folder.
---@return any
function limiq.json.read(path) end

limiq.log = {}

---Writes a line at level info, with fields as `key=value` behind it. A secret is shown as ‹secret›.
---
---Example:
---```lua
---limiq.log.info("page fetched", { url = "http://127.0.0.1:8080", status = 200 })
---```
---@param text? any What to say; any value, a table as JSON would show it.
---@param fields? table<string, any> Names and values that belong to it.
function limiq.log.info(text, fields) end

---Writes a line at level warn, with fields as `key=value` behind it. A secret is shown as ‹secret›.
---
---Example:
---```lua
---limiq.log.warn("page fetched", { url = "http://127.0.0.1:8080", status = 200 })
---```
---@param text? any What to say; any value, a table as JSON would show it.
---@param fields? table<string, any> Names and values that belong to it.
function limiq.log.warn(text, fields) end

---Writes a line at level error, with fields as `key=value` behind it. A secret is shown as ‹secret›.
---
---Example:
---```lua
---limiq.log.error("page fetched", { url = "http://127.0.0.1:8080", status = 200 })
---```
---@param text? any What to say; any value, a table as JSON would show it.
---@param fields? table<string, any> Names and values that belong to it.
function limiq.log.error(text, fields) end

---A variable of limiq's own environment, nil where it is not set; `limiq.env.HOME` is the same. Under `--sandbox` only those of `--allow-env`.
---
---Example:
---```lua
---print(limiq.env.HOME)
---```
---@type table<string, string?>
limiq.env = {}

---The host's URI; nil for the run's own.
---@type string?
limiq.uri = nil

---A virtual machine as it is to be. Nothing is made before `vm:up`.
---
---Example:
---```lua
---local web = limiq.vm { name = "web", memory = "1GiB", disks = { { backing_file = limiq.image "debian-12" } } }
---web:up()
---```
---@param spec limiq.VMSpec
---@return limiq.VM
function limiq.vm(spec) end

---A machine for a while: it is made, brought up and given to a function, and removed when that returns or raises,
---and after Ctrl-C. What a run that was killed could not remove `limiq gc` does, and the next `limiq.with` of its
---name. A machine of this name that is there already is an error, and stays.
---
---Example:
---```lua
---local version = limiq.with({ name = "try-01", disks = { { size = "1GiB" } } }, function(vm)
---    vm:wait "running"
---    return vm:state()
---end)
---```
---@async
---@generic T
---@param spec limiq.VMSpec
---@param body fun(vm: limiq.VM): T
---@return T
function limiq.with(spec, body) end

---Machines that are alike.
---
---Example:
---```lua
---local web = limiq.fleet {
---    name = "web", count = 3, spec = function(i) return { labels = { number = tostring(i) } } end,
---}
---web:up { limit = 16 }
---```
---@param definition limiq.FleetDefinition
---@return limiq.Fleet
function limiq.fleet(definition) end

---An image of a machine that is made once: it boots from `from`, does what the recipe says, is sealed, and thrown
---away. What starts from the image boots as for the first time, with everything there already. The same call again
---is an image that is there; anything else in the recipe makes another, beside the first.
---
---Example:
---```lua
---local base = limiq.image.bake {
---    name = "web-base", from = "debian-12", cloud_init = { user_data = { packages = { "nginx" } } },
---    run = function(vm) vm:exec { "systemctl", "enable", "nginx" } end,
---}
---limiq.vm { name = "web-01", disks = { { backing_file = base } } }:up()
---```
---@async
---@param recipe limiq.BakeRecipe
---@return string path
function limiq.image.bake(recipe) end

---A machine that has booted and waits in the middle of its work: its memory is kept beside its disk. A machine
---with `warm = ` what this gives is that one going on, ready in seconds, under a name, UUID, MAC address,
---machine-id, ssh host key, random numbers and clock of its own. The same call again is one that is there; where
---it cannot go on, because QEMU, the processor or the memory's size is another, the machine boots from `from` and
---says why.
---
---Example:
---```lua
---local warm = limiq.warm { name = "web-warm", from = "debian-12", memory = "1GiB", cpu_cores = 2 }
---limiq.vm { name = "t-01", warm = warm }:up()
---```
---@async
---@param recipe limiq.WarmRecipe
---@return string path
function limiq.warm(recipe) end

---The script's parameters. Each is a default, by which it is typed (a text, a number, a boolean, a list of texts
---written `a,b,c`), or is declared: `{ default =, doc =, choices =, min =, max =, match =, required =, secret =,
---type = }`, where a type is `"string"`, `"integer"`, `"number"`, `"boolean"`, `"size"`, `"duration"`, or a list
---such as `{ "integer" }`. `--set name=value` goes before `--set-file params.yaml`, that before the variable
---`LIMIQ_SET_name`, that before the default. `limiq help SCRIPT` lists them.
---
---Example:
---```lua
---local p = limiq.params {
---    name = "web-01", count = { default = 1, min = 1, max = 9, doc = "how many" }, packages = { "nginx" },
---}
---```
---@param declarations table<string, limiq.Option|string|number|boolean|string[]>
---@return table<string, any>
function limiq.params(declarations) end

---A recipe: a function with declared options that returns a part of a machine. It has strict options with nearest
---names, errors at the script's line that name it, and `limiq help recipes.NAME` where it is one of the library's.
---The part may hold any of a spec (`disks`, `nics`, `labels`, `memory` …), and the documents of its cloud-init by
---their own names. `limiq.vm { recipe { … }, name = … }` takes it, and so does `recipes.compose`.
---
---Example:
---```lua
---local motd = limiq.recipe {
---    name = "motd", doc = "What is said at a login",
---    options = { text = { type = "string", required = true, doc = "the words" } }, short = "text",
---    build = function(options)
---        return { user_data = { write_files = { { path = "/etc/motd", content = options.text .. "\n" } } } }
---    end,
---}
---limiq.vm { motd "welcome", name = "web-01" }
---```
---@param definition limiq.RecipeDefinition
---@return fun(options?: any): limiq.Part|limiq.Late
function limiq.recipe(definition) end

---Raises an error of limiq's kind. In a recipe it names the recipe, and the line of the script that called it.
---
---Example:
---```lua
---local ok, e = pcall(limiq.fail, { code = "not_found", message = "the rack is full", hint = "use another" })
---```
---@param e { code?: string, message: string, hint?: string, resource?: string }
function limiq.fail(e) end

---A value as Lua would write it: names in order, what is deep or within itself as `{…}`, secrets as ‹secret›.
---
---Example:
---```lua
---print(limiq.inspect({ name = "web-01", ports = { 80, 443 } }))
---```
---@param value any
---@param options? { depth?: integer, indent?: string } How deep it looks (8); what lines begin with, `""` for one line.
---@return string
function limiq.inspect(value, options) end

---Runs `f(...)` beside the caller.
---
---Example:
---```lua
---local task = limiq.spawn(build, "web-01")
---local address = task:join()
---```
---@param f function
---@param ... any Its arguments.
---@return limiq.Task
function limiq.spawn(f, ...) end

---Calls `f(item, index)` for each item, up to `limit` at once. All are run, whatever fails, and one error lists every
---failure. With `stop_on_error` the first failure cancels those that run, and no more are begun.
---
---Example:
---```lua
---local addresses = limiq.each(names, { limit = 16 }, build)
---```
---@async
---@overload fun(list: any[], f: fun(item: any, index: integer): any): any[]
---@param list any[]
---@param options { limit?: integer, stop_on_error?: boolean }
---@param f fun(item: any, index: integer): any
---@return any[] results The first result of each, in the order of the list.
function limiq.each(list, options, f) end

---Waits without keeping others from running.
---
---Example:
---```lua
---limiq.sleep "500ms"
---```
---@async
---@param duration number|string Seconds, or a text such as "500ms", "5s", "10m".
function limiq.sleep(duration) end

---Runs `f` for at most so long, whether it waits or computes. When its time is over, it and all the tasks that were
---started in it are cancelled for good, as by `task:cancel()`; clean-up has ten seconds more. Only one call of Lua's
---own, such as a `string.find` that takes for ever, ends no sooner than it does.
---
---Example:
---```lua
---local answer = limiq.timeout("30s", function() return vm:exec { "cat", "/proc/loadavg" } end)
---```
---@async
---@param duration number|string
---@param f function
---@param ... any Its arguments.
---@return any ... What it returns. When its time is over: an error with code `timeout`.
function limiq.timeout(duration, f, ...) end

---Calls `f` until it does not raise.
---
---Example:
---```lua
---limiq.retry({ times = 5, delay = "2s" }, function() vm:exec { "systemctl", "is-active", "nginx" } end)
---```
---@async
---@overload fun(f: fun(attempt: integer): ...): ...
---@param options { times?: integer, delay?: number|string } How often at most (3), and how long between (1s).
---@param f fun(attempt: integer): ...
---@return any ... What it returns; when it never did, its last error is raised.
function limiq.retry(options, f) end

---Calls `f` and gives its error instead of raising it; the end of the task is raised all the same.
---
---Example:
---```lua
---local domain, e = limiq.try(limiq.domain.get, "web-01")
---if e and e.code == "not_found" then print "not there" end
---```
---@async
---@param f function
---@param ... any Its arguments.
---@return any value What `f` returns, or nil.
---@return limiq.Error|any e What it raised.
function limiq.try(f, ...) end

---Runs `f(...)` to its end although the task it runs in is cancelled or interrupted meanwhile, or was before: for
---clean-up that waits. A second Ctrl-C ends it all the same.
---
---Example:
---```lua
---local ok, e = pcall(install, vm)
---if not ok then limiq.shield(function() vm:remove() end) end
---```
---@async
---@param f function
---@param ... any Its arguments.
---@return any ... What it returns; its error is raised.
function limiq.shield(f, ...) end

---Stands for nothing inside a table, where nil would end a list or leave a field out: `{ vlan = limiq.null }`.
---@type userdata
limiq.null = nil

---A text that is shown nowhere: in logs and errors it is ‹secret›.
---
---Example:
---```lua
---local token = limiq.secret(limiq.file.read "token.txt")
---```
---@param text string
---@return userdata
function limiq.secret(text) end

---The script's own words: those after `--` on the command line.
---@type string[]
limiq.args = nil

---The library of another host: every call of it works there.
---
---Example:
---```lua
---local node = limiq.connect "qemu+ssh://node2/system"
---node.vm { name = "web-01" }:up()
---```
---@async
---@param uri string libvirt's name of the host
---@return limiq
function limiq.connect(uri) end

---Several hosts as one place for machines. A host that does not answer is an error, unless `allow_down`.
---
---Example:
---```lua
---local hosts = limiq.hosts({ "qemu+ssh://node1/system", "qemu+ssh://node2/system" }, {
---    place = function(candidates, spec) return candidates[#spec.name % #candidates + 1] end,
---})
---hosts.vm { name = "web-01", memory = "2GiB" }:up()
---```
---@async
---@param uris string[]
---@param options? limiq.HostsOptions
---@return limiq.Hosts
function limiq.hosts(uris, options) end

return limiq
