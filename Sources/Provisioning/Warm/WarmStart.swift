import Basics
import FoundationEssentials
import Glibc
import GuestConfig
import HostFiles
import Hypervisors
import MachineSpec
import XML

/// The start of a machine that is a warm one going on.
struct WarmStart {
    let machine: Machine
    let spec: VMSpec
    /// Its cloud-init as the script says it, without the network-config that is made of its nics.
    let documents: CloudInitSpec?
    let warm: WarmImage

    private var hypervisor: any Hypervisor { machine.hypervisor }
    /// Whether its cloud-init is another than the warm machine's, and runs.
    var runsCloudInit: Bool {
        comparable(documents) != comparable(warm.spec.cloudInit) || networks(spec) != networks(warm.spec)
    }

    /// What the guest's network-config says of its networks, beside its own addresses.
    private func networks(_ spec: VMSpec) -> [[String?]] {
        spec.nics.map { nic in
            let network = nic.network?.spec
            return [nic.network?.name, network?.cidr, network?.ipv6, network?.domain]
        }
    }

    private func comparable(_ documents: CloudInitSpec?) -> CloudInitSpec? {
        var documents = documents
        // Who the guest is, is not what is done in it.
        documents?.metaData = nil
        return documents
    }

    /// Lets the machine, which is defined and off, go on from the memory, until its agent answers. Its network is still down,
    /// and it takes itself for the machine that was saved.
    ///
    /// - Returns: who it is to be.
    /// - Throws: `Failure` with code `host_not_able` where the domain is not the one of the memory, `guest`, `libvirt`,
    ///   `timeout` or `cancelled`. The domain may run then.
    func goOn(_ cancellation: Cancellation) throws(Failure) -> WarmIdentity {
        guard let memory = hypervisor.memory else {
            throw Failure(.internal, "\(hypervisor.uri) keeps no memory", resource: machine.name)
        }
        let image = try SaveImage(warm.memory)
        let saved = try XMLReader.parse(image.xml)
        let xml = try hypervisor.xml(machine.name, inactive: true, secrets: true)
        let present = try XMLReader.parse(xml)
        if let other = Self.difference(saved, present) {
            throw Failure(
                .hostNotAble,
                "\(machine.name) cannot go on from \(warm.disk): its \(other) is not what it was there",
                hint: "limiq image rm \(lastComponent(warm.disk)), and limiq.warm makes it anew",
                resource: machine.name)
        }
        let identity = try identity(saved, present, cancellation)
        let description = XMLElement(Self.restored(present, like: saved, name: machine.name)).xml
        try restore(memory, image, description, cancellation)
        try hypervisor.resume(machine.name)
        try awaitAnswer(of: GuestAgent(hypervisor: hypervisor, name: machine.name), cancellation)
        return identity
    }

    /// Makes the guest a machine of its own, and brings its network up.
    ///
    /// - Throws: `Failure` with code `guest`, `libvirt`, `timeout` or `cancelled`.
    func become(_ identity: WarmIdentity, _ cancellation: Cancellation) throws(Failure) {
        var identity = identity
        let now = hostClock()
        identity.time = "\(now / 1_000_000_000).\(String(now % 1_000_000_000 + 1_000_000_000).dropFirst())"
        let agent = GuestAgent(hypervisor: hypervisor, name: machine.name)
        try agent.perform(
            identity.program, "\(machine.name) has not become a machine of its own",
            cancellation: cancellation)
        // In a guest that has little of a processor the program comes to its clock late.
        try agent.followHostClock()
    }

