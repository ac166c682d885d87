import Basics
import Hypervisors
import MachineSpec

extension Readiness {
    /// The threads that look at one guest for one wait.
    final class Sources {
        private let machine: Machine
        private let nics: [NICSpec]
        private let mailbox: Mailbox<Signal>
        private let goal: Goal
        /// The end of the threads that ask the guest itself, in its present boot.
        private var boot = Cancellation()
        /// The end of the thread that looks at the guest from outside.
        private let end = Cancellation()
        private let console: (any ConsoleWatch)?
        /// The nudge that something has happened which makes it worth while to ask at once.
        private let nudge = Mailbox<Void>()

        /// - Parameter interval: between two looks at the guest's work; `nil` for none.
        init(_ readiness: Readiness, goal: Goal, interval: Duration?) {
            (machine, nics, mailbox) = (readiness.machine, readiness.nics, readiness.mailbox)
            self.goal = goal
            let (machine, mailbox, end) = (machine, mailbox, end)
            let needsConsole = goal != .running && goal != .stopped
            console =
                needsConsole
                ? machine.followConsole(
                    onStart: { mailbox.put(.consoleStarted) }, onLines: { mailbox.put(.console($0)) }) : nil
            if let interval, goal != .running {
                startThread { Self.watchWork(machine, mailbox, end, interval) }
            }
            askGuest()
        }

        private func askGuest() {
            let (machine, mailbox, nics, boot, nudge) = (machine, mailbox, nics, boot, nudge)
            switch goal {
            case .agent: startThread { Self.askAgent(machine, mailbox, boot) }
            case .cloudInit:
                startThread {
                    if Self.askAgent(machine, mailbox, boot) {
                        Self.askAgentOfCloudInit(machine, mailbox, boot, nudge)
                    }
                }
                startThread { Self.askSSHOfCloudInit(machine, mailbox, boot) }
            case .address:
                startThread { Self.askAddresses(machine, mailbox, boot) }
            case .ssh:
                startThread { Self.askSSH(machine, nics, mailbox, boot) }
            case .running, .stopped: break
            }
        }

        /// Begins another boot of the guest: what it said before is not true of this one.
        func beginBoot() {
            boot.cancel()
            boot = Cancellation()
            askGuest()
        }

        /// Has those that ask now and then ask at once.
        func hurry() { nudge.put(()) }

        func stop() {
            boot.cancel()
            end.cancel()
            console?.cancel()
        }

        private static let mostOfResult = 1 << 20

        /// Asks until the agent answers, once a second: libvirt refuses at once where it is not connected.
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

        /// Asks the agent for cloud-init's result again and again: there is no event for a file in a guest. Each
        /// question is a line in the guest's log, so that a guest that is asked often is never idle.
        private static func askAgentOfCloudInit(
            _ machine: Machine, _ mailbox: Mailbox<Signal>, _ end: Cancellation, _ nudge: Mailbox<Void>
        ) {
            let agent = GuestAgent(hypervisor: machine.hypervisor, name: machine.name)
            var isDecided = false
            repeat {
                if let bytes = try? agent.read(CloudInitAbsence.result, limit: mostOfResult),
                    let outcome = try? CloudInitOutcome(resultJSON: bytes)
                {
                    return tell(.news(.done(outcome)), mailbox, end)
                }
                if !isDecided {
                    do throws(Failure) {
                        if let absence = try agent.cloudInitAbsence() {
                            return tell(.news(.absent(absence)), mailbox, end)
                        }
                        isDecided = true
                    } catch {}
                }
                _ = nudge.next(before: .present + .seconds(1))
            } while !end.isCancelled
        }

        /// Asks a guest without an agent: as soon as ssh lets the machine's user in, one connection waits for the
        /// result.
        private static func askSSHOfCloudInit(
            _ machine: Machine, _ mailbox: Mailbox<Signal>, _ end: Cancellation
        ) {
            let record = (try? machine.record()) ?? nil
            repeat {
                if let ssh = machine.ssh(record), ssh.endpoint.hasBanner(),
                    let news = try? ssh.cloudInitNews(end)
                {
                    return tell(.news(news), mailbox, end)
                }
            } while end.pause(.seconds(2))
        }

        /// Tells a signal, unless it is about an earlier boot.
        private static func tell(_ signal: Signal, _ mailbox: Mailbox<Signal>, _ end: Cancellation) {
            if !end.isCancelled { mailbox.put(signal) }
        }

        private static func watchWork(
            _ machine: Machine, _ mailbox: Mailbox<Signal>, _ end: Cancellation, _ interval: Duration
        ) {
            repeat {
                if let work = try? machine.hypervisor.work(machine.name) {
                    mailbox.put(.work(work, .present))
                }
            } while end.pause(interval)
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
