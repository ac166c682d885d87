import Basics

/// The machine, image or host whose work it is.
public struct Subject: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable {
        case vm, image, host
    }

    public var kind: Kind
    public var name: String

    public static func vm(_ name: String) -> Subject { Subject(kind: .vm, name: name) }
    public static func image(_ name: String) -> Subject { Subject(kind: .image, name: name) }
    /// - Parameter uri: libvirt's for it.
    public static func host(_ uri: String) -> Subject { Subject(kind: .host, name: uri) }
}

/// News of the work on a machine, an image or a host, for whoever watches.
public struct Progress: Sendable, Equatable {
    public enum Event: Sendable, Equatable {
        case begins(Step, detail: String?)
        /// The detail of how far the step is: `34% of 410 MiB`.
        case detail(Step, String)
        /// - Parameter ok: it has ended well.
        case ended(Step, Duration, ok: Bool)
        /// A warning that a person should know.
        case warning(String)
        /// A line of the guest's serial console.
        case console(String)
        /// A field of a machine that was there, which has become what the spec says.
        ///
        /// - Parameter path: as in a script: `disks[1].size_gib`.
        case changed(path: String)
        /// What the machine has in common with others, as soon as that is known.
        case isLike(Likeness)
        /// A field of a machine that was there, which waits for a start anew.
        ///
        /// - Parameter reason: why it waits.
        case waits(path: String, reason: String?)
        /// The words that lead a person into the guest: `limiq ssh web-01`.
        case wayIn(String)
        /// The end of the work: nothing more comes about it for now.
        case finished(Outcome, Duration)
    }

    public enum Outcome: String, Sendable {
        case up, unchanged, failed
        /// An image is there.
        case image
    }

    public var subject: Subject
    public var event: Event

    public init(_ subject: Subject, _ event: Event) {
        self.subject = subject
        self.event = event
    }
}

/// Work that tells of its steps.
package protocol StepTeller {
    func tell(_ event: Progress.Event)
}

extension StepTeller {
    /// Tells of the step's beginning and of its end, whatever that is.
    package func telling<Result>(
        _ kind: Step.Kind, _ detail: String? = nil, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let (step, start) = (Step(kind), ContinuousClock.Instant.present)
        tell(.begins(step, detail: detail))
        do throws(Failure) {
            let result = try body()
            tell(.ended(step, .present - start, ok: true))
            return result
        } catch {
            tell(.ended(step, .present - start, ok: false))
            throw error
        }
    }
}

/// The work on one image, told to whoever asked for it.
package struct ImageNews: StepTeller, Sendable {
    private let name: String
    private let progress: @Sendable (Progress) -> Void

    package init(name: String, progress: @escaping @Sendable (Progress) -> Void) {
        self.name = name
        self.progress = progress
    }

    package func tell(_ event: Progress.Event) { progress(Progress(.image(name), event)) }
}
