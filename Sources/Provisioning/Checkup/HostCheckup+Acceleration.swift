import Basics
import Glibc
import HostFiles
import Hypervisors

extension HostCheckup {
    /// Checks whether guests are accelerated. They run without it, ten times slower.
    func checkAcceleration(_ host: HostDescription) -> [HostFinding] {
        func finding(_ verdict: HostFinding.Verdict, _ text: String, _ remedy: String? = nil) -> [HostFinding]
        {
            [HostFinding(verdict, "acceleration", text, remedy: remedy)]
        }
        let slow = "guests are emulated, ten times slower"
        guard isHere else {
            return host.offersKVM
                ? finding(.fine, "KVM is offered; the first machine proves it")
                : finding(.lacking, "none is offered: \(slow)")
        }
        let cpuinfo = readWhole("/proc/cpuinfo")
        let chooser = AccelerationChooser(state: state, host: host, cpuinfo: { cpuinfo })
        let device = "/dev/kvm"
        let hasVirtualisation = host.architecture != "x86_64" || chooser.showsVirtualisation
        guard fileExists(device) else {
            return hasVirtualisation
                ? finding(
                    .lacking, "\(device) is not there: \(slow)", "modprobe kvm_intel || modprobe kvm_amd")
                : finding(
                    .lacking, "the processor shows neither vmx nor svm: \(slow)",
                    "switch virtualisation on in the firmware's set-up; a virtual machine needs it nested")
        }
        guard hasVirtualisation else {
            return finding(
                .lacking,
                "\(device) is there and useless, as the processor shows neither vmx nor svm: \(slow)",
                "switch virtualisation on in the firmware's set-up; a virtual machine needs it nested")
        }
        let user = host.emulatorUser
        guard AccessCheck(user).allows(device, 6) else {
            return finding(
                .lacking, "\(device) is closed to \(user.name), who runs QEMU: \(slow)",
                Self.opening(device, to: user))
        }
        if chooser.isRefuted {
            return finding(
                .lacking, "\(device) is there and useless, as guests have died under it: \(slow)",
                "rm \(state.root)/acceleration.json, to have it tried again")
        }
        guard host.offersKVM else {
            return finding(.lacking, "libvirt does not offer KVM: \(slow)", "virt-host-validate qemu")
        }
        return finding(
            .fine, chooser.isProven ? "KVM, proven" : "KVM is offered; the first machine proves it")
    }

    /// The commands by which an account may open a device: by its group, which the device may have to be given first.
    private static func opening(_ device: String, to user: EmulatorUser) -> String {
        var status = stat()
        var commands: [String] = []
        var group = "kvm"
        if stat(device, &status) == 0, status.st_gid != 0, status.st_mode & 0o060 == 0o060,
            let owner = Accounts.groupName(status.st_gid)
        {
            group = owner
        } else {
            commands.append("chgrp kvm \(device) && chmod 660 \(device)")
        }
        commands.append("usermod -aG \(group) \(user.name)")
        let isCaller = user.uid == geteuid()
        return commands.map { isCaller ? "sudo " + $0.replacing("&& ", with: "&& sudo ") : $0 }
            .joined(separator: " && ") + (isCaller ? ", then log in again" : "")
    }
}
