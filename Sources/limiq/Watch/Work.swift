import Basics
import LuaRuntime
import Primitives
import Steps

/// A call of a primitive that works on a machine or an image, as whoever watches a run sees it.
struct Work: Sendable, Equatable {
    var subject: Subject
    /// The verb of the primitive: `up` of `vm.up`.
    var action: String
    /// The step that shows as the machine's while the call lasts; `nil` where the call tells its steps itself.
    var step: Step?
    /// The place in the script: `build-web.lua:12`.
    var location: String?

    init(_ subject: Subject, _ action: String, step: Step? = nil, location: String? = nil) {
        self.subject = subject
        self.action = action
        self.step = step
        self.location = location
    }

    /// Makes the work of a call; `nil` for a call that is no work on one machine or image. One that only looks is none:
    /// scripts ask for what may not be there, and nobody waits for the answer.
    init?(_ request: Request, _ effect: Effect) {
        // Each call of a script is asked about, twice: most end here.
        let isCheck = request.name == "vm.check"
        if !isCheck {
            switch effect {
            case .pure, .reads: return nil
            case .waits, .changes, .runsProgram: break
            }
        }
        guard let dot = request.name.utf8.firstIndex(of: UInt8(ascii: ".")),
            let first = request.arguments.first
        else { return nil }
        let action = String(request.name[request.name.index(after: dot)...])
        switch isCheck ? .machine : effect.subject {
        case .machine:
            // A name, a handle or spec with one, or a handle that has it in its spec only.
            guard let name = first.string ?? first["name"]?.string ?? first["spec"]?["name"]?.string else {
                return nil
            }
            let tellsItself = ["up", "define", "lend"].contains(action) || isCheck
            let awaited = effect == .waits(.machine) ? request.arguments.dropFirst().first?.string : nil
            self.init(
                .vm(name), action, step: tellsItself ? nil : Step(word: awaited ?? action),
                location: request.location)
        case .image:
            guard let name = first.string ?? first["name"]?.string else { return nil }
            self.init(.image(name), action, location: request.location)
        case .files, .disks, .host, nil: return nil
        }
    }

    /// Whether the call only checks: looking at a spec is no work, but that it is wrong is worth telling.
    var isCheck: Bool { action == "check" }
}
