import ArgumentParser
import Basics
import HostFiles

/// The kinds of words a shell offers after Tab.
extension CompletionKind {
    static var script: CompletionKind { .file(extensions: ["lua"]) }

    /// The machines that have a folder of the state folder. Hypervisors are not asked: none starts for a Tab.
    static var machine: CompletionKind {
        .custom { _, _, typed in
            let names = (try? StateFolder()).flatMap { try? namesInFolder($0.machines) } ?? []
            return names.filter { $0.hasPrefix(typed) && !$0.hasPrefix(".") }.sorted()
        }
    }
}
