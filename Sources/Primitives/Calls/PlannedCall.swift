import Basics
import LuaRuntime

/// A call of a script that is planned, and how a run would perform it.
struct PlannedCall {
    let run: PlanRun
    let request: Request
    let perform: () throws -> Value

    var environment: Environment { run.environment }

    func add(_ step: PlanStep) { run.add(step, request) }

    /// Notes a program that a run would start, and answers for it: nobody knows what it says.
    func runs(_ command: [String], on name: String, afterBoot: [String] = []) -> Value {
        var step = PlanStep(action: .run, kind: "program", name: name)
        step.parts = [.init(name: "runs", detail: command.joined(separator: " "))]
        step.afterBoot = afterBoot
        add(step)
        return ["code": 0, "stdout": run.guess(), "stderr": ""]
    }
}
