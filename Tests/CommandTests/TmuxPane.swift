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
        for (name, value) in environment { variables[name] = value }
        variables["PS1"] = "$ "
        variables["NO_COLOR"] = environment["NO_COLOR"] ?? ""
        variables["PATH"] =
            "\(repository)/.build/debug:" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
        let start = try await command(
            "tmux",
            [
                "-f", "/dev/null", "-S", pane.socket, "new-session", "-d", "-x", "\(columns)", "-y",
                "\(rows)",
                "-c", limiq.folder, "bash --norc --noprofile",
            ], environment: variables)
        guard start.status == 0 else { throw Problem(text: "tmux: \(start.errors)") }
        do {
            guard try await eventually({ try await pane.lines().first == "$" }) else {
                throw Problem(text: "no shell in tmux: \(try await pane.lines())")
            }
            try await body(pane)
        } catch {
            _ = try await pane.tmux("kill-server")
            throw error
        }
        _ = try await pane.tmux("kill-server")
    }

    private struct Problem: Error { var text: String }

    private func tmux(_ words: String...) async throws -> String {
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
        let text = try await command("tmux", ["-S", socket] + words).output
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
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
