import ArgumentParser
import Basics
import Glibc
import LuaRuntime
import Primitives
import Provisioning
import Records

struct Plan: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell what a script would do, and do nothing.",
        discussion: """
            The script is run: what reads is answered from the host, what changes is written down. Exit code 2 where a run \
            would change something, 0 where it would not. Programs it would run are told and not counted. What only a guest \
            that runs can answer is marked: known after boot.
            """)

    @Argument(help: "The script.", completion: CompletionKind.script)
    var script: String

    @OptionGroup var parameters: ParameterOptions

    @OptionGroup var host: HostOptions

    @OptionGroup var lock: LockOptions

    @OptionGroup(title: "Scripts that are not trusted") var sandbox: SandboxOptions

    @Flag(help: "The plan as one JSON document.")
    var json = false

    @Argument(parsing: .postTerminator, help: "The script's own words.")
    var words: [String] = []

    func run() throws {
        // It has nothing to clean up.
        Signals.unblock()
        var session = try Session(connect: host.connect, script: script)
        session.sandbox = sandbox.choice
        session.requiresLock = lock.locked
        session.parameters = try parameters.given()
        session.words = words
        var environment = try session.environment()
        environment.usual = UsualTimes(in: session.state)
        let plan = PlanRun(environment)
        let rehearsal = try Rehearsal(
            script, session, primitives: plan.primitives(parameters: session.parameters))
        let stops = rehearsal.failure != nil && (plan.isGuessing || rehearsal.isOver)
        if let failure = rehearsal.failure, !stops { throw failure }
        let unnamed = stops ? [] : session.scriptPath.map { plan.unnamed(of: $0) } ?? []
        let end = stops ? rehearsal.failure?.location ?? script : nil
        if json {
            StandardOutput.print(json: try jsonText(document(plan, end: end, unnamed), pretty: true))
        } else {
            StandardOutput.print(PlanTree(plan.steps, end: end).painted(.output))
            for place in unnamed { StandardError.complain(Session.unnamed(place), .caution) }
        }
        if plan.isChange || stops { throw ExitCode(2) }
    }

    private func document(_ plan: PlanRun, end: String?, _ unnamed: [ScriptMachines.Place]) -> Value {
        var map: Map = [
            "changes": .bool(plan.isChange), "complete": .bool(end == nil),
            "steps": .list(plan.steps.map(\.value)),
        ]
        // From this line of the script on it depends on what a guest answers.
        if let end { map.append("known_up_to", .string(end)) }
        if !unnamed.isEmpty { map.append("unnamed", .list(unnamed.map { .string($0.name) })) }
        return .map(map)
    }
}
