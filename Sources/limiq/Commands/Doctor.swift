import ArgumentParser
import Basics
import Glibc
import HostFiles
import Provisioning

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell what this host can do, what is missing, and how to get it.",
        discussion: """
            A line begins with ok, with -- where machines can be made without it, or with no where none can be made: then the \
            exit code is 3. Below it is the command that mends it.
            """)

    @OptionGroup var host: HostOptions

    func run() throws {
        Signals.unblock()
        Self.report(HostFinding(.fine, "limiq", limiqVersion))
        var able = true
        do throws(Failure) {
            let state = try StateFolder()
            let hosts = Hosts(connect: host.connect, state: state)
            let checkup = HostCheckup(
                state: state, choice: hosts.choice(),
                packages: try HostPackages(list: try Installation.library() + "/packages"),
                hypervisor: try hosts.hypervisor(nil))
            checkup.perform { finding in
                if finding.verdict == .broken { able = false }
                Self.report(finding)
            }
        } catch {
            able = false
            Self.report(HostFinding(.broken, "limiq", "\(error)"))
        }
        if !able { throw ExitCode(3) }
    }

    private static func report(_ finding: HostFinding) {
        let (mark, tone): (String, Tone) =
            switch finding.verdict {
            case .fine: ("ok", .good)
            case .lacking: ("--", .caution)
            case .broken: ("no", .bad)
            }
        let colours = Colours.output
        StandardOutput.print(
            colours.paint(mark, tone) + colours.paint("  \(finding.subject): \(finding.text)"))
        if let remedy = finding.remedy { StandardOutput.print("      \(remedy)") }
    }
}
