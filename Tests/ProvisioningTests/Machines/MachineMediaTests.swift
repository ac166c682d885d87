import Basics
import Glibc
import HostFiles
import MachineSpec
import Provisioning
import Support
import Synchronization
import Testing

/// What libvirt and QEMU say of a tray that is not open.
@Suite struct `A CD-ROM's tray` {
    static let closed = Failure(
        .libvirt, "cannot change a device of web", cause: "Tray of device 'ua-cdrom-tools' is not open")

    /// A VM with a drive `tools`, of which libvirt at first says it is not open.
    ///
    /// - Parameter letsGoAfter: how often it has to be looked at until the guest has let go of it; `nil`: it never does. QEMU
    ///   answers a request to open a locked tray as if it had opened it.
    static func eject(letsGoAfter: Int?, updatesThatFail: Int) throws
        -> (
            host: FakeHypervisor, requests: Int, result: Result<Void, Failure>
        )
    {
        let left = Mutex((updates: updatesThatFail, looks: 0, requests: 0))
        var behaviour = FakeHypervisor.Behaviour()
        behaviour.qmp = { command in
            left.withLock { left in
                if command.contains("query-block") {
                    left.looks += 1
                    let isOpen = letsGoAfter.map { left.looks > $0 } ?? false
                    return
                        #"{"return":[{"device":"","qdev":"ua-cdrom-tools","locked":\#(!isOpen),"tray_open":\#(isOpen)}]}"#
                }
                if command.contains("blockdev-open-tray"), command.contains("\"force\":false") {
                    left.requests += 1
                }
                return #"{"return":{}}"#
            }
        }
        behaviour.updateFails = {
            left.withLock { left in
                left.updates -= 1
                return left.updates >= 0 ? closed : nil
            }
        }
        let host = FakeHypervisor(behaviour)
        return try withScratchState { state throws in
            let machine = Machine("web", on: host, state: state)
            var spec = VMSpec(name: "web")
            try makeFolders(state.root)
            try writeISO("tools", to: state.root + "/tools.iso")
            spec.cdroms = [CDROMSpec(id: "tools", isoPath: state.root + "/tools.iso")]
            _ = try machine.up(spec)
            let result = Result { () throws(Failure) in try machine.ejectMedia(id: "tools") }
            return (host, left.withLock(\.requests), result)
        }
    }

    @Test func `is opened by limiq where libvirt forgets to, and again where it closes in between`() throws {
        let (host, _, result) = try Self.eject(letsGoAfter: 0, updatesThatFail: 3)
        #expect(throws: Never.self) { try result.get() }
        #expect(host.calls.filter { $0.hasPrefix("update") }.count == 4)
    }

    @Test func `opens late where the guest lets go of it when it is asked`() throws {
        let (_, requests, result) = try Self.eject(letsGoAfter: 10, updatesThatFail: 1)
        #expect(throws: Never.self) { try result.get() }
        #expect(requests == 1, "a second request would be answered under the next medium")
    }

    @Test func `stays as it is where the guest keeps it locked, and the error says so`() throws {
        let (host, _, result) = try Self.eject(letsGoAfter: nil, updatesThatFail: 1)
        let failure = try #require(throws: Failure.self) { try result.get() }
        #expect(failure.code == .trayLocked)
        #expect(failure.hint == "unmount it in the guest, or use force = true")
        #expect(host.calls.filter { $0.hasPrefix("update") }.count == 1, "the guest's medium stays")
    }
}
