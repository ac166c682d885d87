import Basics
import LuaRuntime

/// A primitive with its schema: what `limiq.disk.overlay` takes, does and returns, and the function behind it.
public struct Definition: Sendable {
    public enum Arguments: Sendable {
        /// One table: `limiq.disk.overlay { path = …, size = … }`.
        case table
        /// One after the other: `limiq.disk.resize(path, size)`.
        case positional
    }

    public let primitive: Primitive
    public let effect: Effect
    /// One sentence and what else a caller must know.
    public let doc: String
    /// A few lines of Lua that work.
    public let example: String
    /// In LuaLS notation; empty for nothing.
    public let returns: String
    /// Reads the arguments of a call as the primitive does, and does nothing with them.
    let checkArguments: @Sendable ([Value]) throws -> Void
    let arguments: Arguments
    private let describe: @Sendable () -> RecordDescription
    var parameters: RecordDescription { describe() }

    /// - Parameters:
    ///   - effect: what a call does to the world. Nothing is taken for granted: each says it.
    ///   - record: the arguments' schema, read as `arguments` says.
    ///   - grace: how long a cancelled call may take to undo what it began.
    ///   - returns: the answer's type in LuaLS notation, empty for nothing.
    ///   - body: gets the decoded arguments; its answer becomes the call's only result (`.null` for none).
    public init<Owner: Sendable>(
        _ name: String, _ effect: Effect, _ arguments: Arguments, _ record: Record<Owner>,
        grace: Duration = .zero, returns: String = "", doc: String,
        example: String,
        body: @escaping @Sendable (Owner, Request) throws -> Value
    ) {
        self.effect = effect
        self.doc = doc
        self.example = example
        self.returns = returns
        self.arguments = arguments
        describe = { record.description }
        let decode: @Sendable ([Value]) throws(Failure) -> Owner = { values throws(Failure) in
            switch arguments {
            case .table:
                guard values.count <= 1 else {
                    throw Failure(.badField, "too many arguments: limiq.\(name) takes one table")
                }
                return try record.decode(values.first ?? .map([:]), at: "")
            case .positional:
                return try record.decode(positional: values)
            }
        }
        checkArguments = { _ = try decode($0) }
        // What only computes never waits.
        let execution: Primitive.Execution = effect == .pure ? .inline : .pooled
        let lane: @Sendable ([Value]) -> String = { values in
            effect.lane(values) { arguments == .positional ? record.fields.map(\.name) : [] }
        }
        primitive = Primitive(name, execution, grace: grace, lane: lane) { request in
            [try body(try decode(request.arguments), request)]
        }
    }
}