    /// Waits until the agent answers. Its end of the channel opens as the guest goes on, and until then it is not there.
    private func awaitAnswer(of agent: GuestAgent, _ cancellation: Cancellation) throws(Failure) {
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            do { return try agent.ping(within: .seconds(5)) } catch {
                guard ContinuousClock.now < deadline else { throw error }
            }
            try cancellation.check()
            usleep(20_000)
        }
    }

    /// Waits until the guest has the addresses of its nics, and remembers the one on user networking.
    func awaitAddress(_ cancellation: Cancellation) throws(Failure) {
        guard !spec.nics.isEmpty else { return }
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let found = (try? hypervisor.addresses(machine.name, from: .agent)) ?? []
            let address = found.filter { $0.interface != "lo" }.flatMap(\.addresses)
                .first { $0.contains(".") && !$0.hasPrefix("169.254.") }
            if let address {
                if spec.nics.contains(where: \.isUser) { try machine.rememberUserAddress(address) }
                return
            }
            guard ContinuousClock.now < deadline else {
                throw Failure(
                    .timeout, "\(machine.name) has no address after a minute", resource: machine.name)
            }
            try cancellation.check()
            // There is no event for it: the agent is asked.
            usleep(100_000)
        }
    }

    /// Passes the memory on by a pipe: no copy of it is written for the machine.
    private func restore(
        _ memory: any GuestMemory, _ image: SaveImage, _ xml: String, _ cancellation: Cancellation
    ) throws(Failure) {
        let pipe = machine.folder + "/memory"
        unlink(pipe)
        guard mkfifo(pipe, 0o600) == 0 else {
            throw Failure.system(errno, "cannot make \(pipe)", resource: pipe)
        }
        defer { unlink(pipe) }
        let restored = Mailbox<Result<Void, Failure>>()
        let name = machine.name
        startThread {
            restored.put(Result { () throws(Failure) in try memory.restorePaused(name, from: pipe) })
        }
        var outcome: Result<Void, Failure>?
        // libvirt may refuse before it opens the pipe.
        let descriptor = try Self.open(pipe) {
            outcome = restored.next(before: .now + .milliseconds(2))
            return outcome != nil
        }
        var written = Result<Void, Failure>.success(())
        if let descriptor {
            written = Result { () throws(Failure) in try image.write(xml: xml, to: descriptor, cancellation) }
            close(descriptor)
        }
        while outcome == nil { outcome = restored.next(before: .now + .seconds(60)) }
        // Where libvirt gives up, the pipe breaks: its words say why.
        try outcome?.get()
        try written.get()
    }

    /// Opens a pipe to write into it, when somebody reads it.
    ///
    /// - Returns: `nil` where nobody will.
    private static func open(_ pipe: String, unless isOver: () -> Bool) throws(Failure) -> Int32? {
        repeat {
            let descriptor = Glibc.open(pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
            if descriptor >= 0 {
                // From here on a full pipe is waited for.
                _ = fcntl(descriptor, F_SETFL, O_WRONLY)
                return descriptor
            }
            guard errno == ENXIO || errno == EINTR else {
                throw Failure.system(errno, "cannot open \(pipe)", resource: pipe)
            }
        } while !isOver()
        return nil
    }

    private func identity(
        _ saved: XMLNode, _ present: XMLNode, _ cancellation: Cancellation
    ) throws(Failure) -> WarmIdentity {
        func addresses(_ domain: XMLNode) -> [String] {
            domain.all("devices/interface").compactMap { $0.first("mac")?.attributes["address"] }
        }
        let uuid = present.first("uuid")?.text ?? ""
        let identity = spec.seedIdentity
        return WarmIdentity(
            hostname: spec.name, machineID: uuid.replacing("-", with: ""),
            bootID: UUID().uuidString.lowercased(),
            seed: hexadecimal(randomBytes(64)),
            hostKey: try HostKey(machine: machine.name, state: machine.state, cancellation),
            addresses: Array(zip(addresses(saved), addresses(present))).map { (old: $0.0, new: $0.1) },
            fixedAddresses: Array(zip(warm.spec.fixedAddresses, spec.fixedAddresses)).map {
                (old: $0.0, new: $0.1)
            },
            instance: identity?.isGiven == false ? identity?.instanceID : nil, runsCloudInit: runsCloudInit)
    }

    /// The description under which the guest goes on: that of the domain, with the firmware that libvirt chose when the saved one
    /// was started, and a file of its own for the firmware's variables.
    private static func restored(_ present: XMLNode, like saved: XMLNode, name: String) -> XMLNode {
        guard var firmware = saved.all("os").first, firmware.first("nvram") != nil else { return present }
        for index in firmware.children.indices where firmware.children[index].name == "nvram" {
            let path = firmware.children[index].text
            firmware.children[index].text = "\(folder(of: path))\(name)_VARS.fd"
        }
        var restored = present
        for index in restored.children.indices where restored.children[index].name == "os" {
            restored.children[index] = firmware
        }
        return restored
    }

    // MARK: the same machine

    /// What of two descriptions the guest would see as another machine; `nil` where there is nothing.
    static func difference(_ saved: XMLNode, _ present: XMLNode) -> String? {
        for name in ["memory", "currentMemory", "vcpu", "features", "cpu", "clock"] {
            if shape(saved.all(name)) != shape(present.all(name)) { return name }
        }
        if saved.first("os/type")?.attributes != present.first("os/type")?.attributes {
            return "machine type"
        }
        let (old, new) = (devices(saved), devices(present))
        for place in Set(old.keys).union(new.keys).sorted() where old[place]?.seen != new[place]?.seen {
            return "device \(old[place]?.kind ?? new[place]?.kind ?? "")"
        }
        return nil
    }

    /// The guest's side of each device, by its place. What has none comes with every machine of its type, and libvirt does not
    /// always say it.
    private static func devices(_ domain: XMLNode) -> [String: (kind: String, seen: String)] {
        var found: [String: (kind: String, seen: String)] = [:]
        for device in domain.all("devices").flatMap(\.children) {
            guard let address = device.first("address") else { continue }
            var seen = device
            if device.name == "interface" {
                // The nic is the guest's, whatever it leads to on the host.
                seen.attributes = [:]
                seen.children.removeAll { $0.name != "model" }
            }
            // What is behind it on the host, and names that libvirt and the script give.
            seen.children.removeAll {
                [
                    "source", "backingStore", "log", "alias", "seclabel", "address", "iotune", "backend",
                    "auth",
                    "serial", "boot",
                ].contains($0.name)
            }
            found["\(device.name) \(shape([address]))"] = (device.name, shape([seen]))
        }
        return found
    }

    private static func shape(_ nodes: [XMLNode]) -> String { nodes.map { XMLElement($0).xml }.joined() }
}

