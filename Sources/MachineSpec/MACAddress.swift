import Basics
import Digests

extension NICSpec {
    /// The MAC address of a nic whose spec has none: from the machine's name and the nic's position, so that it stays
    /// the same. 52:54:00 is QEMU's prefix.
    package static func macAddress(ofMachine name: String, nic index: Int) -> String {
        let digest = SHA256.hash(data: Array("\(name)/\(index)".utf8))
        return "52:54:00" + digest.prefix(3).map { ":" + hexadecimal([$0]) }.joined()
    }
}

extension VMSpec {
    /// The MAC address of a nic; `nil` where there is no such nic.
    ///
    /// - Parameter index: from 0.
    public func macAddress(ofNIC index: Int) -> String? {
        guard nics.indices.contains(index) else { return nil }
        return (nics[index].macAddress ?? NICSpec.macAddress(ofMachine: name, nic: index)).lowercased()
    }
}
