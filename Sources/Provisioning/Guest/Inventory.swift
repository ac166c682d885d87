import Basics
import HostFiles
import Hypervisors

/// The machines of a host as other programs take them: ssh, Ansible, whoever reads a hosts file.
public struct Inventory: Sendable {
    /// A form it is written in.
    public enum Format: String, Sendable, CaseIterable {
        /// Ansible's inventory file, which is YAML, as JSON.
        case ansible
        /// The answer of Ansible's inventory programs to `--list`.
        case list
        /// Blocks of ssh_config(5).
        case ssh = "ssh-config"
        /// Lines of hosts(5): the machines that have an address of their own.
        case hosts
    }

    /// A machine and the way into it.
    struct Entry: Sendable {
        var name: String
        /// `nil` where none is known, and why.
        var ssh: GuestSSH?
        var whyNot: String?
        var labels: [String: String]
        var addresses: [String]
    }

    let entries: [Entry]

    /// Looks at the machines limiq made on a host.
    ///
    /// - Parameter hypervisor: the host's.
    public init(on hypervisor: any Hypervisor, state: StateFolder) throws(Failure) {
        entries = try Machine.list(on: hypervisor, state: state).map { machine throws(Failure) in
            try Entry(machine)
        }
    }

    init(_ entries: [Entry]) { self.entries = entries }

    /// What an inventory is written as.
    public enum Document: Sendable {
        case json(Value)
        case text(String)
    }

    /// - Throws: as `GuestSSH.settings`.
    public func document(_ format: Format) throws(Failure) -> Document {
        switch format {
        case .ansible: .json(try ansible)
        case .list: .json(try list)
        case .ssh: .text(try sshConfig)
        case .hosts:
            .text(
                entries.filter { GuestSSH.isWord($0.name) }
                    .compactMap { entry in entry.addresses.first.map { "\($0)\t\(entry.name)\n" } }
                    .joined())
        }
    }

    /// The variables of one machine, as Ansible's inventory programs answer `--host`; none for a machine that is not known.
    public func host(_ name: String) throws(Failure) -> Document {
        guard let entry = entries.first(where: { $0.name == name }) else { return .json(.map([:])) }
        return .json(.map(try variables(entry)))
    }

    // MARK: ssh

    private var sshConfig: String {
        get throws(Failure) {
            var text = "# Written by limiq ssh-config.\n"
            for entry in entries {
                guard let ssh = entry.ssh, GuestSSH.isWord(entry.name) else {
                    let line = "\(entry.name): \(entry.whyNot ?? "no way in is known")"
                    text += "\n# \(line.split(whereSeparator: \.isNewline).joined(separator: " "))\n"
                    continue
                }
                text += "\nHost \(entry.name)\n    HostName \(ssh.endpoint.host)\n"
                for (name, value) in try ssh.settings() { text += "    \(name) \(value)\n" }
            }
            return text
        }
    }

    // MARK: Ansible

    /// The groups of the machines by name: a fleet's own, and one a label, `label_value`.
    private var groups: [(name: String, members: [String])] {
        var members: [String: [String]] = [:]
        for entry in entries {
            for (label, value) in entry.labels {
                let names = label == "fleet" ? [value] : value.isEmpty ? [label] : ["\(label)_\(value)"]
                for name in names { members[Self.groupName(name), default: []].append(entry.name) }
            }
        }
        return members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// A name that Ansible takes for a group's: letters, digits and underscores, no digit first. A machine and a group are not
    /// to have one name.
    private static func groupName(_ text: String) -> String {
        let name = String(
            text.unicodeScalars.map { scalar in
                let isPlain =
                    scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                return isPlain ? Character(scalar) : "_"
            })
        // Those that Ansible has itself.
        if ["all", "ungrouped", "_meta"].contains(name) { return "_\(name)" }
        return name.first.map { ("0"..."9").contains($0) } ?? true ? "_\(name)" : name
    }

    private func variables(_ entry: Entry) throws(Failure) -> Map {
        var map = Map()
        if let ssh = entry.ssh {
            map.append("ansible_host", .string(ssh.endpoint.host))
            map.append("ansible_port", .int(Int64(ssh.endpoint.port)))
            if let user = ssh.user { map.append("ansible_user", .string(user)) }
            let rest = try ssh.settings().filter { !["Port", "User"].contains($0.name) }
            let options = rest.flatMap { ["-o", "\($0.name)=\($0.value)"] }
            map.append("ansible_ssh_common_args", .string(GuestSSH.line(options)))
        }
        for (label, value) in entry.labels.sorted(by: { $0.key < $1.key }) {
            map.append("limiq_label_\(Self.groupName(label).drop { $0 == "_" })", .string(value))
        }
        return map
    }

    private var ansible: Value {
        get throws(Failure) {
            var hosts = Map()
            for entry in entries { hosts.append(entry.name, .map(try variables(entry))) }
            var children = Map()
            for group in groups {
                var members = Map()
                for member in group.members { members.append(member, .map(Map())) }
                children.append(group.name, ["hosts": .map(members)])
            }
            return ["all": ["hosts": .map(hosts), "children": .map(children)]]
        }
    }

    private var list: Value {
        get throws(Failure) {
            var variables = Map()
            for entry in entries { variables.append(entry.name, .map(try self.variables(entry))) }
            var map: Map = [
                "_meta": ["hostvars": .map(variables)],
                "all": ["hosts": .list(entries.map { .string($0.name) })],
            ]
            for group in groups { map.append(group.name, ["hosts": .list(group.members.map(Value.string))]) }
            return .map(map)
        }
    }
}

extension Inventory.Entry {
    init(_ machine: Machine) throws(Failure) {
        name = machine.name
        let record = try machine.record()
        labels = record?.spec.labels ?? [:]
        do throws(Failure) { ssh = try machine.requireSSH() } catch {
            whyNot = error.message + (error.hint.map { ": \($0)" } ?? "")
        }
        let isOnNetwork = record?.spec.nics.contains { !$0.isUser } ?? false
        addresses = isOnNetwork ? (try? machine.addresses()) ?? [] : []
    }
}
