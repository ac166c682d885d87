import ArgumentParser
import Basics
import Glibc
import Provisioning

struct Exec: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a program in a machine's guest.",
        discussion: """
            By ssh; where no ssh server is reached, by the guest's agent, as root. The program gets its words unchanged, a \
            terminal where standard input and output are one, and its exit code is the command's.
            """)

    @Argument(help: ArgumentHelp("The machine.", valueName: "vm"), completion: CompletionKind.machine)
    var name: String

    @Option(help: ArgumentHelp("A variable of its environment.", valueName: "name=value"))
    var env: [String] = []

    @Option(help: ArgumentHelp("The folder it runs in.", valueName: "path"))
    var cwd: String?

    @OptionGroup var guest: GuestOptions

    @Argument(parsing: .postTerminator, help: "The program and its arguments.")
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else {
            throw ValidationError("what to run follows --: limiq exec \(name) -- uname -r")
        }
    }

    func run() throws {
        Signals.unblock()
        let surroundings = try surroundings()
        try surroundings.check()
        let access = try GuestAccess(name, guest, verb: "exec")
        let command = surroundings.around(command)
        if let ssh = try access.sshIfAny() {
            let hasTerminal = isatty(STDIN_FILENO) == 1 && StandardOutput.isTerminal
            try become(
                try ssh.words([GuestSSH.line(command)], hasTerminal: hasTerminal),
                package: "openssh-client")
        }
        let result = try access.machine.exec(
            command, stdin: isatty(STDIN_FILENO) == 1 ? nil : readInput(), timeout: .seconds(86_400),
            check: false)
        StandardOutput.write(result.stdout)
        StandardError.pass(result.stderr)
        throw ExitCode(Int32(truncatingIfNeeded: result.code))
    }

    private func surroundings() throws -> GuestSurroundings {
        let pairs = try env.map { word in
            guard let equals = word.firstIndex(of: "=") else {
                throw ValidationError("--env \(word): write --env NAME=VALUE")
            }
            return (name: String(word[..<equals]), value: String(word[word.index(after: equals)...]))
        }
        return GuestSurroundings(environment: pairs, folder: cwd)
    }

    /// All of standard input: the agent takes it whole.
    private func readInput() -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes += buffer.prefix(count)
        }
    }
}
