import Basics

extension Machine {
    /// Looks whose a machine is that is there already, where it or what is asked for is thrown away at the end of a run.
    ///
    /// - Returns: whether a run that is gone has left it: it is made anew.
    /// - Throws: `Failure` with code `in_use` for one of another run that goes on, or that is there and was to be new.
    func isLeftByRun(_ record: MachineRecord, _ options: UpOptions) throws(Failure) -> Bool {
        let owner: String
        if record.run == nil {
            guard options.isLent else { return false }
            owner = "is there already, and is not limiq.with's to throw away"
        } else if record.run == options.ownRun {
            guard options.isLent else { return false }
            owner = "is lent already"
        } else {
            if let run = record.run, RunLifetime.isOver(run, state) { return true }
            owner = "belongs to another run, which throws it away at its end"
        }
        throw Failure(.inUse, "vm \(name) \(owner)", hint: "choose another name", resource: name)
    }
}
