import ArgumentParser
import Basics
import Glibc
import Hypervisors
import Provisioning

struct Console: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Talk to a machine's serial console; Ctrl-] ends it.",
        discussion: """
            It is passed on byte for byte: what the guest writes to it steers your terminal. limiq logs prints what the guest \
            has said since it started, as plain text.
            """)

    @Argument(help: ArgumentHelp("The machine.", valueName: "vm"), completion: CompletionKind.machine)
    var name: String

    @OptionGroup var host: HostOptions

    func run() throws {
        Signals.unblock()
        let session = try Session(connect: host.connect)
        let machine = Machine(name, on: try session.hosts.hypervisor(nil), state: session.state)
        try machine.requireDomain()
        let stream = try machine.hypervisor.openConsole(name)
        let greeting = "connected to \(TerminalText.visible(name)); Ctrl-] ends it"
        writeAll(Array("\(greeting)\r\n".utf8), to: STDERR_FILENO)
        let terminal = RawTerminal()
        defer { terminal?.restore() }
        startThread {
            showOutput(of: stream)
            stream.close()
            terminal?.restore()
            _exit(0)
        }
        try Self.pass(to: stream)
        stream.close()
    }

    /// Passes on what is typed, up to Ctrl-] or the end of the input.
    private static func pass(to stream: any ConsoleStream) throws {
        var buffer = [UInt8](repeating: 0, count: 1024)
        while true {
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            let typed = buffer.prefix(count)
            if let end = typed.firstIndex(of: 0x1D) {
                if end > 0 { try stream.write(Array(typed[..<end])) }
                return
            }
            try stream.write(Array(typed))
        }
    }
}

/// Shows what the guest says, until its console ends.
private func showOutput(of stream: any ConsoleStream) {
    while let bytes = try? stream.read(), !bytes.isEmpty { StandardOutput.write(bytes) }
}

/// A terminal that passes every key on; `nil` where standard input is none.
private struct RawTerminal: Sendable {
    private let before: termios

    init?() {
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        before = settings
        cfmakeraw(&settings)
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    func restore() {
        var settings = before
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }
}
