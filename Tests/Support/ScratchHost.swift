import Basics
import Glibc
import HostFiles
import Hypervisors
import Synchronization

/// A host for one test: real QEMU by libvirt's daemons, a state folder and a name prefix of its own, and a clean-up that
/// runs last in, first out, even where the test throws.
///
/// All scratch hosts of a test process share daemons, private to a folder that goes when the process ends, and are told
/// apart by their prefix: they may run side by side. The first one waits for libvirt's probe of QEMU.
///
/// The folder is directly in `/tmp`: no folder on the way may be closed to QEMU.
public final class ScratchHost: Sendable {
    /// `vms/`, `cloud-images/` and so on of this test.
    public let state: StateFolder
    /// What the names of this test's domains begin with.
    public let prefix: String
    public let hypervisor: LibvirtHypervisor
    private let cleanUps = Mutex<[@Sendable () throws -> Void]>([])

    private init() throws {
        let process = try ScratchProcess.shared.get()
        prefix = "t" + String(UInt32.random(in: 0...UInt32.max), radix: 36)
        state = StateFolder(root: "\(process.folder)/\(prefix)")
        hypervisor = process.hypervisor
        guard mkdir(state.root, 0o755) == 0 else {
            throw Failure(.io, "cannot make \(state.root)", cause: String(cString: strerror(errno)))
        }
    }

    /// A domain's name of this test: a DNS label.
    public func name(_ suffix: String) -> String { "\(prefix)-\(suffix)" }

    /// A path in this test's folder.
    public func path(_ name: String) -> String { "\(state.root)/\(name)" }

    /// Runs at the end, before what was registered earlier.
    public func cleanUp(_ body: @escaping @Sendable () throws -> Void) {
        cleanUps.withLock { $0.append(body) }
    }

    /// Runs `body` on a thread of its own with a host, and cleans up: the domains of its prefix are destroyed and
    /// undefined, its folder is removed.
    ///
    /// A test may block in `body` for long: the threads that tests run on are few and are not held up.
    ///
    /// - Throws: what `body` throws, else the first failure of the clean-up.
    public static func withHost<Result: Sendable>(
        _ body: @escaping @Sendable (ScratchHost) throws -> Result
    ) async throws -> Result {
        try await onThread {
            let host = try ScratchHost()
            let result = Swift.Result { try body(host) }
            let left = host.tearDown()
            let value = try result.get()
            if let left { throw left }
            return value
        }
    }

    /// What the hosts of this process share, for tests that clean up by themselves: a folder, and the hypervisor in it.
    public static func process() throws -> (folder: String, hypervisor: LibvirtHypervisor) {
        let process = try ScratchProcess.shared.get()
        return (process.folder, process.hypervisor)
    }

    private func tearDown() -> (any Error)? {
        var first: (any Error)?
        func attempt(_ body: () throws -> Void) {
            do { try body() } catch { first = first ?? error }
        }
        for body in cleanUps.withLock({ $0.reversed() }) { attempt(body) }
        attempt {
            // Side by side: the end of one takes libvirt up to two seconds.
            let mine = try hypervisor.domains().map(\.name).filter { $0.hasPrefix(prefix) }
            let ends = Mailbox<Result<Void, any Error>>()
            let hypervisor = hypervisor
            for name in mine {
                startThread {
                    ends.put(
                        Result {
                            try hypervisor.destroy(name)
                            try hypervisor.undefine(name)
                        })
                }
            }
            for _ in mine { attempt { try ends.next().get() } }
        }
        attempt { try removeFolder(state.root) }
        return first
    }
}

/// What the scratch hosts of this process share.
struct ScratchProcess: Sendable {
    let folder: String
    let hypervisor: LibvirtHypervisor

    static let shared: Swift.Result<ScratchProcess, any Error> = Swift.Result {
        let folder = try ProcessFolder.path()
        // The choice of a root user without a daemon.
        let state = StateFolder(root: folder)
        let choice = HypervisorChoice(
            explicit: nil, state: state, environment: { _ in nil }, uid: 0, systemSockets: [])
        return ScratchProcess(
            folder: folder,
            hypervisor: LibvirtHypervisor(uri: choice.uri, daemons: PrivateDaemons(state: state)))
    }
}
