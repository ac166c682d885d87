import Basics

extension Machine {
    /// The failure of a machine that is there and was to be lent.
    public var notToLend: Failure { taken("is there already, and is not limiq.with's to throw away") }

    private func taken(_ words: String) -> Failure {
        Failure(.inUse, "vm \(name) \(words)", hint: "choose another name", resource: name)
    }

    /// Looks whose a machine is that is there already, where it or what is asked for is thrown away at the end of a run.
    ///
    /// - Returns: whether a run that is gone has left it: it is made anew.
    /// - Throws: `Failure` with code `in_use` for one of another run that goes on, or that is there and was to be new.
    func isLeftByRun(_ record: MachineRecord, _ options: UpOptions) throws(Failure) -> Bool {
        guard let run = record.run else {
            if options.isLent { throw notToLend }
            return false
        }
        if run == options.ownRun {
            if options.isLent { throw taken("is lent already") }
            return false
        }
        // Another host's run, or another state folder's, leaves its lock where nobody here looks.
        if record.isMadeHere, record.folder == folder, RunLifetime.isOver(run, state) { return true }
        throw taken("belongs to another run, which throws it away at its end")
    }
}
