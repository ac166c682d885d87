local limiq = require "limiq"
local part = require "limiq.recipes.part"
local recipe = require "limiq.recipe"
local runtime = require "limiq.runtime"
local time_zones = require "limiq.recipes.windows_time_zones"
local xml = require "limiq.recipes.xml"

---@alias limiq.recipes.WindowsEdition
---| "windows-server-2019-standard"
---| "windows-server-2019-standard-core"
---| "windows-server-2019-datacenter"
---| "windows-server-2019-datacenter-core"
---| "windows-server-2022-standard"
---| "windows-server-2022-standard-core"
---| "windows-server-2022-datacenter"
---| "windows-server-2022-datacenter-core"
---| "windows-server-2025-standard"
---| "windows-server-2025-standard-core"
---| "windows-server-2025-datacenter"
---| "windows-server-2025-datacenter-core"
---| "windows-10-pro"
---| "windows-10-enterprise"
---| "windows-10-enterprise-evaluation"
---| "windows-11-pro"
---| "windows-11-enterprise"
---| "windows-11-enterprise-evaluation"

---What Setup calls an edition (`/IMAGE/NAME` of install.wim), and virtio-win its folder of drivers.
---@type table<string, { image: string, drivers: string, is_server: boolean }>
local editions = {}
for year, drivers in pairs { ["2019"] = "2k19", ["2022"] = "2k22", ["2025"] = "2k25" } do
    for edition, image in pairs {
        ["standard"] = "SERVERSTANDARD", ["standard-core"] = "SERVERSTANDARDCORE",
        ["datacenter"] = "SERVERDATACENTER", ["datacenter-core"] = "SERVERDATACENTERCORE",
    } do
        editions[("windows-server-%s-%s"):format(year, edition)] = {
            image = ("Windows Server %s %s"):format(year, image), drivers = drivers, is_server = true,
        }
    end
end
for _, version in ipairs { "10", "11" } do
    for edition, image in pairs {
        ["pro"] = "Pro", ["enterprise"] = "Enterprise", ["enterprise-evaluation"] = "Enterprise Evaluation",
    } do
        editions[("windows-%s-%s"):format(version, edition)] = {
            image = ("Windows %s %s"):format(version, image), drivers = "w" .. version, is_server = false,
        }
    end
end

---Which letter Setup gives a CD-ROM drive depends on the others.
local letters = { "D", "E", "F", "G", "H" }
---What Setup needs to see disks and the network, and the agent its channel.
local drivers = { "viostor", "vioscsi", "NetKVM", "vioserial" }

local function component(name, ...)
    return {
        "component", name = name, processorArchitecture = "amd64", publicKeyToken = "31bf3856ad364e35",
        language = "neutral", versionScope = "nonSxS", ...,
    }
end

---An entry of a list.
local function item(name, ...) return { name, ["wcm:action"] = "add", ... } end

local function international(options)
    return { "InputLocale", options.keyboard }, { "SystemLocale", options.locale }, { "UILanguage", options.language },
        { "UserLocale", options.locale }
end

