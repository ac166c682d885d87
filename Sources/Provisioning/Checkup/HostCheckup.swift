import Basics
import Glibc
import HostFiles
import Hypervisors
import Libvirt

/// A look at the host for `limiq doctor`: each check by itself, so that one that fails hides no other. Nothing is changed,
/// but that daemons which start on demand do.
public struct HostCheckup: Sendable {
    let state: StateFolder
    let choice: HypervisorChoice
    let packages: HostPackages
    let hypervisor: any Hypervisor
    private let location: HypervisorURI

    /// - Parameters:
    ///   - hypervisor: the choice's, not opened yet.
    public init(
        state: StateFolder, choice: HypervisorChoice, packages: HostPackages, hypervisor: any Hypervisor
    ) {
        self.state = state
        self.choice = choice
        self.packages = packages
        self.hypervisor = hypervisor
        location = HypervisorURI(choice.uri)
    }

    /// Whether guests are run by QEMU on this host.
    var isHere: Bool { location.driver == "qemu" && location.isLocal }
    /// Whether guests are run by libvirt's daemon of the caller's session.
    var isSession: Bool { location.path == "/session" }
    /// Whether guests are run by limiq's own daemons.
    var isPrivate: Bool { choice.uri == PrivateDaemons(state: state).uri }

    /// Calls `report` with each finding as it is made: an answer of the hypervisor's may take seconds.
    public func perform(_ report: (HostFinding) -> Void) {
        checkState().forEach(report)
        report(HostFinding(.fine, "hypervisor", "\(choice.uri): \(choice.reason)"))
        checkPrograms().forEach(report)
        checkSockets().forEach(report)
        checkAccount().forEach(report)
        do throws(Failure) {
            let host = try hypervisor.host()
            report(versions(host))
            checkAcceleration(host).forEach(report)
            checkNetwork().forEach(report)
        } catch { report(HostFinding("libvirt", error)) }
    }

    private func versions(_ host: HostDescription) -> HostFinding {
        func text(_ version: Int) -> String {
            "\(version / 1_000_000).\(version / 1_000 % 1_000).\(version % 1_000)"
        }
        let libvirt = (try? (hypervisor as? LibvirtHypervisor)?.libvirtVersion()).map { " " + text($0) } ?? ""
        return HostFinding(
            .fine, "emulator",
            "\(host.emulator), version \(text(host.emulatorVersion)), as \(host.emulatorUser.name), by libvirt\(libvirt)"
        )
    }

    // MARK: programs and accounts

    private func checkPrograms() -> [HostFinding] {
        // Where guests run on another host nothing of theirs is needed here.
        let groups = isHere ? ["run", "host", "network", "some"] : ["run"]
        return packages.all.compactMap { package in
            guard groups.contains(package.group), !package.marks.isEmpty else { return nil }
            let subject = package.marks.map(lastComponent).joined(separator: ", ")
            guard let first = package.marks.first(where: isMissing) else {
                return HostFinding(.fine, subject, package.purpose)
            }
            let isNeeded = package.group == "run" || package.group == "host"
            return HostFinding(
                isNeeded ? .broken : .lacking, subject, "\(first) is missing: \(package.purpose)",
                remedy: packages.command(for: package))
        }
    }

    private func isMissing(_ mark: String) -> Bool {
        mark.hasPrefix("/") ? !fileExists(mark) : findProgram(mark) == nil
    }

    /// Checks the account QEMU runs under, which is not root: libvirt's packages make one for it.
    private func checkAccount() -> [HostFinding] {
        guard isHere, geteuid() == 0, isPrivate else { return [] }
        do throws(Failure) {
            let user = try PrivateDaemons.emulatorUser()
            return [HostFinding(.fine, "account", "QEMU runs as \(user.name)")]
        } catch { return [HostFinding("account", error)] }
    }

    // MARK: networks

    private func checkNetwork() -> [HostFinding] {
        guard isHere, !isSession, let networks = hypervisor.networks else { return [] }
        let subject = "default network"
        do throws(Failure) {
            switch try networks.network("default")?.isActive {
            case true?: return [HostFinding(.fine, subject, "started")]
            case false? where isPrivate:
                return [HostFinding(.fine, subject, "there; the first machine on it starts it")]
            case false?:
                return [
                    HostFinding(
                        .lacking, subject, "there, but not started",
                        remedy: "virsh -c \(choice.uri) net-start default")
                ]
            case nil:
                return [
                    HostFinding(
                        .lacking, subject, "missing: nics with network = \"default\" need it",
                        remedy:
                            "virsh -c '\(choice.uri)' net-define /usr/share/libvirt/networks/default.xml")
                ]
            }
        } catch { return [HostFinding(.lacking, subject, "\(error)")] }
    }
}
