import ArgumentParser
import Basics
import HostFiles

/// The options `--sandbox` and what belongs to it.
struct SandboxOptions: ParsableArguments {
    @Flag(
        help: """
            For a script you do not trust: it runs no program of this machine, reads and writes files only below its own \
            folder (and reads the images of the state folder), sees no variable of the environment, reaches no other host \
            than the run's own, and no machine that it has not made. What it makes guests do is not bounded: a guest \
            reaches the network as you do.
            """)
    var sandbox = false

    @Option(
        help: ArgumentHelp(
            "With --sandbox: what may be read as well, a file or a folder.", valueName: "path"),
        completion: .file())
    var allowRead: [String] = []

    @Option(
        help: ArgumentHelp(
            "With --sandbox: what may be read and written as well, a file or a folder.", valueName: "path"),
        completion: .file())
    var allowWrite: [String] = []

    @Option(
        help: ArgumentHelp(
            "With --sandbox: a variable of the environment that may be seen.", valueName: "name"))
    var allowEnv: [String] = []

    @Flag(help: "The script may not run programs of this machine, by any door: the first part of --sandbox.")
    var noHost = false

    func validate() throws {
        let given = [("--allow-read", allowRead), ("--allow-write", allowWrite), ("--allow-env", allowEnv)]
        if !sandbox, let (flag, _) = given.first(where: { !$0.1.isEmpty }) {
            throw ValidationError("\(flag) says what --sandbox leaves open, and is of no use without it")
        }
    }

    var choice: SandboxChoice {
        SandboxChoice(
            isOn: sandbox, forbidsPrograms: noHost,
            allowed: GateBounds.Allowed(reading: allowRead, writing: allowWrite, variables: allowEnv))
    }
}
