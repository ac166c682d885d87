import Steps

/// The work on one machine, told to whoever asked for it.
struct MachineNews: StepTeller {
    let name: String
    let progress: @Sendable (Progress) -> Void

    func tell(_ event: Progress.Event) { progress(Progress(.vm(name), event)) }
}
