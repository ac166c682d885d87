import Basics
import LuaRuntime
import Primitives
import Records
import Synchronization

/// The primitives by which a spec runs whole scripts, as `limiq run` and `limiq plan` do, in its own world.
struct SpecScripts: Sendable {
    let file: SpecFile
    let world: TestWorld
    /// The session of the file: what a script makes is thrown away with what the spec does.
    let parent: Session

    private struct Call: Sendable {
        var script = ""
        var overrides: [String: String] = [:]
        var words: [String] = []

        static let record = Record<Call>(
            "spec.run", "A script to run.", make: { Call() },
            fields: [
                Field("script", \.script, .path, required: true, ""),
                Field("set", \.overrides, .dictionary(of: .string), ""),
                Field("args", \.words, .list(of: .string), ""),
            ])
    }

    func primitives() -> [Primitive] {
        [
            Primitive("spec.run") { request in [try run(request)] },
            Primitive("spec.plan") { request in [try plan(request)] },
        ]
    }

    private func session(_ request: Request) throws(Failure) -> (Session, String) {
        let call = try Call.record.decode(request.arguments.first ?? .map([:]), at: "")
        let script = call.script.hasPrefix("/") ? call.script : "\(Self.folder(of: file.path))/\(call.script)"
        var session = try Session(connect: world.connect, script: script, world: world)
        session.parameters = try GivenParameters(texts: call.overrides, files: [])
        session.words = call.words
        session.choices = parent.choices
        session.lifetime = parent.lifetime
        return (session, script)
    }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    private func run(_ request: Request) throws -> Value {
        let (session, script) = try session(request)
        let printed = Mutex<[UInt8]>([])
        var options = try session.options()
        options.output = { _, bytes in
            let bytes = Array(bytes)
            printed.withLock { $0 += bytes }
        }
        options.input = { nil }
        let runtime = try LuaRuntime(
            options: options, primitives: try session.definitions(SpecDisplay(file: file)).map(\.primitive))
        defer { runtime.close() }
        var error: ScriptError?
        let interrupter = runtime.interrupter
        request.cancellation.withHandler({ interrupter.interrupt() }) {
            do throws(ScriptError) { _ = try runtime.run(file: script) } catch let failure { error = failure }
        }
        var result: Map = ["ok": .bool(error == nil), "output": Codec.bytes.encode(printed.withLock(\.self))]
        if let error {
            result.append("code", .string(error.failure.word))
            result.append("message", .string(error.failure.message))
            result.append("text", .string("\(error)"))
            if let hint = error.failure.hint { result.append("hint", .string(hint)) }
        }
        return .map(result)
    }

    private func plan(_ request: Request) throws -> Value {
        let (session, script) = try session(request)
        let plan = PlanRun(try session.environment())
        let rehearsal = try Rehearsal(
            script, session, primitives: plan.primitives(parameters: session.parameters))
        let stops = rehearsal.failure != nil && (plan.isGuessing || rehearsal.isOver)
        if let failure = rehearsal.failure, !stops { throw failure.failure }
        return .string(PlanTree(plan.steps, end: stops ? rehearsal.failure?.location ?? script : nil).text)
    }
}
