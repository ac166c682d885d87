import ArgumentParser
import Basics
import HostFiles

/// The kinds of words a shell offers after Tab.
extension CompletionKind {
    static var script: CompletionKind { .file(extensions: ["lua"]) }

    /// The images of the library, and those that can be pulled.
    static var image: CompletionKind {
        .custom { _, _, typed in
            let images = (try? Session(connect: nil)).flatMap { try? $0.images().list() } ?? []
            return images.map(\.name).filter { $0.hasPrefix(typed) }.sorted(by: comesBefore)
        }
    }

    /// The machines that have a folder of the state folder. Hypervisors are not asked: none starts for a Tab.
    static var machine: CompletionKind {
        .custom { _, _, typed in
            let names = (try? StateFolder()).flatMap { try? namesInFolder($0.machines) } ?? []
            return names.filter { $0.hasPrefix(typed) && !$0.hasPrefix(".") }.sorted()
        }
    }
}
