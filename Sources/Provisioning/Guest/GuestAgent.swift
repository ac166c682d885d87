import Basics
import FoundationEssentials
import Glibc
import Hypervisors

/// The QEMU guest agent of one domain
/// (https://qemu-project.gitlab.io/qemu/interop/qemu-ga-ref.html).
struct GuestAgent: Sendable {
    let hypervisor: any Hypervisor
    let name: String

    /// Whether the agent runs and answers.
    func answers() -> Bool { (try? ping(within: .seconds(2))) != nil }

    /// - Throws: `Failure` that says what libvirt does of an agent that does not answer.
    func ping(within timeout: Duration) throws(Failure) {
        _ = try hypervisor.agent(name, #"{"execute":"guest-ping"}"#, timeout: timeout)
    }

    /// Whether the guest says that it is Windows.
    func isWindows() -> Bool {
        struct System: Decodable { var id: String? }
        let system: System? = try? call("guest-get-osinfo", NothingSaid())
        return system?.id == "mswindows"
    }

    /// Writes out what the guest's file systems hold back, and lets nothing be written until they are thawed.
    ///
    /// - Returns: `false` where they are surely not frozen, as the guest cannot: one whose answer is lost may have done it.
    func freezeFileSystems() -> Bool {
        do throws(Failure) {
            let frozen: Int = try call("guest-fsfreeze-freeze", NothingSaid())
            return frozen > 0
        } catch {
            return error.code != .guest
        }
    }

    /// Thaws the guest's file systems. It is tried again for a while, as a guest that stays frozen does nothing any
    /// more.
    ///
    /// - Throws: `Failure` of the last try.
    func thawFileSystems() throws(Failure) {
        var tries = 0
        while true {
            do throws(Failure) {
                let _: Int = try call("guest-fsfreeze-thaw", NothingSaid())
                return
            } catch {
                tries += 1
                guard tries < 10 else {
                    throw Failure(
                        .guest,
                        "the file systems of \(name) may still be frozen, and nothing in it is written",
                        hint: "virsh -c '\(hypervisor.uri)' domfsthaw \(name)", resource: name,
                        cause: error.message)
                }
                LeapingClock.pause(.seconds(1))
            }
        }
    }

    /// Sets the guest's clock by the host's where it is more than half a second off, as far as one can tell by an answer that
    /// takes its time.
    ///
    /// - Throws: `Failure` with code `guest` or `libvirt` where the agent does not tell the time.
    func followHostClock() throws(Failure) {
        struct Time: Encodable { var time: Int64 }
        for _ in 0..<3 {
            let before = hostClock()
            let guest: Int64 = try call("guest-get-time", NothingSaid())
            if max(abs(guest - before), abs(guest - hostClock())) < 500_000_000 { return }
            // The agent sets the clock first, and then fails where the guest has no hwclock.
            let _: NothingSaid? = try? call("guest-set-time", Time(time: hostClock()))
        }
    }

    /// - Parameter end: nothing is waited for after it; half a minute at most in any case.
    /// - Throws: `Failure` with code `guest` for what the agent refuses or answers wrongly, `libvirt` where it does not
    ///   answer.
    func call<Arguments: Encodable, Result: Decodable>(
        _ command: String, _ arguments: Arguments, before end: ContinuousClock.Instant? = nil
    ) throws(Failure) -> Result {
        let left = end.map { ContinuousClock.Instant.present.duration(to: $0) } ?? Self.mostWait
        let text: String
        do {
            text = String(
                decoding: try JSONEncoder().encode(MonitorCommand(execute: command, arguments: arguments)),
                as: UTF8.self)
        } catch { throw Failure(.internal, "the command \(command) cannot be written", cause: "\(error)") }
        let reply: String
        do throws(Failure) {
            reply = try hypervisor.agent(name, text, timeout: min(max(left, .seconds(1)), Self.mostWait))
        } catch { throw refusal(error) }
        return try AgentCall(guest: name, command: command).decode(reply)
    }

    /// The longest wait for one answer.
    private static let mostWait = Duration.seconds(30)

    /// The failure with what the agent itself says, out of libvirt's `unable to execute QEMU agent command
    /// 'guest-file-open': …`.
    private func refusal(_ failure: Failure) -> Failure {
        let words = "\(failure.message): \(failure.cause ?? "")"
        // libvirt reads 10 MiB of an answer, in which bytes are base64, and then has done with the agent.
        if words.contains("No complete agent response") {
            return Failure(
                .guest, "the answer of the agent of \(name) is longer than libvirt takes, 7.5 MiB of output",
                hint: "write a program's output to a file in the guest, and take that with read_file",
                resource: name)
        }
        guard let command = words.firstRange(of: "QEMU agent command '"),
            let end = words[command.upperBound...].firstRange(of: "': ")
        else {
            // libvirt may quote what it could not read.
            var failure = failure
            failure.cause = failure.cause.map(outsideText)
            return failure
        }
        return Failure(
            .guest,
            "the agent of \(name) cannot do it: \(outsideText(words[end.upperBound...].trimmed()))",
            resource: name)
    }
}

/// The host's clock, in nanoseconds since 1970.
func hostClock() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}
