import Basics

/// The script of a simulated guest: what it does from its start on.
package struct GuestScript: Sendable {
    /// The end of a boot that goes wrong.
    package enum Fault: String, Sendable, CaseIterable {
        /// The kernel panics.
        case panic
        /// The guest switches itself off.
        case off
    }

    /// The time from its start until it has booted: its agent answers, and its nics have their addresses. `nil`: it hangs.
    package var boot: Duration? = .seconds(30)
    /// The time from when it is asked to shut down until it is off. `nil`: it does not hear.
    package var shutdown: Duration? = .seconds(2)
    /// Whether an agent runs in it.
    package var hasAgent = true
    /// The time from then until its cloud-init is done.
    package static let cloudInit = Duration.seconds(5)
    /// The errors that its cloud-init ends with.
    package var cloudInitErrors: [String] = []
    /// What happens in the place of the end of its boot.
    package var fault: Fault?
    /// The files its disk has at the first boot.
    package var files: [String: [UInt8]] = [:]
    /// The answer to a program that is run in it.
    package var answer: @Sendable (_ words: [String], _ input: [UInt8]) -> ProgramAnswer = { _, _ in
        ProgramAnswer()
    }

    package init() {}
}

/// The end of a program in a simulated guest.
package struct ProgramAnswer: Sendable, Equatable {
    package var code: Int64 = 0
    package var output: [UInt8] = []
    package var errors: [UInt8] = []

    package init(code: Int64 = 0, output: [UInt8] = [], errors: [UInt8] = []) {
        (self.code, self.output, self.errors) = (code, output, errors)
    }
}
