import Basics
import Hypervisors
import Synchronization
import XML

/// The files of a simulated guest, which outlive its boots.
final class GuestDisk: Sendable {
    let files: Mutex<[String: [UInt8]]>

    init(files: [String: [UInt8]]) { self.files = Mutex(files) }
}

/// A guest that follows a script, from one start of its domain to the end.
final class SimulatedGuest: Sendable {
    private enum News: Sendable { case shutDown, restart, script, end }

    struct State: Sendable {
        var script: GuestScript
        var hasBooted = false
        /// Whether its cloud-init is done.
        var isDone = false
        var agent = AgentState()
    }

    let name: String
    let disk: GuestDisk
    let isFull: @Sendable () -> Bool
    /// Whether it has a seed for its cloud-init.
    let hasSeed: Bool
    /// Its nics: the MAC address, and the network where it is on one.
    let interfaces: [(macAddress: String, network: String?)]
    let state: Mutex<State>
    private let news = Mailbox<News>()
    private let began = ContinuousClock.Instant.present

    init(
        _ name: String, _ script: GuestScript, _ disk: GuestDisk, _ node: XMLNode,
        isFull: @escaping @Sendable () -> Bool
    ) {
        (self.name, self.disk, self.isFull) = (name, disk, isFull)
        state = Mutex(State(script: script))
        hasSeed = node.all("devices/disk").contains {
            $0.attributes["device"] == "cdrom"
                && $0.first("source")?.attributes["file"]?.hasSuffix("seed.iso") == true
        }
        interfaces = node.all("devices/interface").compactMap { nic in
            nic.first("mac")?.attributes["address"].map {
                ($0.lowercased(), nic.first("source")?.attributes["network"])
            }
        }
    }

    var hasBooted: Bool { state.withLock(\.hasBooted) }
    /// Whether its agent answers now.
    var hasAgent: Bool { state.withLock { $0.hasBooted && $0.script.hasAgent } }

    /// The work it has done: one that hangs does nothing.
    var work: GuestWork {
        let boot = state.withLock(\.script.boot)
        let spent = began.duration(to: .present)
        return GuestWork(processors: boot.map { min($0, spent) } ?? .zero, read: 0, written: 0)
    }

    func shutDown() { news.put(.shutDown) }
    func restart() { news.put(.restart) }
    func end() { news.put(.end) }

    /// Goes on by another script.
    func follow(_ script: GuestScript) {
        state.withLock { $0.script = script }
        news.put(.script)
    }

    /// Runs the guest on a thread of its own.
    ///
    /// - Parameters:
    ///   - print: writes on its console.
    ///   - post: tells of what happens to it.
    func run(print: @escaping @Sendable (String) -> Void, post: @escaping @Sendable (DomainEvent) -> Void) {
        startThread { self.live(print, post) }
    }

    private func live(_ print: (String) -> Void, _ post: (DomainEvent) -> Void) {
        var began = ContinuousClock.Instant.present
        var off: ContinuousClock.Instant?
        while true {
            let script = state.withLock(\.script)
            let booted = hasBooted ? nil : script.boot.map { began + $0 }
            let done =
                hasBooted && hasSeed && !state.withLock(\.isDone)
                ? began + (script.boot ?? .zero) + GuestScript.cloudInit : nil
            let next = [booted, done, off].compactMap(\.self).min()
            switch next.map({ news.next(before: $0) }) ?? news.next() {
            case .end?: return
            case .script?: continue
            case .shutDown?:
                // Before it has booted nobody in it hears.
                if hasBooted, let time = script.shutdown { off = off ?? .present + time }
            case .restart?:
                state.withLock { ($0.hasBooted, $0.isDone) = (false, false) }
                (began, off) = (.present, nil)
            case nil:
                if let off, off <= .present { return post(.stopped(.shutdown)) }
                if done != nil {
                    finish(script, print)
                    continue
                }
                guard boot(script, print) else { return post(.stopped(.shutdown)) }
                if script.hasAgent, hasBooted { post(.agentConnected) }
            }
        }
    }

    /// Ends a boot, well or not.
    ///
    /// - Returns: `false` where it switches itself off.
    private func boot(_ script: GuestScript, _ print: (String) -> Void) -> Bool {
        print("[    0.000000] Linux version 6.1.0 (simulated)\r\n")
        switch script.fault {
        case .off: return false
        case .panic:
            print(
                "[    1.000000] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n"
            )
            // It stays as it is.
            state.withLock { $0.script.boot = nil }
            return true
        case nil: break
        }
        print("\(name) login: ")
        state.withLock { $0.hasBooted = true }
        return true
    }

    private func finish(_ script: GuestScript, _ print: (String) -> Void) {
        let seconds = ((script.boot ?? .zero) + GuestScript.cloudInit) / .seconds(1)
        print(
            "\r\nCloud-init v. 22.4.2 finished at Thu, 01 Jan 1970 00:00:00 +0000. "
                + "Datasource DataSourceNoCloud [seed=/dev/sr0][dsmode=net].  Up \(seconds) seconds\r\n")
        state.withLock { $0.isDone = true }
    }
}
