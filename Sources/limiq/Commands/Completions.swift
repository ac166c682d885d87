import ArgumentParser
import Basics
import HostFiles
import Provisioning

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

    /// The parameters of the script that stands on the command line. It is run up to where it declares them.
    static var parameter: CompletionKind {
        .custom { words, _, typed in
            guard let script = words.last(where: { $0.hasSuffix(".lua") }) else { return [] }
            return ((try? ScriptHelp.words(of: script)) ?? []).filter { $0.hasPrefix(typed) }
        }
    }

    /// The labels that machines have, as they were written down here.
    static var label: CompletionKind {
        .custom { _, _, typed in
            guard let state = try? StateFolder(), let names = try? namesInFolder(state.machines) else {
                return []
            }
            let labels = names.compactMap { MachineJournal.read(in: state.machine($0))?.record?.spec.labels }
            let words = Set(labels.flatMap { $0.map { "\($0.key)=\($0.value)" } })
            return words.filter { $0.hasPrefix(typed) }.sorted(by: comesBefore)
        }
    }

    /// The machines that have a folder of the state folder. Hypervisors are not asked: none starts for a Tab.
    static var machine: CompletionKind {
        .custom { _, _, typed in
            let names = (try? StateFolder()).flatMap { try? namesInFolder($0.machines) } ?? []
            // Those of other hosts are found there alone.
            return names.filter { $0.hasPrefix(typed) && !$0.hasPrefix(".") && !$0.contains("@") }
                .sorted(by: comesBefore)
        }
    }
}
