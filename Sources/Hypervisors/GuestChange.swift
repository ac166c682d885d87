import Basics
import Libvirt

/// A change of a running guest only: its next start takes what its description says.
public enum GuestChange: Sendable, Equatable {
    /// The memory, asked of the guest's balloon; the guest follows in its own time, or not at all.
    case memory(mebibytes: UInt64)
    /// The processors that are online, in all.
    case processors(Int)
    /// The limits of a disk, named by its target, such as `vda`; 0 is no limit.
    case diskLimits(target: String, bytesPerSecond: UInt64, operationsPerSecond: UInt64)
    case diskSize(target: String, bytes: UInt64)
    /// The limit of a nic, in thousands of bytes a second in each direction; 0 is no limit.
    case bandwidth(macAddress: String, kilobytesPerSecond: UInt64)
    /// A device by its XML.
    case attach(String)
    case detach(String)
    case update(String)
    /// limiq's own element in the running domain's metadata.
    case metadata(String)
}

extension LibvirtHypervisor {
    public func change(_ name: String, _ change: GuestChange) throws(Failure) {
        try withDomain("change", name) { domain throws(LibvirtError) in
            switch change {
            case .memory(let mebibytes): try domain.setMemory(kibibytes: UInt(clamping: mebibytes << 10))
            case .processors(let count): try domain.setProcessors(UInt32(clamping: count))
            case .diskLimits(let target, let bytes, let operations):
                try domain.setLimits(ofDisk: target, bytesPerSecond: bytes, operationsPerSecond: operations)
            case .diskSize(let target, let bytes): try domain.resize(disk: target, bytes: bytes)
            case .bandwidth(let address, let rate):
                try domain.setBandwidth(ofInterface: address, kilobytesPerSecond: UInt32(clamping: rate))
            case .attach(let xml): try domain.attachLive(xml)
            case .detach(let xml): try domain.detachLive(xml)
            case .update(let xml): try domain.updateLive(xml)
            case .metadata(let xml):
                try domain.setLiveMetadata(
                    xml, namespace: Self.metadataNamespace, key: Self.metadataKey)
            }
        }
    }
}
