import Basics
import Glibc

extension Readiness {
    /// The threads that look at one guest for one wait.
    final class Sources {
        private let end = Cancellation()
        private let console: (any ConsoleWatch)?

        init(_ readiness: Readiness, goal: Goal) {
            let (machine, mailbox, nics, end) = (
                readiness.machine, readiness.mailbox, readiness.nics, end
            )
            let needsConsole = goal != .running && goal != .stopped
            console =
                needsConsole
                ? machine.followConsole(
                    onStart: { mailbox.put(.consoleStarted) }, onLines: { mailbox.put(.console($0)) }) : nil
            switch goal {
            case .agent, .cloudInit:
                startThread { Self.askAgent(machine, mailbox, end, readsResult: goal == .cloudInit) }
            case .address:
                startThread { Self.askAddresses(machine, mailbox, end) }
            case .ssh:
                startThread { Self.askSSH(machine, nics, mailbox, end) }
            case .running, .stopped: break
            }
        }

        func stop() {
            end.cancel()
            console?.cancel()
        }

        /// Until the agent answers, once a second: libvirt refuses at once where it is not connected. Then
        /// `result.json`, which cloud-init writes when it is done; there is no event for a file in a guest.
        private static func askAgent(
            _ machine: Machine, _ mailbox: Mailbox<Signal>, _ end: Cancellation, readsResult: Bool
        ) {
            let agent = GuestAgent(hypervisor: machine.hypervisor, name: machine.name)
            while !agent.answers() {
                for _ in 0..<10 {
                    usleep(100_000)
                    if end.isCancelled { return }
                }
            }
            mailbox.put(.agent)
            while readsResult, !end.isCancelled {
                if let bytes = try? agent.read("/run/cloud-init/result.json"),
                    let outcome = try? CloudInitOutcome(resultJSON: bytes)
                {
                    return mailbox.put(.result(outcome))
                }
                usleep(150_000)
            }
        }

        private static func askAddresses(
            _ machine: Machine, _ mailbox: Mailbox<Signal>, _ end: Cancellation
        ) {
            while !end.isCancelled {
                if let addresses = try? machine.addresses(), !addresses.isEmpty {
                    return mailbox.put(.address(addresses))
                }
                usleep(500_000)
            }
        }

        private static func askSSH(
            _ machine: Machine, _ nics: [NICSpec], _ mailbox: Mailbox<Signal>, _ end: Cancellation
        ) {
            while !end.isCancelled {
                if let endpoint = machine.sshEndpoint(nics), endpoint.hasBanner() {
                    return mailbox.put(.ssh)
                }
                usleep(250_000)
            }
        }
    }
}