extension Machine {
    /// The file that is there while the machine goes on from a warm one and is not a machine of its own yet. What a run that
    /// was killed then has left is made anew: its guest takes itself for another, and may have written that to its disk.
    private var warmStartFile: String { folder + "/warm-start" }

    func beginWarmStart() throws(Failure) { try writeBytes([], to: warmStartFile) }

    func endWarmStart() throws(Failure) { try removeFile(warmStartFile) }

    var isInWarmStart: Bool { fileExists(warmStartFile) }

    /// - Throws: `Failure` with code `guest` where the machine's guest is not its own.
    func requireOwnGuest() throws(Failure) {
        guard isInWarmStart else { return }
        throw Failure(
            .guest,
            "\(name) was to go on from a warm machine, and the run that made it was killed in between",
            hint: "run its script again, which makes it anew, or remove it: limiq rm \(name)", resource: name)
    }

    /// The file that says which address the guest has on user networking, where that is not the one QEMU gives the first
    /// guest that asks: a guest that goes on is the second.
    var userAddressFile: String { folder + "/user-address" }

    func rememberUserAddress(_ address: String) throws(Failure) {
        try writeBytes(Array(address.utf8), to: userAddressFile)
    }

    /// The guest's address on user networking; `nil` for the one QEMU gives.
    func userAddress(_ record: MachineRecord?) -> String? {
        readWhole(userAddressFile).flatMap { IPAddress($0) == nil ? nil : $0 } ?? record?.userAddress
    }
}
