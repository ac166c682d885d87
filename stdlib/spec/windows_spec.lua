local limiq = require "limiq"
local recipes = require "limiq.recipes"
local spec = require "limiq.spec"
local xml = require "limiq.recipes.xml"

local describe, it, equal, raises = spec.describe, spec.it, spec.equal, spec.raises

local scratch = limiq.host.run({ "mktemp", "-d" }).stdout:gsub("\n", "")

---What xmllint makes of a document.
local function query(document, path)
    local output = limiq.host.run({ "xmllint", "--xpath", path, "-", stdin = document }).stdout
    return (output:gsub("\n$", ""))
end

local function described(options, fields)
    options.edition = options.edition or "windows-server-2022-standard"
    options.administrator_password = options.administrator_password or limiq.secret "Passw0rd"
    fields = fields or {}
    fields.name, fields.guest_os = fields.name or "dc-01", fields.guest_os or "windows"
    fields.disks = fields.disks or { { id = "system", size = "60GiB" } }
    fields.cdroms = { { id = "setup", iso_path = "/setup.iso", bootable = true }, recipes.windows_unattend(options) }
    return limiq.vm(fields).spec
end

---The answer file as Setup reads it: a secret can be had from the image alone.
local function answers(options, fields)
    local cdrom = described(options, fields).cdroms[2]
    local path = limiq.iso.create { path = scratch .. "/a.iso", label = cdrom.label, files = cdrom.files }
    return limiq.iso.read(path, "Autounattend.xml"), path
end

---XPath without the names' spaces.
local function step(name) return ("/*[local-name()='%s']"):format(name) end
local function component(pass, name)
    return ("//*[local-name()='settings'][@pass='%s']/*[@name='%s']"):format(pass, name)
end
local function text(document, pass, name, ...)
    local path = component(pass, name)
    for _, each in ipairs { ... } do path = path .. "/" .. step(each) end
    return query(document, ("string(%s)"):format(path))
end
local function count(document, path) return tonumber(query(document, ("count(%s)"):format(path))) end

describe("xml", function()
    it("is read back as it was written", function()
        for _, value in ipairs {
            "a < b & c > d", [["quoted" 'and' so]], "line\nbreak\ttab\r", "wörter ✓", "]]>", " a ", "",
        } do
            local document = xml.document { "root", name = value, { "inner", value } }
            equal(query(document, "string(/root/inner)"), value)
            equal(query(document, "string(/root/@name)"), value)
        end
    end)

    it("refuses what XML has no way to write", function()
        raises(function() xml.escape "a\0b" end, "U+0000")
        raises(function() xml.escape "\27[1m" end, "U+001B")
        raises(function() xml.escape "\xef\xbf\xbf" end, "U+FFFF")
        raises(function() xml.escape "\xff" end, "not UTF-8")
    end)

    it("is a secret where there is one in it", function()
        equal(tostring(xml.document { "a", { "b", limiq.secret "x" } }), "‹secret›")
    end)
end)

---The components Microsoft documents, with the passes they may stand in.
local documented = {
    ["Microsoft-Windows-International-Core-WinPE"] = { windowsPE = true },
    ["Microsoft-Windows-PnpCustomizationsWinPE"] = { windowsPE = true },
    ["Microsoft-Windows-Setup"] = { windowsPE = true },
    ["Microsoft-Windows-International-Core"] = { specialize = true, oobeSystem = true },
    ["Microsoft-Windows-Shell-Setup"] = { specialize = true, oobeSystem = true },
}

