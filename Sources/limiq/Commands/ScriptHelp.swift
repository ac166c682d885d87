import Basics
import LuaRuntime
import Primitives
import Records
import Synchronization

/// The help of `limiq help SCRIPT`: the script's first comment and the parameters it declares with `limiq.params`.
enum ScriptHelp {
    static func show(_ script: String) throws {
        Signals.unblock()
        let text = try firstComment(of: script)
        if !text.isEmpty { StandardOutput.print(text) }
        let parameters = try parameters(of: script)
        guard !parameters.isEmpty else { return StandardOutput.print("it has no parameters") }
        StandardOutput.print("parameters (limiq run \(script) --set NAME=VALUE):")
        StandardOutput.print(
            table(
                parameters.map { parameter in
                    let value = parameter["default"].flatMap { try? jsonText($0) } ?? ""
                    let words = [parameter["doc"]?.string, parameter["remarks"]?.string].compactMap(\.self)
                    return ["  \(parameter["name"]?.string ?? "?")", value, words.joined(separator: "; ")]
                }))
    }

    /// The words that a shell offers behind `--set`: names, and a name's values where it has choices.
    static func words(of script: String) throws -> [String] {
        Signals.unblock()
        return try parameters(of: script).flatMap { parameter -> [String] in
            guard let name = parameter["name"]?.string else { return [] }
            let choices = (parameter["choices"]?.list ?? []).compactMap(\.string)
            return choices.isEmpty ? ["\(name)="] : choices.map { "\(name)=\($0)" }
        }
    }

    /// Runs the script up to its `limiq.params`: there, and at anything that would touch the world, it stops.
    private static func parameters(of script: String) throws -> [Value] {
        let session = try Session(connect: nil, script: script)
        // `nil` until the script asks for its parameters, or does something before it does.
        let found = Mutex<[Value]?>(nil)
        let display = PlainDisplay()
        let primitives = try session.definitions(display).map { definition in
            let primitive = definition.primitive
            if primitive.name == "params.get" {
                return Primitive(primitive.name, .inline) { request in
                    found.withLock { $0 = $0 ?? request.arguments.first?.list ?? [] }
                    throw Failure(.cancelled, "the parameters are known")
                }
            }
            guard definition.effect != .pure else { return primitive }
            return Primitive(primitive.name, .inline) { _ in
                found.withLock { $0 = $0 ?? [] }
                throw Failure(.cancelled, "the script does something before it declares parameters")
            }
        }
        var options = try session.options()
        options.output = { _, _ in }
        let runtime = try LuaRuntime(options: options, primitives: primitives)
        let limit = TimeLimit(script, runtime.interrupter)
        defer { limit.end() }
        do {
            _ = try runtime.run(file: script)
        } catch {
            if let known = found.withLock({ $0 }) { return known }
            guard limit.isOver else { throw error }
            throw Failure(.timeout, "\(script) has come to no limiq.params after 10 s")
        }
        return found.withLock { $0 } ?? []
    }

    /// The comment lines a script begins with.
    private static func firstComment(of script: String) throws -> String {
        let text = String(decoding: try fileBytes(script, atMost: ReadLimit.document), as: UTF8.self)
        return text.split(separator: "\n", omittingEmptySubsequences: false)
            .drop { $0.hasPrefix("#!") }
            .prefix { $0.hasPrefix("--") }
            .map { $0.drop { $0 == "-" }.drop { $0 == " " } }
            .joined(separator: "\n")
    }
}
