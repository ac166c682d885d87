import Basics
import LuaRuntime
import Records

/// A primitive with its schema: what `limiq.disk.overlay` takes, does and returns, and the function behind it.
public struct Definition: Sendable {
    public enum Arguments: Sendable {
        /// The arguments are one table: `limiq.disk.overlay { path = …, size = … }`.
        case table
        /// The arguments come one after the other: `limiq.disk.resize(path, size)`.
        case positional
    }

    /// The place of a primitive in Lua.
    public enum Place: Sendable {
        /// The primitive hangs by its name: `limiq.disk.create`. One whose first parameter is a handle is the handle's
        /// method.
        case named
        /// The primitive is a function by another name: `limiq.ssh_keys()`.
        case function(String)
        /// The primitive is a table that is called: `limiq.image "debian-12"`.
        case call(String)
        /// The primitive is a table of which each field is an answer: `limiq.env.HOME`.
        case fields(String)
        /// The primitive is for the library's own Lua.
        case inner
    }

    public let primitive: Primitive
    let place: Place
    public let effect: Effect
    /// The answer of a plan; `nil` where the call is performed as it is.
    let plan: (@Sendable (PlannedCall) throws -> Value)?
    /// The answer of a check; `nil` where it makes an answer up, or performs the call.
    let check: (@Sendable (CheckedCall) throws -> Value)?
    /// The description: one sentence and what else a caller must know.
    public let doc: String
    /// The example: a few lines of Lua that work.
    public let example: String
    /// The type of the answer in LuaLS notation; empty for nothing.
    public let returns: String
    /// The records that `returns` is made of.
    let answers: [RecordDescription]
    /// Reads the arguments of a call as the primitive does, and does nothing with them.
    let checkArguments: @Sendable ([Value]) throws -> Void
    let arguments: Arguments
    private let describe: @Sendable () -> RecordDescription
    var parameters: RecordDescription { describe() }

    /// - Parameters:
    ///   - effect: what a call does to the world. Nothing is taken for granted: each says it.
    ///   - place: how it hangs in Lua.
    ///   - record: the arguments' schema, read as `arguments` says.
    ///   - grace: how long a cancelled call may take to undo what it began.
    ///   - returns: the answer's type in LuaLS notation, empty for nothing.
    ///   - answers: the records of the answer.
    ///   - check: the answer of a call that `limiq check` only looks at; made up of `returns` where left out.
    ///   - body: gets the decoded arguments; its answer becomes the call's only result (`.null` for none).
    init<Owner: Sendable>(
        _ name: String, _ effect: PlannedEffect<Owner>, in place: Place = .named, _ arguments: Arguments,
        _ record: Record<Owner>, grace: Duration = .zero, returns: String = "",
        answers: @autoclosure () -> [RecordDescription] = [], doc: String, example: String,
        check: (@Sendable (Owner, CheckedCall) throws -> Value)? = nil,
        body: @escaping @Sendable (Owner, Request) throws -> Value
    ) {
        self.effect = effect.effect
        self.place = place
        self.answers = answers()
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
        if let plan = effect.plan {
            self.plan = { call in try plan(try decode(call.request.arguments), call) }
        } else {
            plan = nil
        }
        if let check {
            self.check = { call in try check(try decode(call.request.arguments), call) }
        } else {
            self.check = nil
        }
        // What only computes never waits.
        let kind = effect.effect
        let execution: Primitive.Execution = kind == .pure ? .inline : .pooled
        let lane: @Sendable ([Value]) -> String = { values in
            kind.lane(values) { arguments == .positional ? record.fields.map(\.name) : [] }
        }
        primitive = Primitive(name, execution, grace: grace, lane: lane) { request in
            [try body(try decode(request.arguments), request)]
        }
    }
}
