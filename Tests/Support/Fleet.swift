import Basics
import Foundation

/// A script of many small machines, and what must be true of them after a run.
public struct Fleet: Sendable {
    public let home: Home
    public let names: [String]
    public let script: String

    /// - Parameters:
    ///   - home: gets the script and a base image.
    ///   - hasFirmware: the first has UEFI and a TPM, the second UEFI.
    public init(_ home: Home, count: Int, hasFirmware: Bool = false) throws {
        self.home = home
        names = (1...count).map { String(format: "vm-%02d", $0) }
        let base = home.path + "/base.raw"
        try TestGuest.writeDisk(base)
        script = try home.script(
            "fleet",
            """
            local limiq = require "limiq"
            local options = limiq.params { start = false }
            -- A key that opens nothing.
            local host_key = [[
            -----BEGIN OPENSSH PRIVATE KEY-----
            b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
            QyNTUxOQAAACD2V7da+xO3eHochBS+r05IZ9KV2JJUncTrVBzVckHWcQAAAIh7z/pZe8/6
            WQAAAAtzc2gtZWQyNTUxOQAAACD2V7da+xO3eHochBS+r05IZ9KV2JJUncTrVBzVckHWcQ
            AAAECfPi41OMZGQBRo+fG1wcWS88jjKyXqlc6PYNfrNhdJrvZXt1r7E7d4ehyEFL6vTkhn
            0pXYklSdxOtUHNVyQdZxAAAAAAECAwQF
            -----END OPENSSH PRIVATE KEY-----
            ]]
            local names = {}
            for i = 1, \(count) do names[i] = ("vm-%02d"):format(i) end
            limiq.each(names, function(name, i)
                limiq.vm {
                    name = name, memory = "64MiB",
                    firmware = \(hasFirmware) and i <= 2 and "uefi" or nil, tpm = \(hasFirmware) and i == 1,
                    disks = {
                        { id = "boot", bootable = true, backing_file = "\(base)" }, { id = "data", size = "1GiB" },
                    },
                    cloud_init = { user_data = {
                        ssh_keys = { ed25519_private = host_key, ed25519_public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPZXt1r7E7d4ehyEFL6vTkhn0pXYklSdxOtUHNVyQdZx " .. name },
                    } },
                }:up { start = options.start, wait = "running" }
            end)
            """)
    }

    public var words: [String] { ["run", script] }

    /// What is there that should not be, or is not that should; empty where each machine is there once, as the
    /// hypervisor's own list and the files tell, and nothing else.
    ///
    /// - Parameters:
    ///   - list: the names of the hypervisor's domains, one a line, as `virsh list --all --name` prints them.
    ///   - runtime: names of files a started machine has besides those that were made for it.
    public func problems(list: String, runtime: Set<String> = []) -> [String] {
        let domains = list.split(separator: "\n").map(String.init).sorted()
        var problems = domains == names ? [] : ["domains: \(domains)"]
        if home.machines != names { problems.append("folders: \(home.machines)") }
        let files: Set = ["boot.qcow2", "data.qcow2", "seed.iso", "host_keys", "made.json"]
        for name in home.machines {
            let found = Set(folderNames("\(home.path)/vms/\(name)")).subtracting(runtime)
            if found != files { problems.append("\(name): \(found.sorted())") }
        }
        return problems + strays()
    }

    /// As `problems`, where no machine should be.
    public func leftovers(list: String) -> [String] {
        let domains = list.split(separator: "\n").map(String.init)
        return (domains + home.machines).map { "\($0) is left" } + strays()
    }

    /// Locks and half-written files, and processes of the command: all have this state folder in their environment.
    private func strays() -> [String] {
        let hidden = ["", "/vms", "/cloud-images", "/ssh"].flatMap { folder in
            folderNames(home.path + folder).filter { $0.hasPrefix(".") || $0.hasSuffix(".lock") }
                .map { "\(folder)/\($0) is left" }
        }
        let mark = "LIMIQ_HOME=\(home.path)\0"
        let processes = folderNames("/proc").compactMap { pid_t($0) }.filter {
            fileText("/proc/\($0)/environ").contains(mark) && isRunning($0)
        }
        return hidden + processes.map { "process \($0) (\(fileText("/proc/\($0)/cmdline"))) is left" }
    }
}
