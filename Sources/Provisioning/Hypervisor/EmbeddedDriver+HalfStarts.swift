import Basics
import Glibc
import XML

/// Domains that libvirt was just starting when its process was killed.
extension EmbeddedDriver {
    /// Forgets them, so that they are off: they have no QEMU, and libvirt would keep them as being started for ever.
    ///
    /// libvirt writes a domain's status, with the start as its unfinished job, before it lets the process that becomes QEMU
    /// go on; killed before that, the process ends with it. The next libvirt restores the job and, with no process to look
    /// for, never ends it (`qemuProcessReconnectHelper` of libvirt 9.0): every call about the domain then fails after 30 s.
    ///
    /// - Precondition: no driver runs in `root`.
    static func forgetHalfStarts(in root: String) throws(Failure) {
        let folder = "\(root)/run/qemu"
        guard fileExists(folder) else { return }
        for file in try namesInFolder(folder) where file.hasSuffix(".xml") {
            let path = "\(folder)/\(file)"
            guard let text = readWhole(path), let status = try? XMLReader.parse(text),
                status.name == "domstatus",
                status.attributes["pid"] == "0"
            else { continue }
            for element in ["libDir", "channelTargetDir"] {
                let own = status.first(element)?.attributes["path"] ?? ""
                if own.hasPrefix("\(root)/"), fileExists(own) { try removeWhole(own) }
            }
            try removeFile(path)
        }
    }
}
