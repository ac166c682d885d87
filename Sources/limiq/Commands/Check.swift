import ArgumentParser
import Basics
import LuaRuntime
import Primitives

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check scripts without doing what they do: syntax, globals, field names, cloud-config.",
        discussion: """
            A script is run with every call that would touch the world answered as if it had been done. A .json file is \
            checked as the description of a VM.
            """)

    @Argument(
        help: ArgumentHelp("The scripts, or descriptions of VMs in JSON.", valueName: "script"),
        completion: .file(extensions: ["lua", "json"]))
    var scripts: [String]

    @OptionGroup var parameters: ParameterOptions

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
        if script.hasSuffix(".json") { return try checkDescription(script) }
        let complaints = try LuaRuntime.check(file: script)
        for complaint in complaints { tell("\(complaint)") }
        // Each would end the run where it is read.
        guard complaints.isEmpty else { return false }

        var session = try Session(connect: nil, script: script)
        session.sandbox = sandbox.choice
        session.overrides = try parameters.overrides()
        let dryRun = DryRun(try session.environment())
        let rehearsal = try Rehearsal(
            script, session, primitives: dryRun.primitives(overrides: session.overrides))
        let passes = tell(dryRun.findings)
        guard let failure = rehearsal.failure else { return passes }
        // Its own words are not known here: an error may be about their lack.
        if dryRun.isGuessing || rehearsal.isOver || rehearsal.lacksWords {
            let reason = rehearsal.lacksWords ? "its words" : "what a machine answers"
            tell("\(failure.location ?? script): not checked from here on: that depends on \(reason)")
            return passes
        }
        tell("\(failure)")
        return false
    }

    private func checkDescription(_ file: String) throws -> Bool {
        let session = try Session(connect: nil, script: file)
        let dryRun = DryRun(try session.environment())
        let name = file.lastIndex(of: "/").map { String(file[file.index(after: $0)...]) } ?? file
        let description = try JSONReader.read(
            String(decoding: try fileBytes(file, atMost: ReadLimit.document), as: UTF8.self), source: name)
        dryRun.check(description, Request(name: "vm.check", arguments: [description], location: name))
        return tell(dryRun.findings)
    }

    /// - Returns: whether none is an error.
    private func tell(_ findings: [DryRun.Finding]) -> Bool {
        for finding in findings {
            let machine = finding.machine.map { "vm \($0): " } ?? ""
            let text = (finding.isError ? "" : "warning: ") + machine + finding.text
            tell(
                (finding.location.map { "\($0): " } ?? "") + text
                    + (finding.hint.map { "\n  hint: \($0)" } ?? ""))
        }
        return !findings.contains(where: \.isError)
    }

    private func tell(_ line: String) { StandardError.complain(line) }
}
