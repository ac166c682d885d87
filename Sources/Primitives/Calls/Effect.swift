import Basics

/// The effect of a primitive's call on the world. A plan, a check, the help of a script, whoever watches a run and the
/// queues of the hosts all go by it.
public enum Effect: Sendable, Equatable {
    /// The subject of a call.
    public enum Subject: Sendable, Equatable {
        /// The script's own files, and the programs and keys of this host.
        case files
        /// The images of disks and CD-ROMs as files.
        case disks
        /// The image library.
        case image
        /// A host and all that is on it.
        case host
        /// A machine or its domain: the first argument is its name, a handle, or a description.
        case machine
    }

    /// The call computes its answer from its arguments and from what the run was started with.
    case pure
    /// The call looks, and leaves everything as it is.
    case reads(Subject)
    /// The call looks again and again until something is so.
    case waits(Subject)
    /// The call leaves something other than it found it.
    case changes(Subject)
    /// The call runs a program, of which nobody can tell what it does.
    case runsProgram(Subject)

    public var subject: Subject? {
        switch self {
        case .pure: nil
        case .reads(let subject), .waits(let subject), .changes(let subject), .runsProgram(let subject):
            subject
        }
    }

    /// The queue a call waits in: the calls about one host are in one, those about files and images here in another.
    ///
    /// - Parameter names: the parameters' names in order; none where the arguments are one table.
    func lane(_ arguments: [Value], _ names: () -> [String]) -> String {
        guard subject == .machine || subject == .host else { return "this machine" }
        // A handle, a filter or the options: whatever names the host calls it `uri`.
        for argument in arguments { if let uri = argument["uri"]?.string { return uri } }
        if let place = names().firstIndex(of: "uri"), arguments.indices.contains(place),
            let uri = arguments[place].string
        {
            return uri
        }
        return "the run's own host"
    }
}
