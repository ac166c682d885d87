import Basics
import Provisioning
import Synchronization
import Testing

@Suite struct `The phases of bringing a VM up` {
    private static func steps(of host: FakeHypervisor, _ options: UpOptions = UpOptions()) throws -> [String]
    {
        let told = Mutex<[String]>([])
        try withScratchState { state throws in
            _ = try Machine("web", on: host, state: state).up(`Bringing a VM up`.spec(), options) { step in
                if step.phase == "console" { return }
                told.withLock { $0.append("\(step.phase) \(step.took == nil ? "begins" : "ends")") }
            }
        }
        return told.withLock { $0 }
    }

    @Test func `tells the beginning and the end of each phase, one after the other`() throws {
        let steps = try Self.steps(of: `Bringing a VM up`.booting())
        let phases = ["disks", "seed", "define", "start", "first-boot", "cloud-init"]
        #expect(steps == phases.flatMap { ["\($0) begins", "\($0) ends"] })
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
}
