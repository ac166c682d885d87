import Basics
import JSONSchema
import YAML

/// The users and groups a cloud-config makes, as `distros/ug_util.py` puts them together.
struct CloudConfigAccounts {
    struct User {
        /// The name; `nil` for the image's default user.
        let name: String?
        /// The place where it is named, or what stands for it.
        let place: PlacedNode
        /// What is said of it; `nil` where it is its name alone.
        let fields: PlacedNode?

        /// The value of a field: cloud-init takes `lock-passwd` for `lock_passwd`.
        func field(_ name: String) -> PlacedNode? {
            fields?.entries.first { $0.key.replacing("-", with: "_").trimmed().isExactly(name) }?.value
        }

        /// The groups it is put into.
        var groups: [Group] {
            guard let field = field("groups") else { return [] }
            let inner =
                field.string.map { text in text.split(separator: ",").map { (String($0), field) } }
                ?? field.members.compactMap { member in member.string.map { ($0, member) } }
                + field.entries.map { ($0.key, $0.value) }
            return inner.map { Group(name: $0.trimmed(), place: $1) }
        }
    }

    struct Group {
        let name: String
        let place: PlacedNode
        /// The users that are put into it when it is made.
        var members: [(name: String, place: PlacedNode)] = []
    }

    let users: [User]
    /// The groups of their own, which are made before the users.
    let groups: [Group]
    /// Whether the image's default user is made: `user`, a `default` among the users, or no word of them.
    let makesDefaultUser: Bool
    /// The names of the users that are made.
    let userNames: Set<String>
    /// The names of the groups that are made: on their own, for a user, or of a user's name.
    let groupNames: Set<String>

    init(_ root: PlacedNode) {
        users = Self.users(root)
        groups = root.entry("groups").map(Self.groups) ?? []
        makesDefaultUser =
            root.entry("users") == nil || root.entry("user")?.isTruthy == true
            || users.contains { $0.name == nil }
        userNames = Set(users.compactMap(\.name))
        groupNames = userNames.union(groups.map(\.name)).union(
            users.flatMap { user in
                user.groups.map(\.name) + [user.field("primary_group")?.string].compactMap(\.self)
            })
    }

    private static func users(_ root: PlacedNode) -> [User] {
        var result: [User] = []
        if let users = root.entry("users") {
            if let text = users.string { result += named(text, at: users) }
            for member in users.members {
                if let text = member.string { result += named(text, at: member) }
                for inner in member.members { result += inner.string.map { named($0, at: inner) } ?? [] }
                if case .map = member.node.content { result.append(described(member)) }
            }
            for (name, value) in users.entries {
                if case .map = value.node.content {
                    result.append(User(name: name, place: value, fields: value))
                } else if value.isTruthy {
                    result += named(name, at: value)
                }
            }
        }
        if let user = root.entry("user"), user.isTruthy {
            if let text = user.string { result += named(text, at: user) }
            if case .map = user.node.content { result.append(described(user)) }
        }
        return result
    }

    private static func described(_ fields: PlacedNode) -> User {
        // What a name is that is no text the schema says.
        guard let name = fields.entry("name"), let text = name.string else {
            return User(name: nil, place: fields, fields: fields)
        }
        return User(name: text == "default" ? nil : text, place: name, fields: fields)
    }

    private static func named(_ text: String, at place: PlacedNode) -> [User] {
        text.split(separator: ",").map { part in
            let name = part.trimmed()
            return User(name: name == "default" ? nil : name, place: place, fields: nil)
        }
    }

    private static func groups(_ node: PlacedNode) -> [Group] {
        func described(_ map: PlacedNode) -> [Group] {
            map.entries.map { name, value in
                let members = value.string.map { text in
                    text.split(separator: ",").map { ($0.trimmed(), value) }
                }
                return Group(
                    name: name, place: value,
                    members: members ?? value.members.compactMap { inner in inner.string.map { ($0, inner) } }
                )
            }
        }
        // Unlike a user's, these keep the blanks behind the commas.
        if let text = node.string {
            return text.trimmed().split(separator: ",", omittingEmptySubsequences: false)
                .map { Group(name: String($0), place: node) }
        }
        return described(node)
            + node.members.flatMap { member in
                member.string.map { [Group(name: $0, place: member)] } ?? described(member)
            }
    }
}
