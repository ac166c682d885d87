import Basics
import Glibc
import LuaRuntime
import Synchronization
import Testing

import struct Support.ScratchFolder

/// The library of this checkout.
let libraryFolder = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/stdlib"

/// What a script did.
struct Outcome {
    var values: [Value] = []
    var error: ScriptError?
    var output = ""
    var errorOutput = ""
}

/// A runtime with a few primitives to call, and what it printed.
final class Script {
    let runtime: LuaRuntime
    private let printed = Printed()

    final class Printed: Sendable {
        let bytes = Mutex<(standard: [UInt8], error: [UInt8])>(([], []))
    }

    init(_ primitives: [Primitive] = [], configure: (inout LuaRuntime.Options) -> Void = { _ in }) throws {
        var options = LuaRuntime.Options(libraryFolder: libraryFolder)
        let printed = printed
        options.output = { stream, bytes in
            printed.bytes.withLock {
                if stream == .standard { $0.standard += bytes } else { $0.error += bytes }
            }
        }
        configure(&options)
        runtime = try LuaRuntime(options: options, primitives: Self.primitives + primitives)
    }

    func run(_ source: String, name: String = "test.lua") -> Outcome {
        outcome { () throws(ScriptError) in try runtime.run(source: source, name: name) }
    }

    func run(file: String) -> Outcome {
        outcome { () throws(ScriptError) in try runtime.run(file: file) }
    }

    private func outcome(_ body: () throws(ScriptError) -> [Value]) -> Outcome {
        var outcome = Outcome()
        do throws(ScriptError) { outcome.values = try body() } catch { outcome.error = error }
        printed.bytes.withLock {
            outcome.output = String(decoding: $0.standard, as: UTF8.self)
            outcome.errorOutput = String(decoding: $0.error, as: UTF8.self)
            $0 = ([], [])
        }
        return outcome
    }

    private static let primitives: [Primitive] = [
        Primitive("echo", .inline) { $0.arguments },
        Primitive("echo_later", .pooled) { $0.arguments },
        Primitive("fail", .inline) { request in
            throw Failure(
                word: "boom", request.arguments.first?.string ?? "it broke", hint: "do not", resource: "thing"
            )
        },
        Primitive("fail_later", .pooled) { request in
            throw Failure(word: "boom", request.arguments.first?.string ?? "it broke", hint: "do not")
        },
        // Blocks until it is cancelled, as a call to a daemon does.
        Primitive("block", .pooled) { request in
            let mailbox = Mailbox<Bool>()
            request.cancellation.withHandler({ mailbox.put(true) }) { _ = mailbox.next() }
            try request.cancellation.check()
            return []
        },
        Primitive("location", .pooled) { request in [.string(request.location ?? "nowhere")] },
    ]
}

/// Runs a script in a runtime of its own.
func run(
    _ source: String, primitives: [Primitive] = [], configure: (inout LuaRuntime.Options) -> Void = { _ in }
) throws -> Outcome {
    let script = try Script(primitives, configure: configure)
    defer { script.runtime.close() }
    return script.run("local rt = require 'limiq.runtime'; local perform = rt.perform; " + source)
}

/// The first value a script returns; a script that fails fails the test.
func value(_ source: String, location: SourceLocation = #_sourceLocation) throws -> Value {
    let outcome = try run(source)
    if let error = outcome.error {
        Issue.record("\(error)\n\(error.traceback ?? "")", sourceLocation: location)
    }
    return outcome.values.first ?? .null
}

/// The error a script ends with.
func failure(_ source: String, location: SourceLocation = #_sourceLocation) throws -> ScriptError {
    try #require(try run(source).error, sourceLocation: location)
}

/// A folder with these files, removed afterwards.
func withFolder<Result>(_ files: [String: String], _ body: (String) throws -> Result) throws -> Result {
    let scratch = try ScratchFolder(prefix: "lua")
    defer { scratch.remove() }
    let folder = scratch.path
    for (name, text) in files {
        let parts = name.split(separator: "/").dropLast()
        for count in parts.indices {
            mkdir(folder + "/" + parts[...count].joined(separator: "/"), 0o700)
        }
        let file = try #require(fopen("\(folder)/\(name)", "w"))
        fwrite(text, 1, text.utf8.count, file)
        fclose(file)
    }
    return try body(folder)
}

/// Runs a script of assertions.
func check(
    _ source: String, primitives: [Primitive] = [], location: SourceLocation = #_sourceLocation
) throws {
    if let error = try run(source, primitives: primitives).error {
        Issue.record("\(error)\n\(error.traceback ?? "")", sourceLocation: location)
    }
}
