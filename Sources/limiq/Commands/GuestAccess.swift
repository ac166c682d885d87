import ArgumentParser
import Basics
import Glibc
import Provisioning

/// What the commands that reach into a guest have in common.
struct GuestOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The guest's user; where left out, the one its cloud-config makes.", valueName: "name"))
    var user: String?

    @Flag(help: "Start the machine where it is off, and wait until it answers.")
    var start = false

    @OptionGroup var host: HostOptions

    func validate() throws {
        // ssh would take it for an option.
        if let user, user.isEmpty || user.hasPrefix("-") { throw ValidationError("--user is no user's name") }
    }
}

/// A path of this host, or of a machine's guest.
struct GuestPath {
    let machine: String?
    let path: String

    init(_ word: String) {
        let slash = word.firstIndex(of: "/") ?? word.endIndex
        guard let colon = word[..<slash].firstIndex(of: ":"), colon > word.startIndex else {
            (machine, path) = (nil, word)
            return
        }
        machine = String(word[..<colon])
        let rest = String(word[word.index(after: colon)...])
        path = rest.isEmpty ? "." : rest
    }
}

/// A machine whose guest a command reaches into.
struct GuestAccess {
    let machine: Machine
    let user: String?

    /// - Parameter verb: the command's own, for what it says.
    /// - Throws: `Failure` with code `not_found`, or `guest_stopped` where it is off and is not to be started.
    init(_ name: String, _ options: GuestOptions, verb: String) throws {
        let session = try Session(connect: options.host.connect)
        machine = Machine(name, on: try session.hosts.hypervisor(nil), state: session.state)
        user = options.user
        let state = try machine.requireDomain().state
        if state == .paused {
            throw Failure(
                .guestStopped, "\(name) is paused, nobody in it answers", hint: "limiq resume \(name)",
                resource: name)
        }
        guard !state.isActive else { return }
        guard options.start else {
            throw Failure(
                .guestStopped, "\(name) is \(state.rawValue)",
                hint: "limiq \(verb) --start \(name) starts it first", resource: name)
        }
        StandardError.tell("\(TerminalText.visible(name)): starting")
        try machine.start()
    }

    /// The way by ssh, of a guest whose server answers.
    ///
    /// - Throws: as `Machine.requireSSH`, and as `Machine.wait`.
    func ssh() throws -> GuestSSH {
        if !machine.answersBySSH() { try wait(for: .ssh) }
        return try machine.requireSSH(user: user)
    }

    /// The way by ssh where there is one at all; `nil` for a guest that has only its agent, and for one whose user nobody
    /// knows while its agent answers.
    func sshIfAny() throws -> GuestSSH? {
        if user == nil, try machine.record()?.loginUser == nil, machine.answersByAgent() { return nil }
        if machine.answersBySSH() { return try machine.requireSSH(user: user) }
        guard let spec = try machine.record()?.spec else { return nil }
        do throws(Failure) { try machine.requireWay(to: .ssh, spec) } catch {
            if user != nil { throw error }
            try wait(for: .agent)
            return nil
        }
        try wait(for: .ssh)
        return try machine.requireSSH(user: user)
    }

    private func wait(for goal: Goal) throws {
        if goal == .agent, machine.answersByAgent() { return }
        StandardError.tell("\(TerminalText.visible(machine.name)): waiting for \(goal.rawValue)")
        try machine.wait(for: goal, timeout: .seconds(120), cancellation: Cancellation())
    }
}
