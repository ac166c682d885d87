import Basics
import Foundation
import Support

/// A terminal by somebody else: a shell in a tmux of the test's own, which a test types into and looks at.
struct TmuxPane {
    private let socket: String

    /// Runs `body` with a shell of `size` in the command's folder, and ends it.
    static func with(
        _ limiq: LimiqCommand, columns: Int = 80, rows: Int = 20, environment: [String: String] = [:],
        _ body: (TmuxPane) async throws -> Void
    ) async throws {
        let pane = TmuxPane(socket: limiq.folder + "/tmux")
        var variables = limiq.environment
        // tmux names its terminal itself, and standard input is no terminal here.
        variables["TERM"] = ""
        variables["PS1"] = "$ "
        variables["NO_COLOR"] = ""
        let folder = URL(fileURLWithPath: program).deletingLastPathComponent().path
        variables["PATH"] = "\(folder):" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
        for (name, value) in environment { variables[name] = value }
        // In the foreground: a daemon would keep what tells the test that the program it started has ended. With no signal
        // blocked, as Dispatch's threads have them: Ctrl-Z would stop nothing.
        let server = try RunningCommand(
            "env", ["--default-signal", "tmux", "-D", "-f", "/dev/null", "-S", pane.socket],
            environment: variables)
        do {
            guard try await eventually({ folderNames(limiq.folder).contains("tmux") }) else {
                throw Failure(.program, "tmux does not listen")
            }
            let start = try await command(
                "tmux",
                [
                    "-S", pane.socket, "new-session", "-d", "-x", "\(columns)", "-y", "\(rows)", "-c",
                    limiq.folder, "bash", "--norc", "--noprofile",
                ], environment: variables)
            guard start.status == 0 else { throw Failure(.program, "tmux", cause: start.errors) }
            guard try await eventually({ try await pane.lines().first == "$" }) else {
                throw Failure(.program, "no shell in tmux", cause: "\(try await pane.lines())")
            }
            try await body(pane)
        } catch {
            server.signal(SIGKILL)
            throw error
        }
        server.signal(SIGKILL)
        _ = await server.result()
    }

    private func tmux(_ words: String...) async throws -> String { try await tmux(words) }

    private func tmux(_ words: [String]) async throws -> String {
        try await command("tmux", ["-S", socket] + words).output
    }

    /// Types a line.
    func enter(_ line: String) async throws {
        _ = try await tmux("send-keys", "-l", line)
        _ = try await tmux("send-keys", "Enter")
    }

    /// Presses a key by tmux's name for it: `C-c`.
    func press(_ key: String) async throws { _ = try await tmux("send-keys", key) }

    func resize(columns: Int, rows: Int) async throws {
        _ = try await tmux("resize-window", "-x", "\(columns)", "-y", "\(rows)")
    }

    /// What is on the screen, without the empty lines at its end.
    func lines() async throws -> [String] { try await lines("capture-pane", "-p") }

    /// With what has been scrolled out of it.
    func history() async throws -> [String] { try await lines("capture-pane", "-p", "-S", "-") }

    /// With its colours.
    func coloured() async throws -> String { try await tmux("capture-pane", "-p", "-e") }

    var cursorIsVisible: Bool {
        get async throws { try await tmux("display-message", "-p", "#{cursor_flag}").hasPrefix("1") }
    }

    private func lines(_ words: String...) async throws -> [String] {
        var lines = try await tmux(words).split(separator: "\n", omittingEmptySubsequences: false).map {
            line in
            String(line).trimmingCharacters(in: .whitespaces)
        }
        while lines.last == "" { lines.removeLast() }
        return lines
    }

    /// Waits until the screen is as wanted.
    func shows(_ isSo: ([String]) -> Bool) async throws -> Bool {
        try await eventually { isSo(try await lines()) }
    }
}
