import Basics
import Hypervisors
import XML

extension SimulatedHypervisor {
    package func start(_ name: String) throws(Failure) {
        var wasSaved = false
        let node = try change(name, "start") { (state) throws(Failure) in
            guard var domain = state.domains[name] else { throw Failure(.notFound, "no domain \(name)") }
            wasSaved = domain.state == .saved
            if let failure = behaviour.withLock(\.startFails)?(domain.node) { throw failure }
            // What was saved goes on.
            if domain.state != .saved { domain.live = domain.node }
            domain.state = .running
            domain.forwards = []
            state.domains[name] = domain
            return domain.node
        }
        let guest = behaviour.withLock { $0 }
        if let log = node.first("devices/serial/log")?.attributes["file"] {
            append(guest.console, to: log, truncate: true)
        }
        post(.started, to: name)
        for event in guest.eventsAfterStart(node) { post(event, to: name) }
        if let script = guest.guest?(name) { begin(script, in: name, node, isResumed: wasSaved) }
    }

    private func begin(_ script: GuestScript, in name: String, _ node: XMLNode, isResumed: Bool) {
        var script = script
        if isResumed { script.boot = .zero }
        let guest = shared.withLock { state in
            let disk = state.disks[name] ?? GuestDisk(files: script.files)
            state.disks[name] = disk
            let guest = SimulatedGuest(
                name, script, disk, node,
                isFull: { [weak self] in self?.behaviour.withLock(\.isFull) ?? false })
            state.guests[name] = guest
            return guest
        }
        guest.run(
            print: { [storage] in storage.print($0, to: node.first("devices/serial/log")?.attributes["file"])
            },
            post: { [weak self] in self?.post($0, to: name) })
    }

    /// The guest that runs in a domain, and is not paused.
    func guest(_ name: String) -> SimulatedGuest? {
        shared.withLock { $0.domains[name]?.state == .running ? $0.guests[name] : nil }
    }

    /// The end of all guests: their threads end.
    package func endGuests() {
        let guests = shared.withLock { state in
            defer { state.guests = [:] }
            return state.guests.values
        }
        for guest in guests { guest.end() }
    }

    /// Ends a guest as a fault of QEMU's does.
    package func crash(_ name: String) { post(.stopped(.crashed), to: name) }

    package func setGuest(_ name: String, _ script: GuestScript) { guest(name)?.follow(script) }

    package func startPaused(_ name: String) throws(Failure) {
        try start(name)
        try set(name, "suspend", .paused)
    }

    package func shutdown(_ name: String) throws(Failure) {
        guard let guest = guest(name) else { return try stop(name, "shutdown", .shutdown) }
        try change(name, "shutdown") { (_) throws(Failure) in }
        guest.shutDown()
    }
    package func destroy(_ name: String) throws(Failure) { try stop(name, "destroy", .destroyed) }
    package func reboot(_ name: String) throws(Failure) {
        try set(name, "reboot", .running)
        guest(name)?.restart()
        for event in behaviour.withLock(\.eventsAfterReboot) { post(event, to: name) }
    }
    package func reset(_ name: String) throws(Failure) {
        try set(name, "reset", .running)
        guest(name)?.restart()
        post(.rebooted, to: name)
    }
    package func suspend(_ name: String) throws(Failure) { try set(name, "suspend", .paused) }
    package func resume(_ name: String) throws(Failure) { try set(name, "resume", .running) }

    /// As `virsh managedsave`.
    package func save(_ name: String) throws(Failure) {
        try change(name, "save") { (state) throws(Failure) in
            state.domains[name]?.state = .saved
            state.domains[name]?.forwards = []
        }
        shared.withLock { $0.guests.removeValue(forKey: name) }?.end()
    }
    package func startsWithHost(_ name: String) throws(Failure) -> Bool {
        shared.withLock { $0.domains[name]?.startsWithHost ?? false }
    }
    package func setStartsWithHost(_ name: String, _ isOn: Bool) throws(Failure) {
        try change(name, "autostart") { (state) throws(Failure) in state.domains[name]?.startsWithHost = isOn
        }
    }
    package func savedXML(_ name: String) throws(Failure) -> String {
        guard let live = shared.withLock({ $0.domains[name] }), live.state == .saved, let node = live.live
        else { throw Failure(.libvirt, "nothing is saved") }
        return XMLElement(node).xml
    }
    package func dropSaved(_ name: String) throws(Failure) {
        try change(name, "drop") { (state) throws(Failure) in
            guard state.domains[name]?.state == .saved else { return }
            state.domains[name]?.state = .shutOff
            state.domains[name]?.live = nil
        }
    }
}
