/// The words of cloud-init on the serial console so far.
///
/// It prints `Cloud-init v. 22.4.2 running 'init' at …` at the start of each of its four stages, and
/// `Cloud-init v. 22.4.2 finished at … Up 63.24 seconds` at the end, failed modules included (facts of
/// cloud-init's `cc_final_message` and `cmd/main.py`).
struct CloudInitConsole: Sendable, Equatable {
    /// The last stage that began: `init-local`, `init`, `modules:config`, `modules:final`.
    private(set) var stage: String?
    /// The whole finish line, which is unique to a boot.
    private(set) var finished: String?
    /// The complaints, as `module: message`.
    private(set) var errors: [String] = []
    /// The line of a kernel panic.
    private(set) var panic: String?
    /// Whether cloud-init's last unit failed: no finish line will come.
    private(set) var finalStageFailed = false
    /// The line with which whatever boots has given up.
    private(set) var deadEnd: String?
    /// Whether the kernel has ended itself, and left the machine as it is.
    private(set) var isHalted = false
    /// Whether cloud-init had finished in a boot before this one.
    private(set) var hasRestarted = false

    /// The lines of what waits for a person from here on: firmware without a disk to boot, GRUB without its files, an
    /// initramfs without a root, systemd without a file system it needs.
    private static let deadEnds = [
        "No bootable device", "No bootable option or device was found", "UEFI Interactive Shell",
        "Entering rescue mode...",
        "Dropping to a shell!", "You are in emergency mode", "Entering emergency mode. Exit the shell",
    ]

    mutating func take(_ line: String) {
        if line.contains("Kernel panic - not syncing") {
            panic = line
            return
        }
        // The kernel's last line before the machine is reset: what follows is another boot.
        if line.contains("reboot: Restarting system") { return beginBoot() }
        if line.contains("reboot: System halted") || line.contains("reboot: Power down") { isHalted = true }
        if line.contains("] Linux version ") { deadEnd = nil }
        if Self.deadEnds.contains(where: line.contains) { deadEnd = line }
        if let marker = Self.range(of: "Cloud-init v. ", in: line) {
            let rest = line[marker...]
            if Self.range(of: " finished at ", in: rest) != nil {
                finished = String(rest)
                stage = nil
            } else if let start = Self.range(of: " running '", in: rest) {
                let name = rest[start...].dropFirst(" running '".count).prefix { $0 != "'" }
                // A new boot of the same guest.
                if finished != nil || name == "init-local" { beginBoot() }
                stage = String(name)
            }
            return
        }
        // A guest may complain without end.
        if errors.count < 100, let error = Self.error(in: line), !errors.contains(error) {
            errors.append(error)
        }
        if line.contains("FAILED"), line.contains("Failed to start"), line.contains("cloud-final") {
            finalStageFailed = true
        }
    }

    private mutating func beginBoot() {
        let hasRestarted = hasRestarted || finished != nil
        self = CloudInitConsole()
        self.hasRestarted = hasRestarted
    }

    /// The error in a line such as `util.py[WARNING]: Running module locale (<module …>) failed`,
    /// `cc_scripts_user.py[WARNING]: Failed to run module scripts_user (scripts in …)`, `[FAILED] Failed to start
    /// cloud-config.service - …`; `nil` in any other.
    private static func error(in line: String) -> String? {
        if line.contains("FAILED"), let start = range(of: "Failed to start cloud-", in: line) {
            return String(line[start...])
        }
        for level in ["[WARNING]: ", "[ERROR]: ", "[CRITICAL]: "] {
            guard let start = range(of: level, in: line) else { continue }
            let message = String(line[start...].dropFirst(level.count))
            let source = line[..<start].split(separator: " ").last ?? ""
            guard source.hasSuffix(".py") else { continue }
            if let module = word(after: "Running module ", in: message), message.hasSuffix("failed") {
                return "\(module): failed"
            }
            if let module = word(after: "Failed to run module ", in: message) {
                return "\(module): \(message)"
            }
            if source.hasPrefix("cc_"), message.contains("ailed") {
                return "\(source.dropFirst(3).dropLast(3)): \(message)"
            }
        }
        return nil
    }

    private static func word(after prefix: String, in text: String) -> String? {
        range(of: prefix, in: text).map { String(text[$0...].dropFirst(prefix.count).prefix { $0 != " " }) }
    }

    /// The place in a text where `needle` begins.
    private static func range(of needle: String, in text: some StringProtocol) -> String.Index? {
        let pattern = Array(needle.utf8)
        let bytes = text.utf8
        var start = bytes.startIndex
        while start != bytes.endIndex {
            if bytes[start] == pattern[0], bytes[start...].starts(with: pattern) { return start }
            start = bytes.index(after: start)
        }
        return nil
    }
}
