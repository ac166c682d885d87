import Basics
import Glibc
import Synchronization
import Testing

@testable import Provisioning

/// What libvirt and QEMU say of a tray that is not open.
@Suite struct `A CD-ROM's tray` {
    static let closed = Failure(
        .libvirt, "cannot change a device of web", cause: "Tray of device 'ua-cdrom-tools' is not open")

    /// A VM with a drive `tools`; `refusals` is what QEMU answers when it is told to open the tray, one after the other.
    ///
    /// - Parameter opensAfter: how often it has to be looked at until the guest has opened it; `nil`: it never does.
    static func eject(refusals: [String], opensAfter: Int? = nil, updatesThatFail: Int) throws
        -> (
            host: FakeHypervisor, requests: Int, result: Result<Void, Failure>
        )
    {
        let left = Mutex((refusals: refusals, updates: updatesThatFail, looks: 0, requests: 0))
        var behaviour = FakeHypervisor.Behaviour()
        behaviour.qmp = { command in
            if command.contains("query-block") {
                let looks = left.withLock { left in
                    left.looks += 1
                    return left.looks
                }
                let isOpen = opensAfter.map { looks > $0 } ?? false
                return #"{"return":[{"device":"","qdev":"ua-cdrom-tools","tray_open":\#(isOpen)}]}"#
            }
            guard command.contains("blockdev-open-tray") else { return #"{"return":{}}"# }
            if command.contains("\"force\":false") { left.withLock { $0.requests += 1 } }
            let refusal = left.withLock { $0.refusals.isEmpty ? nil : $0.refusals.removeFirst() }
            return refusal.map { #"{"error":{"class":"GenericError","desc":"\#($0)"}}"# } ?? #"{"return":{}}"#
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
            spec.cdroms = [CDROMSpec(id: "tools", isoPath: "/dev/null")]
            _ = try machine.up(spec)
            let result = Result { () throws(Failure) in try machine.ejectMedia(id: "tools") }
            return (host, left.withLock(\.requests), result)
        }
    }

    @Test func `is opened by limiq where libvirt forgets to, and again where it closes in between`() throws {
        let (host, _, result) = try Self.eject(refusals: [], updatesThatFail: 3)
        #expect(throws: Never.self) { try result.get() }
        #expect(host.calls.filter { $0.hasPrefix("update") }.count == 4)
    }

    @Test func `opens late where the guest lets go of it when it is asked`() throws {
        let locked = "Device 'x' is locked and force was not specified, wait for tray to open and try again"
        let (_, requests, result) = try Self.eject(
            refusals: [locked], opensAfter: 10, updatesThatFail: 1)
        #expect(throws: Never.self) { try result.get() }
        #expect(requests == 1, "a second request would be answered under the next medium")
    }

    @Test func `stays as it is where the guest keeps it locked, and the error says so`() throws {
        let locked = "Device 'x' is locked and force was not specified, wait for tray to open and try again"
        let (_, _, result) = try Self.eject(
            refusals: Array(repeating: locked, count: 1000), updatesThatFail: 1000)
        let failure = try #require(throws: Failure.self) { try result.get() }
        #expect(failure.code == "tray_locked")
        #expect(failure.hint == "unmount it in the guest, or use force = true")
    }
}