describe("recipes.windows_unattend", function()
    for _, year in ipairs { "2019", "2022", "2025" } do
        for edition, image in pairs {
            ["standard"] = "SERVERSTANDARD", ["standard-core"] = "SERVERSTANDARDCORE",
            ["datacenter"] = "SERVERDATACENTER", ["datacenter-core"] = "SERVERDATACENTERCORE",
        } do
            it(("installs Windows Server %s %s with its drivers"):format(year, edition), function()
                local document = answers { edition = ("windows-server-%s-%s"):format(year, edition) }
                equal(text(document, "windowsPE", "Microsoft-Windows-Setup", "ImageInstall", "OSImage", "InstallFrom",
                    "MetaData", "Value"), ("Windows Server %s %s"):format(year, image))
                equal(count(document, ("//*[local-name()='Path'][.='E:\\NetKVM\\2k%s\\amd64']"):format(year:sub(3))), 1)
            end)
        end
    end

    for edition, wanted in pairs {
        ["windows-10-pro"] = { "Windows 10 Pro", "w10" },
        ["windows-10-enterprise"] = { "Windows 10 Enterprise", "w10" },
        ["windows-11-pro"] = { "Windows 11 Pro", "w11" },
        ["windows-11-enterprise"] = { "Windows 11 Enterprise", "w11" },
        ["windows-11-enterprise-evaluation"] = { "Windows 11 Enterprise Evaluation", "w11" },
    } do
        it(("installs %s with an account of its own"):format(edition), function()
            local document = answers({ edition = edition, user = "ann" }, { firmware = "uefi" })
            equal(text(document, "windowsPE", "Microsoft-Windows-Setup", "ImageInstall", "OSImage", "InstallFrom",
                "MetaData", "Value"), wanted[1])
            equal(count(document, ("//*[local-name()='Path'][.='D:\\vioscsi\\%s\\amd64']"):format(wanted[2])), 1)
            equal(text(document, "oobeSystem", "Microsoft-Windows-Shell-Setup", "UserAccounts", "LocalAccounts",
                "LocalAccount", "Name"), "ann")
            equal(text(document, "oobeSystem", "Microsoft-Windows-Shell-Setup", "AutoLogon", "Username"), "ann")
            equal(count(document, "//*[local-name()='AdministratorPassword']"), 0)
        end)
    end

    it("has only components that Microsoft documents, in passes they may stand in", function()
        for _, edition in ipairs { "windows-server-2025-datacenter", "windows-10-pro" } do
            local document = answers { edition = edition }
            equal(query(document, "namespace-uri(/*)"), "urn:schemas-microsoft-com:unattend")
            local total = 0
            for name, passes in pairs(documented) do
                for pass in pairs(passes) do
                    local path = component(pass, name)
                    local found = count(document, path)
                    assert(found <= 1, ("%s is there %d times in %s"):format(name, found, pass))
                    total = total + found
                    equal(count(document, path .. "[@processorArchitecture='amd64'][@language='neutral']"
                        .. "[@publicKeyToken='31bf3856ad364e35'][@versionScope='nonSxS']"), found)
                end
            end
            equal(total, count(document, "//*[local-name()='component']"))
            equal(total, 6)
        end
    end)

    it("partitions a disk for UEFI", function()
        local document = answers({}, { firmware = "uefi" })
        local function types(name)
            local result = {}
            local list = ("//*[local-name()='CreatePartition']")
            for index = 1, count(document, list) do
                result[index] = query(document, ("string((%s)[%d]%s)"):format(list, index, "/" .. step(name):sub(2)))
            end
            return result
        end
        equal(types "Type", { "EFI", "MSR", "Primary" })
        equal(types "Size", { "300", "16", "" })
        equal(types "Extend", { "", "", "true" })
        equal(text(document, "windowsPE", "Microsoft-Windows-Setup", "ImageInstall", "OSImage", "InstallTo",
            "PartitionID"), "3")
        -- The reserved partition has no filesystem.
        equal(query(document, "string((//*[local-name()='ModifyPartition'])[2]/*[local-name()='PartitionID'])"), "3")
        equal(count(document, "//*[local-name()='Active']"), 0)
    end)

    it("partitions a disk for BIOS, and names the one it boots from", function()
        local document = answers({}, {
            disks = { { id = "data", size = "10GiB" }, { id = "system", size = "60GiB", bootable = true } },
        })
        equal(count(document, "//*[local-name()='CreatePartition']"), 2)
        equal(text(document, "windowsPE", "Microsoft-Windows-Setup", "DiskConfiguration", "Disk", "ModifyPartitions",
            "ModifyPartition", "Active"), "true")
        equal(text(document, "windowsPE", "Microsoft-Windows-Setup", "ImageInstall", "OSImage", "InstallTo",
            "PartitionID"), "2")
        equal(text(document, "windowsPE", "Microsoft-Windows-Setup", "ImageInstall", "OSImage", "InstallTo",
            "DiskID"), "1")
        equal(text(document, "windowsPE", "Microsoft-Windows-Setup", "DiskConfiguration", "Disk", "DiskID"), "1")
    end)

    it("hides the password as Microsoft's own example does, and nowhere has it plain", function()
        local document = answers { administrator_password = limiq.secret "Passw0rd" }
        equal(text(document, "oobeSystem", "Microsoft-Windows-Shell-Setup", "UserAccounts", "AdministratorPassword",
            "Value"), "UABhAHMAcwB3ADAAcgBkAEEAZABtAGkAbgBpAHMAdAByAGEAdABvAHIAUABhAHMAcwB3AG8AcgBkAA==")
        equal(text(document, "oobeSystem", "Microsoft-Windows-Shell-Setup", "UserAccounts", "AdministratorPassword",
            "PlainText"), "false")
        local logon = text(document, "oobeSystem", "Microsoft-Windows-Shell-Setup", "AutoLogon", "Password", "Value")
        equal(limiq.base64.decode(logon), ("Passw0rdPassword"):gsub(".", "%0\0"))
        local long = answers { administrator_password = "Grüße 7 & <co>" }
        assert(not long:find("co>", 1, true) and not long:find "Gr", long)
        -- Whoever prints the VM sees none of it.
        equal(tostring(described({}).cdroms[2].files["Autounattend.xml"]), "‹secret›")
    end)

    it("passes names, commands and keys on as they are", function()
        local document = answers {
            computer_name = "DC-1", time_zone = "W. Europe Standard Time", locale = "de-CH", keyboard = "0807:00000807",
            product_key = "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE",
            first_logon_commands = { [[powershell -c "if (1 -lt 2 -and 'a' -ne \"b\") { '<&>' }"]] },
        }
        equal(text(document, "specialize", "Microsoft-Windows-Shell-Setup", "ComputerName"), "DC-1")
        equal(text(document, "specialize", "Microsoft-Windows-Shell-Setup", "TimeZone"), "W. Europe Standard Time")
        equal(text(document, "oobeSystem", "Microsoft-Windows-International-Core", "UserLocale"), "de-CH")
        equal(text(document, "oobeSystem", "Microsoft-Windows-International-Core", "InputLocale"), "0807:00000807")
        equal(text(document, "windowsPE", "Microsoft-Windows-International-Core-WinPE", "SetupUILanguage",
            "UILanguage"), "en-US")
        equal(text(document, "windowsPE", "Microsoft-Windows-Setup", "UserData", "ProductKey", "Key"),
            "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE")
        local commands = "(//*[local-name()='CommandLine'])"
        equal(count(document, commands), 3)
        equal(query(document, ("string(%s[2])"):format(commands)),
            "cmd /c for %d in (D E F G H) do if exist %d:\\guest-agent\\qemu-ga-x86_64.msi "
            .. "start /wait msiexec /i %d:\\guest-agent\\qemu-ga-x86_64.msi /qn /norestart")
        equal(query(document, ("string(%s[3])"):format(commands)),
            [[powershell -c "if (1 -lt 2 -and 'a' -ne \"b\") { '<&>' }"]])
        equal(text(answers {}, "specialize", "Microsoft-Windows-Shell-Setup", "ComputerName"), "dc-01")
    end)

    it("is found by Setup on its CD-ROM, by Joliet", function()
        local _, path = answers {}
        local names = limiq.host.run({ "isoinfo", "-J", "-f", "-i", path }).stdout
        equal(names, "/Autounattend.xml\n")
    end)

    it("refuses what Setup would stop at", function()
        local function refused(options, message, fields)
            raises(function() described(options, fields) end, message)
        end
        refused({ edition = "windows-server-2016" }, "edition windows-server-2016 is not known")
        refused({ administrator_password = 7 }, "administrator_password must be a string")
        refused({ user = "ann" }, "a server has its Administrator")
        refused({ edition = "windows-10-pro", user = "a/b" }, "no name of an account")
        refused({ time_zone = "Europe/Zurich" }, "time_zone Europe/Zurich is none of Windows'")
        refused({ product_key = "AAAAA-BBBBB" }, "five groups")
        refused({ time_zone = "W. Europe Standart Time" }, "is none of Windows'")
        refused({ locale = "english" }, "locale english is no language tag")
        refused({ keyboard = "xx" }, "keyboard xx is neither")
        refused({ keyboard = "0807" }, "keyboard 0807 is neither")
        refused({ first_logon_commands = { "" } }, "first_logon_commands[1]")
        refused({ first_logon_commands = { ("x"):rep(1025) } }, "first_logon_commands[1]")
        refused({}, "a-name-too-long-01 cannot be a Windows computer's name", { name = "a-name-too-long-01" })
        refused({ computer_name = "12345" }, "12345 cannot be")
        refused({ edition = "windows-11-pro" }, "Windows 11 does not install under BIOS")
        refused({}, "the VM is not one for Windows", { guest_os = "debian" })
        refused({}, "no disk to install on", { disks = {} })
    end)

    it("refuses passwords that Windows refuses, and shows none", function()
        for password, why in pairs {
            [""] = "less than 6 characters", ["x"] = "less than 6 characters", ["qwertzuiop"] = "three kinds",
            ["Qwertzuiop"] = "three kinds", ["qwertzuiop1"] = "three kinds", ["ADMINISTRATOR-a1"] = "the user's name",
            [("aA1"):rep(43)] = "more than 127 characters",
        } do
            for _, given in ipairs { password, limiq.secret(password) } do
                local problem = raises(function() described { administrator_password = given } end, why)
                if password:find "%l%l" then
                    assert(not (tostring(problem) .. tostring(problem.hint)):find(password, 1, true), tostring(problem))
                end
            end
        end
        for _, password in ipairs { "Passw0rd", "pass-word1", "Pass word", "Ünter7", "名前Pass" } do
            described { administrator_password = password }
        end
        -- A client takes any.
        for _, password in ipairs { "", "x", "password" } do
            described { edition = "windows-10-pro", administrator_password = password }
        end
    end)

    it("refuses names of users that no account can have", function()
        for name, why in pairs {
            ["administrator"] = "Windows' own", ["GUEST"] = "Windows' own", ["none"] = "Windows' own",
            [("u"):rep(21)] = "more than 20", ["a@b"] = "it has @ in it",
            ["a\\b"] = "in it", ["a%b"] = "it has % in it",
            [""] = "no letter", [". ."] = "no letter", ["ann."] = "ends in a dot", ["ann "] = "blank at an end",
            ["a\nb"] = "control character", ["dc-01"] = "both named",
        } do
            raises(function() described { edition = "windows-10-pro", user = name } end, why)
        end
        for _, name in ipairs { "ann", "Ann Lee", "Öps", "a.b_c-d", ("ü"):rep(20), "o'neil", "用户" } do
            described { edition = "windows-10-pro", user = name }
        end
    end)

    it("knows Windows' time zones and the names of computers", function()
        for _, zone in ipairs { "UTC", "W. Europe Standard Time", "UTC-02", "Pacific Standard Time_dstoff" } do
            described { time_zone = zone }
        end
        local problem = raises(function() described { time_zone = "W. Europe Standart Time" } end, "none of Windows'")
        equal(problem.hint, 'did you mean "W. Europe Standard Time"?')
        for _, name in ipairs { "a", "SERVER-01", "1a", "a_b", "*", ("x"):rep(15) } do
            described { computer_name = name }
        end
        for _, name in ipairs { "-a", "a-", "a.b", "a b", "é", "1", ("x"):rep(16), "" } do
            raises(function() described { computer_name = name } end, "cannot be a Windows computer's name")
        end
    end)
end)

limiq.host.run { "rm", "-r", scratch }
