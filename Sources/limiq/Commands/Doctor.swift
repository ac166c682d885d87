import ArgumentParser
import Basics
import Glibc
import Provisioning

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell what this host can do, what is missing, and how to get it.")

    @OptionGroup var host: HostOptions

    /// Programs limiq runs: what for, and the Debian package.
    private static let programs = [
        ("qemu-img", "converts and resizes disks", "qemu-utils"),
        ("ssh", "runs commands in guests without an agent", "openssh-client"),
        ("ssh-keygen", "makes limiq's own key where you have none", "openssh-client"),
        ("curl", "downloads images", "curl"),
        ("mmdebstrap", "builds debian-12 where nothing can be downloaded", "mmdebstrap"),
    ]

    func run() throws {
        Signals.unblock()
        var able = true
        let session = try Session(connect: host.connect)
        let choice = session.hosts.choice()
        report(true, "hypervisor", "\(choice.uri): \(choice.reason)")
        do {
            let description = try session.hosts.hypervisor(nil).host()
            let version = description.emulatorVersion
            report(
                true, "emulator",
                "\(description.emulator), version \(version / 1_000_000).\(version / 1000 % 1000).\(version % 1000), as \(description.emulatorUser.name)"
            )
            report(
                description.offersKVM, "acceleration",
                description.offersKVM
                    ? "KVM is offered; the first machine proves it"
                    : "none: guests are emulated, ten times slower")
        } catch {
            able = false
            report(false, "emulator", "\(error)")
        }
        for (program, purpose, package) in Self.programs {
            let path = Self.path(of: program)
            report(path != nil, program, path ?? "missing: it \(purpose); apt install \(package)")
        }
        report(true, "state", session.state.root)
        if !able { throw ExitCode(3) }
    }

    private func report(_ fine: Bool, _ what: String, _ text: String) {
        StandardOutput.print(TerminalText.complaint("\(fine ? "ok  " : "no  ")\(what): \(text)"))
    }

    private static func path(of program: String) -> String? {
        let folders = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        return folders.split(separator: ":").map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }
}
