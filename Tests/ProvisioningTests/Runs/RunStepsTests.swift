import Basics
import Steps
import Support
import Synchronization
import Testing

@testable import Provisioning

@Suite struct `The phases of bringing a VM up` {
    private static func steps(of host: FakeHypervisor, _ options: UpOptions = UpOptions()) throws -> [String]
    {
        let steps = StepLog()
        try withScratchState { state throws in
            _ = try Machine("web", on: host, state: state).up(`Bringing a VM up`.spec(), options) {
                steps.add($0)
            }
        }
        return steps.bounds
    }

    @Test func `tells the beginning and the end of each phase, one after the other`() throws {
        let steps = try Self.steps(of: `Bringing a VM up`.booting())
        let phases = ["disks", "seed", "define", "start", "first-boot", "cloud-init"]
        #expect(steps == phases.flatMap { ["\($0) begins", "\($0) ends"] })
    }

    @Test
    func `tells first that it looks, and as soon as it is known what the machine has in common with others`()
        throws
    {
        let steps = StepLog()
        let likes = Mutex<[Likeness]>([])
        steps.watch { if case .isLike(let like) = $0.event { likes.withLock { $0.append(like) } } }
        try withScratchState { state throws in
            let machine = Machine("web", on: `Bringing a VM up`.booting(), state: state)
            for _ in 1...2 { _ = try machine.up(`Bringing a VM up`.spec()) { steps.add($0) } }
        }
        #expect(likes.withLock { $0.map(\.way) } == [.new, .present])
        #expect(likes.withLock { $0.allSatisfy { $0.goal == "cloud-init" && !$0.host.isEmpty } })
    }

    @Test func `has no first boot where nothing of the guest is awaited`() throws {
        var options = UpOptions()
        options.wait = .running
        let steps = try Self.steps(of: FakeHypervisor(), options)
        #expect(steps.suffix(2) == ["running begins", "running ends"])
        #expect(!steps.contains("first-boot begins"))
    }

    @Test func `takes an agent that answers for a sign of life where the console is silent`() throws {
        let host = FakeHypervisor()
        host.behaviour.withLock { $0.agent = { _ in #"{"return":{}}"# } }
        var options = UpOptions()
        options.wait = .agent
        let steps = try Self.steps(of: host, options)
        #expect(steps.suffix(4) == ["first-boot begins", "first-boot ends", "agent begins", "agent ends"])
    }

    @Test func `tells which step failed, and the end of what was undone`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            host.behaviour.withLock { $0.startFails = { _ in Failure(.libvirt, "no memory") } }
            let steps = StepLog()
            #expect(throws: Failure.self) {
                try Machine("web", on: host, state: state).up(`Bringing a VM up`.spec()) { steps.add($0) }
            }
            #expect(steps.bounds.suffix(4) == ["start begins", "start fails", "undo begins", "undo ends"])
        }
    }

    @Test func `tells of the wait for another limiq how it ended`() throws {
        try withScratchState { state throws in
            let machine = Machine("web", on: FakeHypervisor(), state: state)
            let (steps, cancellation) = (StepLog(), Cancellation())
            steps.watch {
                if case .begins(let step, _) = $0.event, step.kind == .lock { cancellation.cancel() }
            }
            let failure = try MachineLock.hold(machine, cancellation: Cancellation()) {
                () throws(Failure) -> Failure? in
                do throws(Failure) {
                    _ = try machine.up(`Bringing a VM up`.spec(), cancellation: cancellation) {
                        steps.add($0)
                    }
                    return nil
                } catch { return error }
            }
            #expect(failure?.code == .cancelled)
            #expect(steps.bounds == ["lock begins", "lock fails"])
        }
    }
}
