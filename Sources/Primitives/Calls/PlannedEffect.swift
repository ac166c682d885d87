import Basics

/// An effect with what a plan says of a call. What changes something has a plan, or cannot be made.
struct PlannedEffect<Arguments: Sendable>: Sendable {
    /// A function that tells the plan what the call would do, and gives what it would answer.
    typealias Plan = @Sendable (_ arguments: Arguments, _ call: PlannedCall) throws -> Value

    let effect: Effect
    /// The plan of the call; `nil` where the call is performed as it is, since it leaves the world alone.
    let plan: Plan?

    private init(_ effect: Effect, _ plan: Plan? = nil) {
        self.effect = effect
        self.plan = plan
    }

    static var pure: PlannedEffect { PlannedEffect(.pure) }

    static func reads(_ subject: Effect.Subject) -> PlannedEffect { PlannedEffect(.reads(subject)) }

    /// - Parameter plan: the answer, where the calls before may have changed what is read.
    static func reads(_ subject: Effect.Subject, plan: @escaping Plan) -> PlannedEffect {
        PlannedEffect(.reads(subject), plan)
    }

    /// - Parameter plan: the answer of one that waits for nothing.
    static func waits(_ subject: Effect.Subject, plan: @escaping Plan) -> PlannedEffect {
        PlannedEffect(.waits(subject), plan)
    }

    static func changes(_ subject: Effect.Subject, plan: @escaping Plan) -> PlannedEffect {
        PlannedEffect(.changes(subject), plan)
    }

    static func runsProgram(_ subject: Effect.Subject, plan: @escaping Plan) -> PlannedEffect {
        PlannedEffect(.runsProgram(subject), plan)
    }
}
