import Basics
import FoundationEssentials
import Glibc
import HostFiles
import Hypervisors
import Synchronization

/// The means by which a guest's instructions are run.
public enum Acceleration: String, Sendable, Codable, CaseIterable {
    /// The processor's own virtualisation.
    case kvm
    /// QEMU's translator.
    case emulation
}

/// The verdict whether guests survive hardware acceleration on this host: tried, not assumed from `/dev/kvm`, and
/// remembered for as long as neither the host has booted again nor QEMU has changed.
struct AccelerationVerdict: Sendable, Codable, Equatable {
    var bootID: String
    var emulatorVersion: Int
    var works: Bool
    /// The reason why acceleration does not work, for the warning.
    var reason: String?

    enum CodingKeys: String, CodingKey {
        case works, reason
        case bootID = "boot_id"
        case emulatorVersion = "emulator_version"
    }
}

/// Chooses the acceleration of a machine that leaves the choice to limiq.
struct AccelerationChooser: Sendable {
    let state: StateFolder
    let host: HostDescription
    let cpuinfo: @Sendable () -> String?
    /// The kernel's name for this boot.
    var bootID = readWhole("/proc/sys/kernel/random/boot_id")?.trimmed() ?? ""

    private var path: String { state.root + "/acceleration.json" }

    /// The acceleration to begin with, and what a person should be told of it.
    ///
    /// KVM on x86 is made of VMX or SVM. A `/dev/kvm` without either (a nested host that imitates them in software)
    /// lets a guest begin and kills it at some later instruction, minutes in: there nothing is tried.
    ///
    /// One machine at a time asks: the first is told, the others find it remembered.
    func choose() -> (acceleration: Acceleration, warning: String?) {
        Self.choosing.withLock { _ in chooseAlone() }
    }

    private static let choosing = Mutex(())

    private func chooseAlone() -> (acceleration: Acceleration, warning: String?) {
        guard host.offersKVM else { return (.emulation, nil) }
        if let verdict = remembered() {
            return (verdict.works ? .kvm : .emulation, nil)
        }
        if host.isLocal, host.architecture == "x86_64", !showsVirtualisation {
            let reason = "its processor shows neither vmx nor svm"
            remember(works: false, reason: reason)
            return (.emulation, Self.warning(reason))
        }
        return (.kvm, nil)
    }

    /// Whether the processor of this host, an x86, has VMX or SVM; where that cannot be read nothing speaks against it.
    var showsVirtualisation: Bool {
        cpuinfo().map { hasFlag("vmx", in: $0) || hasFlag("svm", in: $0) } ?? true
    }

    static func warning(_ reason: String) -> String {
        "/dev/kvm is there but guests do not survive it (\(reason)): running under emulation, which is slower"
    }

    /// Whether a guest that did not run may have KVM to blame: it ended by the hypervisor's fault, or QEMU ended while libvirt
    /// was starting it, or libvirt names KVM.
    static func isAtFault(_ failure: Failure) -> Bool {
        if failure.code == .guestFailed { return true }
        let words = failure.cause?.lowercased() ?? ""
        return failure.code == .libvirt
            && (words.contains("kvm") || words.contains("connecting to monitor")
                || words.contains("closed the monitor"))
    }

    /// Whether guests have lived, or died, under KVM on this host.
    var isProven: Bool { remembered() != nil }

    /// Whether guests have died under KVM on this host.
    var isRefuted: Bool { remembered()?.works == false }

    /// Remembers the verdict, of this host only: what is kept here would count for another one as well.
    func remember(works: Bool, reason: String? = nil) {
        guard host.isLocal else { return }
        let verdict = AccelerationVerdict(
            bootID: bootID, emulatorVersion: host.emulatorVersion, works: works, reason: reason)
        // A verdict that cannot be kept is found out again by the next run.
        guard let data = try? JSONEncoder().encode(verdict) else { return }
        try? writeBytes(data, to: path)
    }

    private func remembered() -> AccelerationVerdict? {
        guard host.isLocal, let text = readWhole(path),
            let verdict = try? JSONDecoder().decode(AccelerationVerdict.self, from: Data(text.utf8)),
            verdict.bootID == bootID, verdict.emulatorVersion == host.emulatorVersion
        else { return nil }
        return verdict
    }

    private func hasFlag(_ flag: String, in cpuinfo: String) -> Bool {
        cpuinfo.split(separator: "\n").first { $0.hasPrefix("flags") }?
            .split(separator: " ").contains { $0 == flag } ?? false
    }
}
