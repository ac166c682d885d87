import Basics

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
            case .agent: startThread { Self.askAgent(machine, mailbox, end) }
            case .cloudInit:
                startThread {
                    if Self.askAgent(machine, mailbox, end) { Self.readResultByAgent(machine, mailbox, end) }
                }
                startThread { Self.readResultBySSH(machine, mailbox, end) }
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

        /// What cloud-init writes when it is done.
        private static let result = "/run/cloud-init/result.json"
        private static let mostOfResult = 1 << 20

        /// Until the agent answers, once a second: libvirt refuses at once where it is not connected.
        ///
        /// - Returns: `false` where nobody waits any more.
        @discardableResult
        private static func askAgent(
            _ machine: Machine, _ mailbox: Mailbox<Signal>, _ end: Cancellation
        ) -> Bool {
            let agent = GuestAgent(hypervisor: machine.hypervisor, name: machine.name)
            while !agent.answers() {
                if !end.pause(.seconds(1)) { return false }
            }
            mailbox.put(.agent)
            return true
        }

        /// There is no event for a file in a guest.
        private static func readResultByAgent(
            _ machine: Machine, _ mailbox: Mailbox<Signal>, _ end: Cancellation
        ) {
            let agent = GuestAgent(hypervisor: machine.hypervisor, name: machine.name)
            repeat {
                if let bytes = try? agent.read(result, limit: mostOfResult),
                    let outcome = try? CloudInitOutcome(resultJSON: bytes)
                {
                    return mailbox.put(.result(outcome))
                }
            } while end.pause(.milliseconds(150))
        }

        /// For a guest without an agent: as soon as ssh lets the VM's user in, one connection waits for the result.
        private static func readResultBySSH(
            _ machine: Machine, _ mailbox: Mailbox<Signal>, _ end: Cancellation
        ) {
            let record = (try? machine.record()) ?? nil
            repeat {
                if let ssh = machine.ssh(record), ssh.endpoint.hasBanner(),
                    let bytes = try? ssh.readWhenThere(result, cancellation: end),
                    let outcome = try? CloudInitOutcome(resultJSON: bytes)
                {
                    return mailbox.put(.result(outcome))
                }
            } while end.pause(.seconds(2))
        }

        private static func askAddresses(
            _ machine: Machine, _ mailbox: Mailbox<Signal>, _ end: Cancellation
        ) {
            repeat {
                if let addresses = try? machine.addresses(), !addresses.isEmpty {
                    return mailbox.put(.address(addresses))
                }
            } while end.pause(.milliseconds(500))
        }

        private static func askSSH(
            _ machine: Machine, _ nics: [NICSpec], _ mailbox: Mailbox<Signal>, _ end: Cancellation
        ) {
            repeat {
                if let endpoint = machine.sshEndpoint(nics), endpoint.hasBanner() {
                    return mailbox.put(.ssh)
                }
            } while end.pause(.milliseconds(250))
        }
    }
}
