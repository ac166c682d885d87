import Basics
import HostFiles
import Hypervisors
import MachineSpec

/// The ports of the host that lead into a guest on user networking. QEMU's user network forgets them when the guest
/// stops, so they are set at each start.
struct PortForwards {
    let hypervisor: any Hypervisor
    let name: String

    /// Sets the forwards that are not set yet, of a guest that has just been started.
    ///
    /// - Parameter address: the guest's; `nil` for the one QEMU gives it.
    func set(_ nics: [NICSpec], to address: String?) throws(Failure) {
        guard nics.contains(where: { !$0.forward.isEmpty }) else { return }
        let present = Set(try self.present(of: nics))
        for rule in nics.flatMap(Rule.all) where !present.contains(rule) { try add(rule, to: address) }
    }

    /// Makes the forwards of a guest that runs those of its nics: all of them, or where one cannot be set none.
    func change(to nics: [NICSpec], at address: String?) throws(Failure) {
        let present = try self.present(of: nics)
        let wanted = nics.flatMap(Rule.all)
        let taken = present.filter { !wanted.contains($0) }
        let missing = wanted.filter { !present.contains($0) }
        // A port that this guest has itself is free only after that; any other is asked for while nothing is lost yet.
        let late = missing.filter { rule in taken.contains { $0.forward.isSamePort(as: rule.forward) } }
        let steps: [Step] =
            missing.filter { !late.contains($0) }.map(Step.add) + taken.map(Step.remove) + late.map(Step.add)
        for (index, step) in steps.enumerated() {
            do throws(Failure) { try perform(step, address) } catch {
                var failure = error
                for done in steps[..<index].reversed() {
                    do throws(Failure) { try perform(done.inverse, address) } catch {
                        failure.add(hint: "\(error.message), which it was before")
                    }
                }
                throw failure
            }
        }
    }

    /// The forwards that are set now, of all the nics of the guest.
    func present() throws(Failure) -> [String: [PortForward]] {
        Self.parse(try hypervisor.monitor(name, "info usernet"))
    }

    private func present(of nics: [NICSpec]) throws(Failure) -> [Rule] {
        let present = try present()
        return nics.map(Rule.backend).flatMap { backend in
            (present[backend] ?? []).map { Rule(backend: backend, forward: $0) }
        }
    }

    private enum Step {
        case add(Rule)
        case remove(Rule)

        var inverse: Step {
            switch self {
            case .add(let rule): .remove(rule)
            case .remove(let rule): .add(rule)
            }
        }
    }

    private func perform(_ step: Step, _ address: String?) throws(Failure) {
        switch step {
        case .add(let rule): try add(rule, to: address)
        case .remove(let rule):
            _ = try hypervisor.monitor(name, "hostfwd_remove \(rule.backend) \(rule.hostSide)")
        }
    }

    private func add(_ rule: Rule, to address: String?) throws(Failure) {
        let forward = rule.forward
        let reply = try hypervisor.monitor(
            name, "hostfwd_add \(rule.backend) \(rule.hostSide)-\(address ?? ""):\(forward.guest)")
        let complaint = reply.filter { $0 != "\r" }.split(separator: "\n").map { $0.trimmed() }
            .first { !$0.isEmpty }
        guard let complaint else { return }
        throw Failure(
            .portInUse,
            "port \(forward.host) of this host cannot be forwarded to port \(forward.guest) of \(name)",
            hint: "choose another host port", resource: name, cause: complaint)
    }

    /// A forward of one back end of QEMU's user network.
    private struct Rule: Hashable {
        let backend: String
        let forward: PortForward

        /// The host's side of the forward, as QEMU's monitor takes it.
        var hostSide: String { "\(forward.proto.rawValue):\(forward.hostAddress):\(forward.host)" }

        static func all(of nic: NICSpec) -> [Rule] {
            nic.forward.map { Rule(backend: backend(nic), forward: $0) }
        }

        static func backend(_ nic: NICSpec) -> String { PortForwards.backend(nic.id) }
    }

    /// The name of a nic's network back end: libvirt names it after the device.
    static func backend(_ nic: String) -> String { "host" + DomainXML.nicAlias(nic) }

    /// The forwards of each back end in what `info usernet` prints:
    ///
    ///     Hub -1 (hostnet0):
    ///       Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
    ///       TCP[HOST_FORWARD]  18       127.0.0.1 18080       10.0.2.15    80     0     0
    static func parse(_ text: String) -> [String: [PortForward]] {
        var result: [String: [PortForward]] = [:]
        var backend = ""
        for line in text.split(whereSeparator: \.isNewline) {
            if let open = line.lastIndex(of: "("), let close = line.lastIndex(of: ")"), open < close,
                !line.contains("[")
            {
                backend = String(line[line.index(after: open)..<close])
                continue
            }
            let words = line.split(separator: " ")
            guard words.count >= 6, words[0].hasSuffix("[HOST_FORWARD]"),
                let proto = PortForward.Proto(
                    rawValue: words[0].dropLast("[HOST_FORWARD]".count).lowercased()),
                let host = UInt16(words[3]), let guest = UInt16(words[5])
            else { continue }
            // QEMU writes a star for all addresses.
            let bind = words[2] == "*" ? PortForward.anyAddress : String(words[2])
            result[backend, default: []].append(
                PortForward(host: host, guest: guest, proto: proto, bind: bind))
        }
        return result
    }
}
