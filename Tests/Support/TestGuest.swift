import Basics
import Glibc

/// The smallest guest: a boot sector that needs a second under emulation.
///
/// It writes `limiq test guest` to its serial port, then a dot about every second; it echoes what it reads there, and at a
/// `q` powers itself off (by the ACPI port of a q35 machine).
public enum TestGuest {
    public static let greeting = "limiq test guest\r\n"

    /// x86 real-mode code at 0x7C00: registers and stack; print the greeting; then for ever: a byte at COM1 (0x3F8) is
    /// echoed, `q` writes 0x2000 to port 0x604, else halt until the timer's next tick, and at each 18th write a dot.
    private static let code: [UInt8] = [
        0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0x31, 0xc9, 0xfb,
        0xfc, 0xbe, 0x57, 0x7c, 0xac, 0x84, 0xc0, 0x74, 0x05, 0xe8, 0x30, 0x00,
        0xeb, 0xf6, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0x0d, 0xba, 0xf8,
        0x03, 0xec, 0x3c, 0x71, 0x74, 0x15, 0xe8, 0x1b, 0x00, 0xeb, 0xeb, 0xf4,
        0x41, 0x83, 0xf9, 0x12, 0x72, 0xe4, 0x31, 0xc9, 0xb0, 0x2e, 0xe8, 0x0b,
        0x00, 0xeb, 0xdb, 0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xeb, 0xe7,
        0x50, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, 0xfb, 0x58, 0xba, 0xf8,
        0x03, 0xee, 0xc3,
    ]

    /// Writes the guest's disk, a raw image of 1 MiB.
    public static func writeDisk(_ path: String) throws {
        var sector = code + Array(greeting.utf8)
        sector += [UInt8](repeating: 0, count: 510 - sector.count) + [0x55, 0xaa]
        guard let file = fopen(path, "wxe") else {
            throw Failure(.io, "cannot write \(path)", cause: String(cString: strerror(errno)))
        }
        defer { fclose(file) }
        guard fwrite(sector, 1, sector.count, file) == sector.count, ftruncate(fileno(file), 1 << 20) == 0
        else {
            throw Failure(.io, "cannot write \(path)", cause: String(cString: strerror(errno)))
        }
    }

    /// A domain that boots that disk under emulation, in 64 MiB.
    ///
    /// - Parameters:
    ///   - log: the file its serial console is logged to.
    ///   - devices: XML of more devices.
    public static func domain(
        _ name: String, disk: String? = nil, log: String? = nil, devices: String = ""
    ) -> String {
        let disk = disk.map {
            """
            <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='\($0)'/>
            <target dev='sda' bus='sata'/></disk>
            """
        }
        let log = log.map { "<log file='\($0)' append='off'/>" }
        return """
            <domain type='qemu'>
              <name>\(name)</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
              <os><type arch='x86_64' machine='q35'>hvm</type></os>
              <features><acpi/></features>
              <devices>
                <emulator>/usr/bin/qemu-system-x86_64</emulator>
                \(disk ?? "")
                <serial type='pty'>\(log ?? "")</serial>
                \(devices)
              </devices>
            </domain>
            """
    }
}
