/// The formats limiq makes disks in.
public enum DiskFormat: String, Sendable, Codable, CaseIterable {
    case qcow2 = "DISK_FORMAT_QCOW2"
    case raw = "DISK_FORMAT_RAW"
}
