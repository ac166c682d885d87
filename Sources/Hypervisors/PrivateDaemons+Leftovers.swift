import Basics
import Glibc

/// The files that libvirt leaves in its folders of domains that are gone. Nobody else may have a domain there.
extension PrivateDaemons {
    /// A file or folder that libvirt keeps for a domain.
    package struct Leftover: Equatable {
        /// The absolute path.
        package var path: String
        package var reason: String
    }

    /// The leftovers of domains that are gone, or that a killed process was just removing.
    ///
    /// - Parameters:
    ///   - domains: the names of those that are there.
    ///   - uuids: theirs; libvirt keeps a TPM's state by them.
    package func leftovers(domains: Set<String>, uuids: Set<String>) -> [Leftover] {
        // The system's own folders have domains of others.
        guard Self.canMount else { return [] }
        var found: [Leftover] = []
        for (folder, ending, what) in [
            (logs, ".log", "log"), (tpmLogs, "-swtpm.log", "TPM's log"),
            (folder + "/lib/qemu/nvram", "_VARS.fd", "UEFI variables"),
        ] {
            for file in (try? namesInFolder(folder)) ?? [] where file.hasSuffix(ending) {
                let name = String(file.dropLast(ending.count))
                if domains.contains(name) { continue }
                found.append(
                    .init(path: "\(folder)/\(file)", reason: "the \(what) of a domain that is gone"))
            }
        }
        let tpms = folder + "/lib/swtpm"
        for uuid in (try? namesInFolder(tpms)) ?? [] where !uuids.contains(uuid) {
            found.append(.init(path: "\(tpms)/\(uuid)", reason: "the TPM of a domain that is gone"))
        }
        return found
    }

    /// Removes the logs of a domain that is gone, which libvirt keeps, and those that virtlogd has begun anew.
    func removeLogs(of name: String) {
        guard Self.canMount else { return }
        for ending in ["", ".0", ".1", ".2", ".3"] { unlink("\(logs)/\(name).log\(ending)") }
        unlink("\(tpmLogs)/\(name)-swtpm.log")
    }

    private var logs: String { folder + "/log/qemu" }
    private var tpmLogs: String { folder + "/log/swtpm/libvirt/qemu" }
}
