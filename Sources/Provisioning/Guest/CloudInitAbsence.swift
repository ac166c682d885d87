import Basics

/// The reason why cloud-init does not run in a guest: what its own boot scripts have decided, long before anybody can
/// ask.
enum CloudInitAbsence: Sendable, Equatable {
    /// Somebody switched it off, by `/etc/cloud/cloud-init.disabled`.
    case switchedOff
    /// cloud-init found nothing to read, or its kernel's command line forbids it.
    case disabled
    case notInstalled

    /// The file cloud-init writes when it is done.
    static let result = "/run/cloud-init/result.json"
    /// The files its boot scripts write where it is to run, and where it is not.
    static let enabledMark = "/run/cloud-init/enabled"
    static let disabledMark = "/run/cloud-init/disabled"
    static let offSwitch = "/etc/cloud/cloud-init.disabled"
    static let programs = ["/usr/bin/cloud-init", "/usr/local/bin/cloud-init"]

    func failure(of name: String) -> Failure {
        let (message, hint) =
            switch self {
            case .switchedOff:
                (
                    "cloud-init is disabled in \(name) by \(Self.offSwitch), and does not run",
                    "remove that file in the guest and start it anew"
                )
            case .disabled:
                (
                    "cloud-init is disabled in \(name), and does not run: it found no seed, or its kernel's command line "
                        + "says so",
                    "the guest's /run/cloud-init/ds-identify.log and /proc/cmdline say which"
                )
            case .notInstalled:
                ("there is no cloud-init in \(name)", "take an image that has it")
            }
        return Failure(
            .noCloudInit, message, hint: "\(hint), or wait for \"agent\", \"ssh\" or \"running\"",
            resource: name)
    }
}

/// The news of cloud-init from a guest that answers.
enum CloudInitNews: Sendable {
    case done(CloudInitOutcome)
    case absent(CloudInitAbsence)
}

extension GuestAgent {
    /// - Returns: `nil` where it will run, or nothing is known of it yet.
    /// - Throws: where the guest does not answer just now.
    func cloudInitAbsence() throws(Failure) -> CloudInitAbsence? {
        if try has(CloudInitAbsence.disabledMark) {
            return try has(CloudInitAbsence.offSwitch) ? .switchedOff : .disabled
        }
        if try has(CloudInitAbsence.enabledMark) { return nil }
        for program in CloudInitAbsence.programs where try has(program) { return nil }
        // What runs there in its place tells nobody that it is done.
        return isWindows() ? nil : .notInstalled
    }
}

extension GuestSSH {
    /// Asks the guest what it says of cloud-init as soon as that is known, by one connection that waits in the guest.
    func cloudInitNews(_ cancellation: Cancellation) throws(Failure) -> CloudInitNews {
        typealias Files = CloudInitAbsence
        let programs = Files.programs.map { "[ -e \($0) ]" }.joined(separator: " || ")
        let script = """
            until [ -s \(Files.result) ]; do
                if [ -e \(Files.disabledMark) ]; then
                    [ -e \(Files.offSwitch) ] && exit 3
                    exit 4
                fi
                [ -e \(Files.enabledMark) ] || \(programs) || exit 5
                sleep 0.5
            done
            head -c 1048576 \(Files.result)
            """
        let answer = try exec(["sh", "-c", script], timeout: .seconds(24 * 3600), cancellation: cancellation)
        switch answer.code {
        case 0: return .done(try CloudInitOutcome(resultJSON: answer.stdout))
        case 3: return .absent(.switchedOff)
        case 4: return .absent(.disabled)
        case 5: return .absent(.notInstalled)
        default:
            throw Failure(.guest, "\(name) does not say whether cloud-init is done", resource: name)
        }
    }
}
