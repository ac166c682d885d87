import ArgumentParser
import Basics
import HostFiles
import LuaRuntime
import Primitives

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check scripts without doing what they do: syntax, globals, field names, cloud-config.",
        discussion: """
            A script is run with every call that would touch the world answered as if it had been done. A .json or .yaml \
            file is checked as the description of a VM, as limiq up reads it.
            """)

    @Argument(
        help: ArgumentHelp("The scripts, or descriptions of VMs in JSON or YAML.", valueName: "script"),
        completion: .file(extensions: ["lua", "json", "yaml", "yml"]))
    var scripts: [String]

    @OptionGroup var parameters: ParameterOptions

    @OptionGroup var lock: LockOptions

    @OptionGroup(title: "Scripts that are not trusted") var sandbox: SandboxOptions

    func run() throws {
        // It has nothing to clean up.
        Signals.unblock()
        var hasErrors = false
        for script in scripts where try !check(script) { hasErrors = true }
        if hasErrors { throw ExitCode(1) }
    }

    /// - Returns: whether there are no errors.
    private func check(_ script: String) throws -> Bool {
        if [".json", ".yaml", ".yml"].contains(where: script.hasSuffix) {
            return try checkDescription(script)
        }
        let complaints = try LuaRuntime.check(file: script)
        for complaint in complaints { tell("\(complaint)") }
        // Each would end the run where it is read.
        guard complaints.isEmpty else { return false }

        var session = try Session(connect: nil, script: script)
        session.sandbox = sandbox.choice
        session.requiresLock = lock.locked
        session.parameters = try parameters.given()
        let dryRun = DryRun(try session.environment())
        let rehearsal = try Rehearsal(
            script, session, primitives: dryRun.primitives(parameters: session.parameters))
        let passes = tell(dryRun.findings)
        guard let failure = rehearsal.failure else { return passes }
        // Its own words are not known here: an error may be about their lack.
        if dryRun.isGuessing || rehearsal.isOver || rehearsal.lacksWords {
            let reason = rehearsal.lacksWords ? "its words" : "what a machine answers"
            tell(
                "\(failure.location ?? script): not checked from here on: that depends on \(reason)", .caution
            )
            return passes
        }
        tell("\(failure)")
        return false
    }

    private func checkDescription(_ file: String) throws -> Bool {
        var session = try Session(connect: nil, script: file)
        session.words = Up.words(file, session)
        let dryRun = DryRun(try session.environment(), files: .sent)
        let rehearsal = try Rehearsal(
            file, source: Up.script, session, primitives: dryRun.primitives(parameters: [:]))
        let name = lastComponent(file)
        let passes = tell(
            dryRun.findings.map { finding in
                var finding = finding
                // The line is one of limiq's own.
                finding.location = name
                return finding
            })
        guard let failure = rehearsal.failure, passes, !dryRun.isGuessing else { return passes }
        throw failure.failure
    }

    /// - Returns: whether none is an error.
    private func tell(_ findings: [DryRun.Finding]) -> Bool {
        for finding in findings {
            let names = finding.machines.joined(separator: ", ")
            let machine = names.isEmpty ? "" : "\(finding.machines.count > 1 ? "vms" : "vm") \(names): "
            let text = (finding.isError ? "" : "warning: ") + machine + finding.text
            tell(
                (finding.location.map { "\($0): " } ?? "") + text
                    + (finding.hint.map { "\n  hint: \($0)" } ?? ""), finding.isError ? .bad : .caution)
        }
        return !findings.contains(where: \.isError)
    }

    private func tell(_ line: String, _ tone: Tone = .bad) { StandardError.complain(line, tone) }
}
