import Basics
import Foundation
import LuaRuntime
import Synchronization

/// What a script printed and returned, or how it failed.
struct Outcome {
    let values: [Value]
    let error: ScriptError?
    let output: String
}

/// Primitives to call: `echo` answers at once, `wait` after some milliseconds on a thread of the pool, `fail` never.
let testPrimitives: [Primitive] = [
    Primitive("test.echo", .inline) { $0.arguments },
    Primitive("test.wait") { request in
        let done = Mailbox<Void>()
        request.cancellation.withHandler({ done.put(()) }) {
            _ = done.next(before: .now + .milliseconds(request.arguments.first?.int ?? 10))
        }
        try request.cancellation.check()
        return request.arguments
    },
    Primitive("test.stuck", grace: .milliseconds(50)) { request in
        sleep(UInt32(request.arguments.first?.int ?? 3))
        return []
    },
    Primitive("test.fail") { _ in
        throw Failure("disk_exists", "it is there already", hint: "take another name", resource: "a.qcow2")
    },
]

private let library: String = {
    var folder = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { folder.deleteLastPathComponent() }
    return folder.path + "/stdlib"
}()

/// Runs a script on a thread of its own, so that a script that blocks holds up no other test.
///
/// - Parameter during: called with the run's interrupter beside it.
func run(
    _ script: String, file: String? = nil, searchPath: [String] = [], memoryLimit: Int = 256 << 20,
    during: (@Sendable (Interrupter) -> Void)? = nil
) async -> Outcome {
    await withCheckedContinuation { continuation in
        Thread {
            let printed = Mutex([UInt8]())
            var options = LuaRuntime.Options(libraryFolder: library)
            options.memoryLimit = memoryLimit
            options.searchPath = searchPath
            options.output = { bytes in printed.withLock { $0 += bytes } }
            func finish(_ values: [Value], _ error: ScriptError?) {
                continuation.resume(
                    returning: Outcome(
                        values: values, error: error,
                        output: String(decoding: printed.withLock { $0 }, as: UTF8.self)))
            }
            do throws(ScriptError) {
                let runtime: LuaRuntime
                do throws(Failure) {
                    runtime = try LuaRuntime(options: options, primitives: testPrimitives)
                } catch {
                    throw ScriptError(error)
                }
                let interrupter = runtime.interrupter
                if let during { Thread { during(interrupter) }.start() }
                let preamble =
                    "local rt = require 'limiq.runtime'; local echo, wait = function(...) return rt.perform('test.echo', ...) end, function(...) return rt.perform('test.wait', ...) end; "
                finish(
                    file == nil
                        ? try runtime.run(source: preamble + script, name: "@script.lua")
                        : try runtime.run(file: file ?? ""), nil)
            } catch {
                finish([], error)
            }
        }.start()
    }
}
