import Basics
import Glibc
import HostFiles
import Libvirt
import XML

extension LibvirtHypervisor {
    /// The version of the libvirt that answers: major × 1,000,000 + minor × 1,000 + micro.
    package func libvirtVersion() throws(Failure) -> Int {
        try call("cannot ask \(uri) for its version", reads: true) { connection throws(LibvirtError) in
            try connection.libvirtVersion()
        }
    }

    public func load() throws(Failure) -> HostLoad {
        try call("cannot ask \(uri) what it has", reads: true) { connection throws(LibvirtError) in
            HostLoad(
                hostname: try connection.hostname(), cpus: try connection.processors(),
                memoryMiB: try connection.memory() / 1024,
                domains: try connection.domainMemory().map {
                    HostLoad.Domain(
                        name: $0.name, memoryMiB: $0.memory / 1024 + ($0.memory % 1024 == 0 ? 0 : 1),
                        isActive: $0.isActive)
                }.sorted { $0.name < $1.name })
        }
    }

    /// Describes the host from the domain capabilities: to ask for the capabilities, or for QEMU's version, would make
    /// libvirt probe every emulator there is, at four seconds each, where this probes one.
    func describeHost() throws(Failure) -> HostDescription {
        let text = try call("cannot ask \(uri) what it can do", reads: true) {
            connection throws(LibvirtError) in
            try connection.domainCapabilities()
        }
        let capabilities = try XMLReader.parse(text)
        func word(_ name: String) -> String { capabilities.first(name)?.text ?? "" }
        var version = Self.emulatorVersion(ofMachine: word("machine"))
        if version == nil {
            version = try call("cannot ask \(uri) for its version", reads: true) {
                connection throws(LibvirtError) in
                try connection.hypervisorVersion()
            }
        }
        return HostDescription(
            emulator: word("path"), architecture: word("arch"), offersKVM: word("domain") == "kvm",
            emulatorVersion: version ?? 0, emulatorUser: try emulatorUser(), isLocal: location.isLocal,
            relabelsFiles: location.path == "/system")
    }

    /// The version of QEMU by the name of its default machine: `pc-i440fx-7.2`, `virt-9.0`. The micro number is not in
    /// it. `nil` for another scheme, such as a distribution's own (`pc-q35-rhel9.4.0`).
    static func emulatorVersion(ofMachine machine: String) -> Int? {
        guard let last = machine.split(separator: "-").last else { return nil }
        let numbers = last.split(separator: ".", omittingEmptySubsequences: false)
        guard numbers.count == 2, let major = UInt16(numbers[0]), let minor = UInt16(numbers[1]) else {
            return nil
        }
        return Int(major) * 1_000_000 + Int(minor) * 1_000
    }

    private func emulatorUser() throws(Failure) -> EmulatorUser {
        if let daemons { return try daemons.emulatorUser() }
        if location.isLocal, location.path != "/system" { return Accounts.user(geteuid(), getegid()) }
        // A daemon behind a socket of its own may have a configuration of its own.
        if location.isLocal, location.parameter("socket") == nil,
            let user = QemuConfiguration(path: "/etc/libvirt/qemu.conf")?.emulatorUser
        {
            return user
        }
        let text = try call("cannot ask \(uri) whom QEMU runs as", reads: true) {
            connection throws(LibvirtError) in
            try connection.capabilities()
        }
        return Self.emulatorUser(ofCapabilities: try XMLReader.parse(text), isLocal: location.isLocal)
            ?? Accounts.user(0, 0)
    }

    /// The account in the label the DAC security driver gives to guests: `+64055:+64055`.
    static func emulatorUser(ofCapabilities capabilities: XMLNode, isLocal: Bool) -> EmulatorUser? {
        let model = capabilities.all("host/secmodel").first { $0.first("model")?.text == "dac" }
        guard let label = model?.first("baselabel")?.text else { return nil }
        let numbers = label.split(separator: ":").map { UInt32($0.drop { $0 == "+" }) }
        guard numbers.count == 2, let uid = numbers[0], let gid = numbers[1] else { return nil }
        // The names of another host are not ours to know.
        return isLocal ? Accounts.user(uid, gid) : EmulatorUser(name: String(uid), uid: uid, gid: gid)
    }
}
