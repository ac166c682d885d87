import Basics
import Glibc

/// What the driver leaves in its root of domains that are gone. Nobody else may have a domain there: the process that
/// holds the root knows all of them.
extension EmbeddedDriver {
    /// Of a domain that is gone, or that a killed process was just removing.
    ///
    /// - Parameters:
    ///   - domains: the names of those that are there.
    ///   - uuids: theirs; libvirt keeps a TPM's state by them.
    static func leftovers(in root: String, domains: Set<String>, uuids: Set<String>) -> [Leftovers.Item] {
        var found: [Leftovers.Item] = []
        for (folder, ending, what) in [
            (logs(root), ".log", "log"), (tpmLogs(root), "-swtpm.log", "TPM's log"),
            ("\(root)/lib/qemu/nvram", "_VARS.fd", "UEFI variables"),
        ] {
            for file in (try? namesInFolder(folder)) ?? [] where file.hasSuffix(ending) {
                let name = String(file.dropLast(ending.count))
                if domains.contains(name) { continue }
                found.append(.init(path: "\(folder)/\(file)", reason: "the \(what) of a domain that is gone"))
            }
        }
        let tpms = "\(root)/lib/swtpm"
        for uuid in (try? namesInFolder(tpms)) ?? [] where !uuids.contains(uuid) {
            found.append(
                .init(path: "\(tpms)/\(uuid)", reason: "the TPM of a domain that is gone", kind: .folder))
        }
        return found
    }

    static func removeLogs(of name: String, in root: String) {
        unlink("\(logs(root))/\(name).log")
        unlink("\(tpmLogs(root))/\(name)-swtpm.log")
    }

    private static func logs(_ root: String) -> String { "\(root)/log/qemu" }
    private static func tpmLogs(_ root: String) -> String { "\(root)/log/swtpm/libvirt/qemu" }
}
