import Basics
import Glibc
import HostFiles
import Hypervisors
import SimulatedHost
import Synchronization

/// The world that a file of specs works in: simulated hosts with a state folder and a clock of their own, where nothing
/// of this machine is touched and no wait takes its time; or the real host of `--connect`.
final class TestWorld: Sendable {
    /// The name of the host that specs work on where they name none.
    static let ownHost = "simulated:///host"

    let state: StateFolder
    /// `--connect`; `nil` for simulated hosts.
    let connect: String?
    /// The clock of a simulated world.
    let clock: LeapingClock?
    let questions = GuestQuestions()
    private let hosts = Mutex<[String: SimulatedHypervisor]>([:])
    private let began = Mutex(ContinuousClock.Instant.now)

    /// - Parameter connect: `--connect`: the real host in the place of simulated ones.
    init(connect: String?) throws(Failure) {
        self.connect = connect
        guard connect == nil else {
            state = try StateFolder()
            clock = nil
            return
        }
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/limiq-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            throw Failure.system(errno, "cannot make a folder in \(parent)", resource: parent)
        }
        // Without links: the proof that a file lies in its machine's folder follows none.
        state = StateFolder(root: try resolved(String(cString: made)))
        clock = LeapingClock()
    }

    /// The simulated host behind a URI, `nil` where hosts are real.
    ///
    /// - Parameter uri: `nil` for the run's own host.
    /// - Throws: `Failure` with code `host_not_able` for a real host where they are simulated.
    func host(_ uri: String?) throws(Failure) -> SimulatedHypervisor? {
        guard let clock else { return nil }
        let address = uri ?? Self.ownHost
        if let known = hosts.withLock({ $0[address] }) { return known }
        if address == Self.ownHost { return make(address) }
        // libvirt's test driver has no guests, and nothing to harm.
        guard HypervisorURI(address).driver == "test" else {
            throw Failure(
                .hostNotAble, "\(address) is no host of this spec, and specs touch no real one",
                hint:
                    "spec.host { uri = \"\(address)\" } simulates it, limiq test --connect runs specs on a real one",
                resource: address)
        }
        clock.stopLeaping()
        return nil
    }

    /// Makes a simulated host, in the place of one of this name.
    @discardableResult
    func make(_ uri: String) -> SimulatedHypervisor {
        var behaviour = SimulatedHypervisor.Behaviour()
        behaviour.guest = { _ in GuestScript() }
        behaviour.agentFails = {
            Failure(
                .libvirt, "the guest agent does not answer",
                hint: "wait until it is up: domain:wait \"agent\"",
                cause: "Guest agent is not responding: QEMU guest agent is not connected")
        }
        behaviour.gone = Failure(
            .hostNotAble, "cannot reach \(uri)", hint: "it is down in this spec", resource: uri,
            cause: "Cannot recv data: Connection refused")
        let host = SimulatedHypervisor(behaviour, uri: uri, networks: SimulatedNetworks())
        hosts.withLock { $0.updateValue(host, forKey: uri) }?.endGuests()
        return host
    }

    /// The time since the case began, as its world counts it.
    var elapsed: Duration { began.withLock { $0.duration(to: .present) } }

    /// Begins a case, in a world of its own.
    func begin() {
        began.withLock { $0 = .present }
        questions.open()
    }

    /// Ends a case: what it had simulated is gone.
    func clear() throws(Failure) {
        questions.close()
        guard clock != nil else { return }
        let gone = hosts.withLock { hosts in
            defer { hosts = [:] }
            return Array(hosts.values)
        }
        for host in gone { host.endGuests() }
        if isFolder(state.machines) { try removeWhole(state.machines) }
    }

    /// Ends the world.
    func end() {
        try? clear()
        if clock != nil { try? removeWhole(state.root) }
    }
}
