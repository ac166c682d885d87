import Basics
import Glibc
import GuestConfig
import HostFiles
import MachineSpec

extension CloudInitSpec {
    /// The public host keys the user-data gives the guest (`ssh_keys` of cloud-config), in the form of `known_hosts`
    /// without the host.
    var hostKeys: [String] {
        guard let keys = cloudConfig?.value["ssh_keys"]?.map else { return [] }
        return keys.entries.filter { $0.key.hasSuffix("_public") }.compactMap(\.value.string)
            .map { $0.split(whereSeparator: \.isWhitespace).prefix(2).joined(separator: " ") }
            .filter { !$0.isEmpty }
    }
}

extension MachineLayout {
    /// Writes the host keys that `GuestSSH` then trusts alone.
    func writeHostKeys(_ keys: [String]) throws(Failure) {
        guard !keys.isEmpty else { return }
        let lines = keys.map { "\(GuestSSH.hostAlias) \($0)\n" }.joined()
        try writeBytes(Array(lines.utf8), to: hostKeys)
    }
}

extension GuestSSH {
    /// The guest's name in its own file of host keys: its address and port change.
    static let hostAlias = "guest"

    /// The settings of ssh about who answers. A guest whose host keys are known from its cloud-config must have one of
    /// them, at the first connection too; any other is believed at the first.
    ///
    /// - Throws: `Failure` with code `not_ours` where what has the name of either file would keep ssh waiting, or lead it to
    ///   write elsewhere.
    func trust() throws(Failure) -> [(name: String, value: String)] {
        let hostKeys = folder(of: knownHosts) + "host_keys"
        let (file, check) = fileExists(hostKeys) ? (hostKeys, "yes") : (knownHosts, "accept-new")
        var status = stat()
        guard lstat(file, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(
                .notOurs, "\(file) is no plain file", hint: "look what it is, and move it away",
                resource: file)
        }
        return [
            ("HostKeyAlias", Self.hostAlias), ("StrictHostKeyChecking", check),
            ("UserKnownHostsFile", Self.configured(file)), ("GlobalKnownHostsFile", "none"),
        ]
    }
}
