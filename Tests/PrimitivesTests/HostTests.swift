import Basics
import Glibc
import HostFiles
import Testing

@testable import Primitives

struct `limiq.host` {
    @Test func `A program's code, output and errors come back, bytes as they are`() async throws {
        try await onThread {
            let host = try HostSide()
            let answer = try host.call(
                "host.run",
                ["sh", "-c", "printf 'a\\377'; echo oops >&2; exit 3"], ["check": false],
                in: hostDefinitions)
            #expect(answer == ["code": 3, "stdout": .bytes([97, 255]), "stderr": "oops\n"])
        }
    }

    @Test func `Input, variables and the folder reach the program; arguments pass no shell`() async throws {
        try await onThread {
            let host = try HostSide()
            let answer = try host.call(
                "host.run",
                ["sh", "-c", "cat; echo \"$LIMIQ_TEST $HOME $1\"; pwd", "sh", "$(id) *"],
                [
                    "stdin": "in\n", "cwd": "/",
                    "env": ["LIMIQ_TEST": "x y", "HOME": "/nowhere"],
                ], in: hostDefinitions)
            #expect(answer["stdout"] == "in\nx y /nowhere $(id) *\n/\n")
            #expect(
                try host.call("host.run", ["pwd"], in: hostDefinitions)["stdout"]
                    == .string(host.folder + "\n"))
            #expect(try host.call("host.run", ["cat"], in: hostDefinitions)["stdout"] == "")
        }
    }

    @Test func `What repeats a secret is a secret, in a failure's cause too; what does not is text`()
        async throws
    {
        try await onThread {
            let host = try HostSide()
            Secrets.remember("kept by no program")
            let answer = try host.call(
                "host.run",
                ["sh", "-c", "echo it is kept by no program; echo oops >&2"],
                in: hostDefinitions)
            #expect(answer["stdout"] == .secret("it is kept by no program\n"))
            #expect(answer["stderr"] == "oops\n")
            let refused = failure {
                try host.call(
                    "host.run", ["sh", "-c", "echo kept by no program >&2; exit 1"],
                    in: hostDefinitions)
            }
            #expect(refused.masked.cause == "‹secret›")
        }
    }

    @Test func `A program that does not read its input is no error`() async throws {
        try await onThread {
            let host = try HostSide()
            let input = Value.string(String(repeating: "x", count: 1 << 20))
            #expect(
                try host.call("host.run", ["true"], ["stdin": input], in: hostDefinitions)["code"]
                    == 0)
        }
    }

    @Test func `A code other than 0 raises, with what the program said`() async throws {
        try await onThread {
            let host = try HostSide()
            let refused = failure {
                try host.call("host.run", ["ls", "/none"], in: hostDefinitions)
            }
            #expect(refused.code == .program)
            #expect(refused.message == "ls ended with code 2")
            #expect(refused.cause?.contains("No such file") == true)
            let killed = try host.call(
                "host.run", ["sh", "-c", "kill -9 $$"], ["check": false], in: hostDefinitions)
            #expect(killed["code"] == 137)
        }
    }

    @Test func `What cannot be run is said plainly`() async throws {
        try await onThread {
            let host = try HostSide()
            func message(_ command: Value, _ options: Value = .null) -> String {
                failure { try host.call("host.run", command, options, in: hostDefinitions) }.message
            }
            #expect(
                message(["limiq-no-such-program"])
                    == "the program limiq-no-such-program is not there")
            #expect(message(["./tool"]) == "the program \(host.folder)/./tool is not there")
            #expect(
                message(["true"], ["cwd": "none"]).contains(
                    "there is no folder \(host.folder)/none"))
            #expect(message([]) == "the command is empty")
            #expect(message(["a\0b"]).contains("NUL"))
            #expect(message(["true"], ["timout": 3]).contains("timout"))
        }
    }

    @Test func `--no-host forbids every program`() async throws {
        try await onThread {
            let host = try HostSide(gate: .withoutPrograms)
            let refused = failure {
                try host.call("host.run", ["touch", "made"], in: hostDefinitions)
            }
            #expect(refused.code == .forbidden)
            #expect(refused.message.contains("--no-host"))
            #expect(access(host.folder + "/made", F_OK) != 0)
        }
    }

    @Test func `A timeout ends the program and all it started, those that ignore SIGTERM too`() async throws {
        try await onThread {
            let host = try HostSide()
            let script = "trap '' TERM; sleep 300 & echo $! > child; echo $$ > parent; wait; sleep 300"
            // Until the program had the time to start its child: on a busy machine the first is too short.
            for (limit, shown) in [("500ms", "0.5"), ("5s", "5.0"), ("60s", "60.0")]
            where contents(ofFile: host.folder + "/parent") == nil {
                let refused = failure {
                    try host.call(
                        "host.run", ["sh", "-c", .string(script)], ["timeout": .string(limit)],
                        in: hostDefinitions)
                }
                #expect(refused.code == .timeout)
                #expect(refused.message == "sh took longer than \(shown) seconds")
            }
            try expectGone(host.folder + "/child")
            try expectGone(host.folder + "/parent")
        }
    }

    @Test func `A cancelled call ends the program and all it started`() async throws {
        try await onThread {
            let host = try HostSide()
            let cancellation = Cancellation()
            let marker = host.folder + "/child"
            // Cancelled once the child is known to run.
            startThread {
                while access(marker, F_OK) != 0 { usleep(10_000) }
                cancellation.cancel()
            }
            let refused = failure {
                try host.call(
                    "host.run",
                    ["sh", "-c", "sleep 300 & echo $! > child.new; mv child.new child; wait"],
                    in: hostDefinitions,
                    cancellation: cancellation)
            }
            #expect(refused.code == .cancelled)
            try expectGone(marker)
            #expect(
                failure {
                    try host.call(
                        "host.run", ["true"], in: hostDefinitions, cancellation: cancellation)
                }.code == .cancelled)
        }
    }

    @Test func `A program that writes without end is ended and named`() async throws {
        try await onThread {
            let host = try HostSide()
            let refused = failure {
                try host.call(
                    "host.run", ["sh", "-c", "echo $$ > pid; exec yes"], in: hostDefinitions)
            }
            #expect(refused.message == "sh wrote more than 64 MiB and was ended")
            try expectGone(host.folder + "/pid")
        }
    }

    /// The process whose number is in the file has ended (or waits as a zombie for whoever inherits it).
    private func expectGone(_ path: String, at location: SourceLocation = #_sourceLocation) throws {
        let text = try #require(contents(ofFile: path), sourceLocation: location)
        let id = try #require(pid_t(text.filter(\.isNumber)), sourceLocation: location)
        for _ in 0..<500 {
            if kill(id, 0) != 0 { return }
            if contents(ofFile: "/proc/\(id)/stat")?.contains(") Z ") == true { return }
            usleep(10_000)
        }
        Issue.record("process \(id) still runs", sourceLocation: location)
    }
}

/// Runs a test's body on a thread of its own: a primitive blocks, and the program it waits for is waited for on the
/// very threads Swift Testing runs on.
private func onThread(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        startThread { continuation.resume(with: Result { try body() }) }
    }
}

private func contents(ofFile path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
}
