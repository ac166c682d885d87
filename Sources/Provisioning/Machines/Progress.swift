/// A step of something that takes long, for whoever watches.
public struct Progress: Sendable {
    /// The machine or image it is about.
    public var subject: String
    /// `disks`, `seed`, `start`, `cloud-init`, `download` …
    public var phase: String
    /// What there is to say of it.
    public var detail: String?
    /// Set where the phase has ended.
    public var took: Duration?
    /// Nothing more comes about this subject for now.
    public var isLast: Bool

    public init(
        _ subject: String, _ phase: String, detail: String? = nil, took: Duration? = nil, isLast: Bool = false
    ) {
        self.subject = subject
        self.phase = phase
        self.detail = detail
        self.took = took
        self.isLast = isLast
    }

    /// A step of a machine.
    public init(_ step: MachineProgress) {
        self.init(step.machine, step.phase, detail: step.detail, took: step.took)
    }
}
