import Basics
import Libvirt
import XML

extension LibvirtHypervisor {
    public func domains() throws(Failure) -> [DomainSummary] {
        try call("cannot list the domains of \(uri)", reads: true) { connection throws(LibvirtError) in
            let domains = try connection.domains().map {
                DomainSummary(name: $0.name, uuid: $0.uuid, state: DomainState($0.state))
            }
            guard domains.contains(where: { $0.state == .shutOff }) else { return domains }
            let saved = connection.savedDomains()
            return domains.map { domain in
                guard domain.state == .shutOff, saved.contains(domain.name) else { return domain }
                return DomainSummary(name: domain.name, uuid: domain.uuid, state: .saved)
            }
        }
    }

    public func domain(_ name: String) throws(Failure) -> DomainSummary? {
        do throws(Failure) {
            return try withDomain("look up", name, reads: true, Self.summary)
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    public func define(_ xml: String) throws(Failure) -> DomainSummary {
        // The check is for what this host's libvirt does not know and would pass over in silence. It costs 15 ms of a
        // processor, as libvirt reads its whole schema each time: of machines that differ in values, one is checked.
        let description = try? XMLReader.parse(xml)
        let shape = description.map(Self.shape)
        let name = description?.first("name")?.text
        defer { if let name { index.forget(name) } }
        func define(isChecked: Bool) throws(Failure) -> DomainSummary {
            try call("cannot define the domain") { connection throws(LibvirtError) in
                try connection.define(xml, isChecked: isChecked, Self.summary)
            }
        }
        guard let shape else { return try define(isChecked: true) }
        if checkedShapes.withLock({ $0.contains(shape) }) { return try define(isChecked: false) }
        // One at a time: of many machines of a shape the first is checked, and a daemon that has just started reads its first
        // schema, which libxml2 does not let two threads do at once.
        return try checking.withLock { (_) throws(Failure) in
            let isChecked = checkedShapes.withLock { !$0.contains(shape) }
            let summary = try define(isChecked: isChecked)
            checkedShapes.withLock { _ = $0.insert(shape) }
            return summary
        }
    }

    /// The shape of a description that a schema looks at: the elements, their attributes, and the types by which it
    /// chooses what they may hold.
    private static func shape(_ node: XMLNode) -> String {
        let attributes = node.attributes.keys.sorted().map {
            $0 == "type" ? "type=\(node.attributes[$0] ?? "")" : $0
        }
        return "\(node.namespace ?? "") \(node.name) \(attributes)(\(node.children.map(shape).joined()))"
    }

    private static func summary(_ domain: borrowing Domain) throws(LibvirtError) -> DomainSummary {
        DomainSummary(name: domain.name, uuid: domain.uuid, state: try state(of: domain))
    }

    public func isPersistent(_ name: String) throws(Failure) -> Bool {
        try withDomain("look up", name, reads: true) { domain throws(LibvirtError) in
            try domain.isPersistent()
        }
    }

    public func undefine(_ name: String) throws(Failure) {
        let isOff = try withDomain("undefine", name) { domain throws(LibvirtError) in
            let isOff = try !domain.isActive()
            try domain.undefine()
            return isOff
        }
        if let daemons, isOff {
            daemons.removeLogs(of: name)
            try stopUnusedNetworks()
        }
    }

    public func start(_ name: String) throws(Failure) {
        do throws(Failure) { try startOnce(name) } catch {
            guard try daemons?.mend(error, self) == true else { throw error }
            try startOnce(name)
        }
    }

    private func startOnce(_ name: String) throws(Failure) {
        try withDomain("start", name) { domain throws(LibvirtError) in
            do throws(LibvirtError) {
                try domain.create()
            } catch {
                // Right after a domain was ended, libvirt may take the late end of the old QEMU's monitor for the new one's.
                guard error.code == .operationFailed, error.message.contains("no longer running") else {
                    throw error
                }
                try domain.create()
            }
        }
    }

    public func startPaused(_ name: String) throws(Failure) {
        try withDomain("start", name) { domain throws(LibvirtError) in try domain.createPaused() }
    }

    public func shutdown(_ name: String) throws(Failure) {
        try withDomain("shut down", name) { domain throws(LibvirtError) in try domain.shutdown() }
    }

    public func reboot(_ name: String) throws(Failure) {
        try withDomain("reboot", name) { domain throws(LibvirtError) in try domain.reboot() }
    }

    public func reset(_ name: String) throws(Failure) {
        try withDomain("reset", name) { domain throws(LibvirtError) in try domain.reset() }
    }

    public func destroy(_ name: String) throws(Failure) {
        try withDomain("destroy", name) { domain throws(LibvirtError) in
            do throws(LibvirtError) {
                try domain.destroy()
            } catch {
                // Off already, or stopped between the question and the call.
                if error.code == .operationInvalid, try !domain.isActive() { return }
                throw error
            }
        }
    }

    public func suspend(_ name: String) throws(Failure) {
        try withDomain("suspend", name) { domain throws(LibvirtError) in try domain.suspend() }
    }

    public func resume(_ name: String) throws(Failure) {
        try withDomain("resume", name) { domain throws(LibvirtError) in
            do throws(LibvirtError) {
                try domain.resume()
            } catch {
                // It was paused because libvirt was just starting it.
                if error.code == .operationInvalid, try domain.state() == .running { return }
                throw error
            }
        }
    }

    public func startsWithHost(_ name: String) throws(Failure) -> Bool {
        try withDomain("look up", name, reads: true) { domain throws(LibvirtError) in
            try domain.autostart()
        }
    }

    public func setStartsWithHost(_ name: String, _ isOn: Bool) throws(Failure) {
        try withDomain("change the autostart of", name) { domain throws(LibvirtError) in
            try domain.setAutostart(isOn)
        }
    }

    public func xml(_ name: String, inactive: Bool, secrets: Bool) throws(Failure) -> String {
        try withDomain("describe", name, reads: true) { domain throws(LibvirtError) in
            try domain.xml(inactive: inactive, secure: secrets)
        }
    }
}
