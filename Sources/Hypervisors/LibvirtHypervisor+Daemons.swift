import Basics
import HostFiles
import Libvirt

/// The services a system's libvirt has from its service manager: networks that are started, and a log daemon that is
/// there.
extension LibvirtHypervisor {
    /// Stops the networks when the last machine has gone: the bridges, their addresses and their dnsmasq are nobody's
    /// any more.
    func stopUnusedNetworks() throws(Failure) {
        guard try domains().isEmpty else { return }
        try call("cannot stop the networks of \(uri)") { connection throws(LibvirtError) in
            try connection.forEachNetwork(activeOnly: true) { network throws(LibvirtError) in
                // One that somebody stops at the same time is stopped.
                do throws(LibvirtError) { try network.destroy() } catch {}
            }
        }
    }

    public func hasBridge(_ name: String) -> Bool {
        !location.isLocal || fileExists("/sys/class/net/\(name)")
    }
}

extension PrivateDaemons {
    /// Does what is missing for a start that failed for it.
    ///
    /// - Returns: whether the start is to be tried once more.
    func mend(_ failure: Failure, _ hypervisor: LibvirtHypervisor) throws(Failure) -> Bool {
        guard let words = failure.cause else { return false }
        if words.contains("virtlogd-sock") {
            try startLog()
            return true
        }
        let parts = words.split(separator: "'", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].hasSuffix("network "), parts[2] == " is not active" else {
            return false
        }
        try hypervisor.startNetwork(String(parts[1]))
        return true
    }
}