local function driver_paths(folder)
    local paths = { "DriverPaths" }
    for _, letter in ipairs(letters) do
        for _, driver in ipairs(drivers) do
            local path = ("%s:\\%s\\%s\\amd64"):format(letter, driver, folder)
            local entry = item("PathAndCredentials", { "Path", path })
            entry["wcm:keyValue"] = tostring(#paths)
            paths[#paths + 1] = entry
        end
    end
    return paths
end

---The partitions each firmware boots from, the last one Windows' own.
local layouts = {
    FIRMWARE_UEFI = {
        { type = "EFI", size = "300", format = "FAT32", label = "System" }, { type = "MSR", size = "16" },
        { type = "Primary", format = "NTFS", label = "Windows" },
    },
    FIRMWARE_BIOS = {
        { type = "Primary", size = "500", format = "NTFS", label = "System", active = "true" },
        { type = "Primary", format = "NTFS", label = "Windows" },
    },
}

local function disk_configuration(layout, disk)
    local create, modify = { "CreatePartitions" }, { "ModifyPartitions" }
    for index, partition in ipairs(layout) do
        local number = tostring(index)
        create[#create + 1] = item("CreatePartition", { "Order", number },
            partition.size and { "Size", partition.size } or { "Extend", "true" }, { "Type", partition.type })
        if partition.format then
            local change = item("ModifyPartition", { "Order", tostring(#modify) }, { "PartitionID", number },
                { "Format", partition.format }, { "Label", partition.label })
            if partition.active then change[#change + 1] = { "Active", partition.active } end
            modify[#modify + 1] = change
        end
    end
    return { "DiskConfiguration",
        item("Disk", create, modify, { "DiskID", disk }, { "WillWipeDisk", "true" }),
        { "WillShowUI", "OnError" } }
end

local function setup(options, edition, layout, disk)
    local key = { "ProductKey", { "WillShowUI", "OnError" } }
    if options.product_key then table.insert(key, 2, { "Key", options.product_key }) end
    return component("Microsoft-Windows-Setup",
        disk_configuration(layout, disk),
        { "ImageInstall", { "OSImage",
            { "InstallFrom", item("MetaData", { "Key", "/IMAGE/NAME" }, { "Value", edition.image }) },
            { "InstallTo", { "DiskID", disk }, { "PartitionID", tostring(#layout) } },
            { "WillShowUI", "OnError" } } },
        { "UserData", { "AcceptEula", "true" }, key })
end

---As Windows hides it: UTF-16 with the name of the setting behind it, in base64. Anybody can read that back: it stays a
---secret.
local function password(options, setting)
    local text = limiq.secret(options.administrator_password) .. setting
    return { { "Value", limiq.base64.encode(text, { encoding = "utf-16le" }) }, { "PlainText", "false" } }
end

local function accounts(options, edition)
    if edition.is_server then
        return { "UserAccounts", { "AdministratorPassword", table.unpack(password(options, "AdministratorPassword")) } }
    end
    return { "UserAccounts", { "LocalAccounts", item("LocalAccount",
        { "Password", table.unpack(password(options, "Password")) },
        { "Group", "Administrators" }, { "Name", options.user }) } }
end

---Runs a Windows Installer package of the virtio-win image, wherever that is.
local function install(package)
    return ("cmd /c for %%d in (%s) do if exist %%d:\\%s start /wait msiexec /i %%d:\\%s /qn /norestart"):format(
        table.concat(letters, " "), package, package)
end

local function first_logon(options)
    local commands = { install "virtio-win-gt-x64.msi", install "guest-agent\\qemu-ga-x86_64.msi" }
    table.move(options.first_logon_commands or {}, 1, #(options.first_logon_commands or {}), #commands + 1, commands)
    local list = { "FirstLogonCommands" }
    for index, command in ipairs(commands) do
        list[#list + 1] = item("SynchronousCommand", { "Order", tostring(index) }, { "CommandLine", command })
    end
    return list
end

---The position of the disk that Windows is installed on.
local function target_disk(vm)
    for index, each in ipairs(vm.spec.disks) do
        if each.bootable then return index end
    end
    return 1
end

local function answers(options, edition, vm)
    local layout = layouts[vm.spec.firmware]
    local disk = target_disk(vm)
    return xml.document { "unattend",
        xmlns = "urn:schemas-microsoft-com:unattend",
        ["xmlns:wcm"] = "http://schemas.microsoft.com/WMIConfig/2002/State",
        { "settings", pass = "windowsPE",
            component("Microsoft-Windows-International-Core-WinPE",
                { "SetupUILanguage", { "UILanguage", options.language } }, international(options)),
            component("Microsoft-Windows-PnpCustomizationsWinPE", driver_paths(edition.drivers)),
            setup(options, edition, layout, tostring(disk - 1)),
        },
        { "settings", pass = "specialize",
            component("Microsoft-Windows-Shell-Setup",
                { "ComputerName", options.computer_name or vm.name }, { "TimeZone", options.time_zone }),
        },
        { "settings", pass = "oobeSystem",
            component("Microsoft-Windows-International-Core", international(options)),
            component("Microsoft-Windows-Shell-Setup",
                { "OOBE",
                    { "HideEULAPage", "true" }, { "HideOEMRegistrationScreen", "true" },
                    { edition.is_server and "HideLocalAccountScreen" or "HideOnlineAccountScreens", "true" },
                    { "HideWirelessSetupInOOBE", "true" }, { "ProtectYourPC", "3" } },
                accounts(options, edition),
                -- The commands run at the first logon: there is one, and only one.
                { "AutoLogon", { "Password", table.unpack(password(options, "Password")) }, { "Enabled", "true" },
                    { "LogonCount", "1" }, { "Username", options.user } },
                first_logon(options), { "TimeZone", options.time_zone }),
        },
    }
end

---The names that Windows has given away (Microsoft's "Naming conventions", and its built-in accounts).
local reserved = {}
for _, name in ipairs {
    "administrator", "guest", "defaultaccount", "wdagutilityaccount", "defaultuser0", "none", "system", "local service",
    "network service", "local", "network", "service", "batch", "interactive", "anonymous", "everyone", "self", "users",
    "administrators", "guests", "nt authority", "builtin", "creator owner", "creator group", "world", "dialup",
    "restricted", "proxy",
} do reserved[name] = true end

---The characters of a text as Windows counts them: halves of UTF-16.
local function length(text)
    local count = 0
    for _, code in utf8.codes(text) do count = count + (code > 0xffff and 2 or 1) end
    return count
end

---What Windows has against the name of a local account; nil where it takes it.
local function user_problem(name)
    if not utf8.len(name) then return "it is not UTF-8" end
    if not name:find "[^ .]" then return "it has no letter" end
    if length(name) > 20 then return "it has more than 20 characters" end
    local wrong = name:match '[%c"/\\%[%]:;|=,+*?<>%%@]'
    if wrong then return ("it has %s in it"):format(wrong:match "%c" and "a control character" or wrong) end
    if name:sub(-1) == "." then return "it ends in a dot" end
    if name:match "^ " or name:match " $" then return "it has a blank at an end" end
    if reserved[name:lower()] then return "it is Windows' own" end
end

local function is_language(tag) return tag:match "^%a%a%a?%-[%w-]+$" end

local function check(options)
    local function refuse(...) part.refuse("windows_unattend", ...) end
    local edition = editions[options.edition]
    if not edition then
        local names = {}
        for name in pairs(editions) do names[#names + 1] = name end
        table.sort(names)
        refuse(("edition %s is not known"):format(options.edition), "there are " .. table.concat(names, ", "))
    end
    if edition.is_server and options.user then
        refuse("user is for Windows 10 and 11: a server has its Administrator")
    end
    local user = edition.is_server and "Administrator" or options.user or "admin"
    local problem = not edition.is_server and user_problem(user)
    if problem then refuse(("user %s is no name of an account: %s"):format(user, problem), "such as \"ops\"") end
    problem = runtime.perform("windows.password_problem", options.administrator_password, user, edition.is_server)
    if problem then
        refuse("administrator_password is refused by Windows: " .. problem, "such as two words with a digit between")
    end
    local zone = options.time_zone
    if zone and not time_zones[zone:gsub("_dstoff$", "")] then
        local nearest = runtime.nearest(zone, time_zones)
        refuse(("time_zone %s is none of Windows'"):format(zone), nearest and ("did you mean \"%s\"?"):format(nearest)
            or "such as \"W. Europe Standard Time\"; tzutil /l lists them")
    end
    local groups = "^" .. ("%-%w%w%w%w%w"):rep(5) .. "$"
    if options.product_key and not ("-" .. options.product_key):match(groups) then
        refuse("product_key is not five groups of five letters and digits")
    end
    for _, name in ipairs { "language", "locale" } do
        if options[name] and not is_language(options[name]) then
            refuse(("%s %s is no language tag"):format(name, options[name]), "such as \"en-US\"")
        end
    end
    local layout = "%x%x%x%x:%x%x%x%x%x%x%x%x"
    for each in (options.keyboard or ""):gmatch "[^;]+" do
        if not is_language(each) and not each:match("^" .. layout .. "$") then
            refuse(("keyboard %s is neither a language tag nor a layout"):format(options.keyboard),
                "such as \"de-CH\" or \"0807:00000807\"")
        end
    end
    if #(options.first_logon_commands or {}) > 498 then
        refuse("first_logon_commands has more than 498 commands", "call a script from one of them")
    end
    for index, command in ipairs(options.first_logon_commands or {}) do
        if type(command) ~= "string" or command == "" or (utf8.len(command) or #command) > 1024 then
            refuse(("first_logon_commands[%d] is no command line of at most 1024 characters"):format(index))
        end
    end
    return edition
end

local function check_vm(options, edition, vm)
    local name = options.computer_name or vm.name
    -- Of an asterisk Setup makes a name by chance.
    if name ~= "*" and (not name:match "^%w[%w_-]*$" or name:match "-$" or #name > 15 or name:match "^%d+$") then
        part.refuse("windows_unattend", ("%s cannot be a Windows computer's name"):format(name),
            "computer_name = up to 15 letters, digits and hyphens, not digits alone, none of the hyphens at an end")
    end
    if name:lower() == (options.user or "admin"):lower() and not edition.is_server then
        part.refuse("windows_unattend", ("user and computer are both named %s, which Windows refuses"):format(name),
            "give another user or computer_name")
    end
    if not (vm.spec.guest_os or ""):lower():match "^win" then
        part.refuse("windows_unattend", "Setup would not see its CD-ROMs: the VM is not one for Windows",
            ("guest_os = \"%s\""):format(options.edition))
    end
    if edition.drivers == "w11" and vm.spec.firmware ~= "FIRMWARE_UEFI" then
        part.refuse("windows_unattend", "Windows 11 does not install under BIOS", "firmware = \"uefi\"")
    end
    if #vm.spec.disks == 0 then
        part.refuse("windows_unattend", "the VM has no disk to install on", "disks = { { size = \"64GiB\" } }")
    end
end

local function build(options)
    local edition = check(options)
    local complete = {}
    for name, value in pairs(options) do complete[name] = value end
    complete.user = edition.is_server and "Administrator" or options.user or "admin"
    complete.language = options.language or "en-US"
    complete.locale = options.locale or complete.language
    complete.keyboard = options.keyboard or complete.locale
    complete.time_zone = options.time_zone or "UTC"
    return function(vm)
        check_vm(options, edition, vm)
        local file = answers(complete, edition, vm)
        return { id = "unattend", label = "UNATTEND", files = { ["Autounattend.xml"] = file } }
    end
end

return recipe.new({
    name = "windows_unattend",
    doc = [[
A CD-ROM with the answers to all that Windows Setup asks: the disk is partitioned as the VM's firmware wants it, the
virtio drivers are taken from a CD-ROM of virtio-win, and at the first logon drivers and guest agent are installed.
Put among the VM's `cdroms` it is made in the VM's folder, and removed with the VM.

The password is that of the Administrator of a server; Windows 10 and 11 get an account `user` (`admin` where left
out). Whoever may read the answer file can read it, as Windows knows no better form: give it as `limiq.secret`, and
change it when the guest is up. A server refuses one that is not of three kinds of characters.]],
    options = {
        edition = { required = true, doc = "such as \"windows-server-2022-standard\"" },
        administrator_password = { type = "text", required = true, doc = "limiq.secret(…)" },
        user = { doc = "the account of Windows 10 and 11" },
        computer_name = { doc = "the machine's name where left out" },
        language = { doc = "of Windows itself, \"en-US\"" }, locale = { doc = "of numbers and dates, \"de-CH\"" },
        keyboard = { doc = "such as \"de-CH\" or \"0807:00000807\"" },
        time_zone = { doc = "in Windows' words, \"W. Europe Standard Time\"" },
        product_key = { doc = "five groups of five letters and digits" },
        first_logon_commands = { type = { "string" }, doc = "command lines that are run at the first logon" },
    },
    example = [[
local cdroms = {
    { id = "setup", iso_path = limiq.image.iso "windows-server-2022", bootable = true },
    { id = "drivers", iso_path = limiq.image.iso "virtio-win" },
    recipes.windows_unattend {
        edition = "windows-server-2022-standard", administrator_password = limiq.secret(limiq.file.read "password.txt"),
    },
}]],
    build = build,
}, recipe.as_made)
