import Basics
import Libvirt

/// The failures for libvirt's refusals as a script sees them: libvirt's words as the cause, and for the well-known ones
/// the way out.
enum LibvirtFailure {
    /// - Parameters:
    ///   - doing: `cannot start web-01`.
    ///   - domain: whom it is about.
    static func make(_ doing: String, _ error: LibvirtError, domain: String? = nil) -> Failure {
        if error.code == .noDomain, let domain {
            return Failure(
                .notFound, "there is no domain \(domain)", hint: "limiq list shows the ones there are",
                resource: domain, cause: error.message)
        }
        let known = remedies.first { $0.fits(error) }
        return Failure(
            known?.code ?? .libvirt, doing, hint: known?.hint(error), resource: domain, cause: error.message)
    }

    private struct Remedy {
        let code: Failure.Code
        let fits: @Sendable (LibvirtError) -> Bool
        let hint: @Sendable (LibvirtError) -> String

        /// - Parameter words: libvirt's message has all of them.
        init(_ code: Failure.Code, words: String..., hint: @escaping @Sendable (LibvirtError) -> String) {
            self.code = code
            fits = { error in words.allSatisfy { error.message.contains($0) } }
            self.hint = hint
        }
    }

    /// The remedies, of which the first that fits counts. libvirt's error codes are too coarse for these (an inactive
    /// network is `VIR_ERR_OPERATION_INVALID`, as so much is), so its words decide; they are not translated as limiq
    /// never calls `setlocale`.
    private static let remedies: [Remedy] = [
        Remedy(.hostNotAble, words: "virtlogd-sock") { _ in
            "start libvirt's log daemon: systemctl start virtlogd, or where there is no systemd: virtlogd -d"
        },
        Remedy(.hostNotAble, words: "virtnetworkd-sock") { _ in
            "networks are libvirt's daemon's: systemctl start libvirtd, or where there is no systemd: virtlogd -d and "
                + "libvirtd -d; without a network the nic is on user networking"
        },
        Remedy(.hostNotAble, words: "Failed to connect socket", "Permission denied") { _ in
            "join the group of libvirt (sudo adduser $USER libvirt, then log in again), "
                + "or use --connect qemu:///session"
        },
        Remedy(.hostNotAble, words: "authentication unavailable") { _ in
            "join the group of libvirt (sudo adduser $USER libvirt, then log in again), "
                + "or use --connect qemu:///session"
        },
        Remedy(.hostNotAble, words: "Failed to connect socket") { _ in
            "start libvirt's daemon: systemctl start libvirtd, or where there is no systemd: "
                + "virtlogd -d and libvirtd -d"
        },
        Remedy(.hostNotAble, words: "qdisc kind is unknown") { _ in
            "the host's kernel cannot limit a bandwidth without these: modprobe -a sch_htb sch_sfq cls_fw"
        },
        Remedy(.hostNotAble, words: "UNIX socket path", "too long") { _ in
            "give the machine a shorter name, or libvirt a shorter folder for its sockets: limiq doctor says which"
        },
        Remedy(.hostNotAble, words: "XDG_RUNTIME_DIR") { _ in "log in anew, or unset XDG_RUNTIME_DIR" },
        Remedy(.hostNotAble, words: "Cannot recv data") { _ in
            "try it by hand: ssh to that host must work without a question, and libvirt run there"
        },
        Remedy(.hostNotAble, words: "no connection driver available") { _ in
            "install libvirt's QEMU driver: apt install libvirt-daemon-driver-qemu"
        },
        Remedy(.hostNotAble, words: "could not find any emulator") { _ in
            "install QEMU: apt install qemu-system-x86"
        },
        Remedy(.hostNotAble, words: "Cannot check QEMU binary") { _ in
            "install QEMU: apt install qemu-system-x86"
        },
        Remedy(.libvirt, words: "network '", "is not active") { error in
            "start it: virsh net-start \(quoted(in: error.message) ?? "default")"
        },
        Remedy(.libvirt, words: "no network with matching name") { _ in
            "virsh net-list --all shows the networks there are; without a network the nic is on user networking"
        },
        Remedy(.libvirt, words: "Cannot get interface MTU on") { error in
            "the host has no bridge \(quoted(in: error.message) ?? "of this name"): ip -br link show type bridge lists them"
        },
        Remedy(.libvirt, words: "no storage pool with matching name") { _ in
            "virsh pool-list --all shows the pools there are"
        },
        Remedy(.hostNotAble, words: "does not support virt type 'kvm'") { _ in
            "this host has no hardware acceleration for QEMU: see that /dev/kvm is there"
        },
        Remedy(.hostNotAble, words: "Could not access KVM kernel module") { _ in
            "QEMU's user may not open /dev/kvm: sudo adduser USER kvm, or leave acceleration to limiq"
        },
        Remedy(.libvirt, words: "Cannot access storage file", "Permission denied") { error in
            "let QEMU's user search every folder of \(quoted(in: error.message) ?? "the path") and read the file"
        },
        Remedy(.hostNotAble, words: "trusted.libvirt.security") { _ in
            "a container without the right to mount (CAP_SYS_ADMIN) cannot keep whose a file was: give it that right, or "
                + "write remember_owner = 0 into /etc/libvirt/qemu.conf"
        },
        Remedy(.libvirt, words: "Failed to get", "lock") { _ in
            "another process has the disk open: stop the VM or the program that uses it"
        },
        Remedy(.libvirt, words: "No space left on device") { _ in "free some space on the host" },
        Remedy(.libvirt, words: "cannot acquire state change lock") { _ in
            "another call about this domain does not end: see that its disks and its storage answer; where libvirt was killed "
                + "as it started it, stop libvirtd, remove the domain's file in /run/libvirt/qemu and start libvirtd"
        },
        Remedy(.libvirt, words: "guest agent is not") { _ in
            "wait until the guest's agent is up: domain:wait \"agent\""
        },
        Remedy(.libvirt, words: "Guest agent is not") { _ in
            "wait until the guest's agent is up: domain:wait \"agent\""
        },
        Remedy(.libvirt, words: "Active console session exists") { _ in
            "close the other console of this domain first"
        },
    ]

    /// The first part of a text in single quotes.
    private static func quoted(in text: String) -> String? {
        let parts = text.split(separator: "'", omittingEmptySubsequences: false)
        return parts.count > 2 ? String(parts[1]) : nil
    }
}
