import Basics
import JSONSchema

/// The check of users and groups. What `useradd` refuses ends the whole module: that user and all after it are not made.
enum AccountValues {
    static func check(_ accounts: CloudConfigAccounts, _ problems: inout ValueProblems) {
        for group in accounts.groups { check(group, accounts, &problems) }
        var groups = Set(accounts.groups.map(\.name))
        var first: [String: CloudConfigAccounts.User] = [:]
        var ids: [Int64: PlacedNode] = [:]
        for user in accounts.users {
            if let name = user.name, let earlier = first[name] {
                checkAgain(user, name, earlier, &problems)
            } else {
                checkName(user, &groups, &problems)
                checkID(user, &ids, &problems)
                if let name = user.name { first[name] = user }
            }
            for group in user.groups { checkName(group, &problems) }
            checkHome(user, &problems)
            checkPaths(user, &problems)
            checkSudo(user, &problems)
            checkKnown(user, &problems)
        }
    }

    // MARK: - Names

    private static func check(
        _ group: CloudConfigAccounts.Group, _ accounts: CloudConfigAccounts, _ problems: inout ValueProblems
    ) {
        checkName(group, &problems)
        for member in group.members where accounts.userNames.contains(member.name) && member.name != "root" {
            problems.warning(
                member.place,
                "puts \(shown(member.name)) into a group before there is that user: cloud-init passes over it",
                hint: "name the group with the user: groups: [\(group.name)]")
        }
    }

    private static func checkName(_ group: CloudConfigAccounts.Group, _ problems: inout ValueProblems) {
        if let problem = AccountName.problem(group.name) {
            problems.error(
                group.place, "\(shown(group.name)) is no name of a group: \(problem)",
                hint: nameHint(group.name))
        }
    }

    private static func nameHint(_ name: String) -> String {
        name.contains { $0 == "," || $0.isWhitespace }
            ? "write several names as a list: [a, b]"
            : "use lower-case letters, digits, - and _, such as web-admins"
    }

    /// - Parameter groups: those that are there by then: `useradd` makes a user no group that is there.
    private static func checkName(
        _ user: CloudConfigAccounts.User, _ groups: inout Set<String>, _ problems: inout ValueProblems
    ) {
        guard let name = user.name, user.field("snapuser") == nil else { return }
        if let problem = AccountName.problem(name) {
            return problems.error(
                user.place, "\(shown(name)) is no name of a user: \(problem)",
                hint: "use lower-case letters, digits, - and _, such as web-admin")
        }
        if !AccountName.isPortable(name) {
            problems.warning(
                user.place, "\(shown(name)) is a name that only some distributions take",
                hint: "use lower-case letters, digits, - and _, the first a letter")
        }
        guard !AccountName.users.contains(name) else { return }
        let ownGroups = user.field("create_groups")?.bool == false ? [] : user.groups.map(\.name)
        groups.formUnion(ownGroups)
        let primary = user.field("primary_group")?.string
        if let primary, !primary.isEmpty {
            checkPrimary(user, primary, isMade: groups.contains(primary) || !ownGroups.isEmpty, &problems)
            groups.insert(primary)
        }
        guard primary ?? "" == "", user.field("no_user_group")?.isTruthy != true else { return }
        if groups.contains(name) {
            problems.error(
                user.place, "\(shown(name)) is a group by then, and useradd makes no user of that name",
                hint: "add primary_group: \(name)")
        } else if AccountName.groups.contains(name) {
            problems.warning(
                user.place,
                "\(shown(name)) is a group of Debian's, where useradd makes no user of that name",
                hint: "take another name, or add primary_group: \(name)")
        }
        groups.insert(name)
    }

    /// cloud-init makes a primary group only where it makes others.
    private static func checkPrimary(
        _ user: CloudConfigAccounts.User, _ primary: String, isMade: Bool, _ problems: inout ValueProblems
    ) {
        guard let field = user.field("primary_group") else { return }
        if let problem = AccountName.problem(primary) {
            problems.error(
                field, "\(shown(primary)) is no name of a group: \(problem)", hint: nameHint(primary))
        } else if !isMade, primary == user.name {
            problems.error(
                field,
                "is no group by then, and useradd makes no user: cloud-init makes it only beside groups",
                hint: "leave it out: useradd makes a group of the user's name")
        } else if !isMade, !AccountName.isThere(group: primary) {
            problems.warning(
                field, "is a group that the image must have: cloud-init makes it only beside groups",
                hint: "add groups: [\(primary)]")
        }
    }

    /// Of a user that is described twice the first description counts, but for what it does not say.
    private static func checkAgain(
        _ user: CloudConfigAccounts.User, _ name: String, _ earlier: CloudConfigAccounts.User,
        _ problems: inout ValueProblems
    ) {
        for entry in user.fields?.entries ?? [] where entry.key != "name" {
            guard let before = earlier.fields?.entry(entry.key), before.node.value != entry.value.node.value
            else { continue }
            problems.warning(
                entry.value,
                "is passed over: what line \(before.node.mark.line) says of \(shown(name)) counts",
                hint: "describe \(name) once")
        }
    }

    // MARK: - What useradd refuses

    /// A user without a home cannot have keys, and one whose logins are redirected none of its own.
    private static func checkHome(_ user: CloudConfigAccounts.User, _ problems: inout ValueProblems) {
        let needing = ["ssh_authorized_keys", "ssh_import_id", "ssh_redirect_user"]
        for name in ["no_create_home", "system"] {
            guard let field = user.field(name), field.isTruthy,
                let other = needing.first(where: { user.field($0)?.isTruthy == true })
            else { continue }
            problems.error(
                field, "leaves no home for \(other): cloud-init makes neither this user nor those after it",
                hint: "leave one of them out")
        }
        guard user.field("ssh_redirect_user")?.isTruthy == true else { return }
        for name in needing.dropLast() {
            guard let field = user.field(name) else { continue }
            problems.error(
                field,
                "cannot stand beside ssh_redirect_user: cloud-init makes neither this user nor those after it",
                hint: "leave one of them out")
        }
    }

    private static func checkPaths(_ user: CloudConfigAccounts.User, _ problems: inout ValueProblems) {
        guard user.name.map({ !AccountName.users.contains($0) }) ?? true else { return }
        if let shell = user.field("shell"), let text = shell.string, !text.isEmpty {
            let isPath = text.hasPrefix("/") || text.hasPrefix("*")
            if !isPath || text.contains(where: isFieldEnd) {
                problems.error(
                    shell, "\(shown(text)) is no absolute path, and useradd then makes no user",
                    hint: isPath ? "such as /bin/bash" : "write \(shown("/bin/\(text)"))")
            }
        }
        if let home = user.field("homedir"), let text = home.string, !text.isEmpty,
            !text.hasPrefix("/") || text.contains(where: isFieldEnd)
        {
            problems.error(
                home, "\(shown(text)) is no absolute path, and useradd then makes no user",
                hint: "such as /home/\(user.name ?? "ops")")
        }
        if let gecos = user.field("gecos"), let text = gecos.string, text.contains(where: isFieldEnd) {
            problems.error(
                gecos, "has a colon or a line break in it, and useradd then makes no user",
                hint: "leave them out: the field ends there")
        }
    }

    private static func checkID(
        _ user: CloudConfigAccounts.User, _ ids: inout [Int64: PlacedNode], _ problems: inout ValueProblems
    ) {
        guard let name = user.name, !AccountName.users.contains(name), let field = user.field("uid") else {
            return
        }
        guard let number = field.node.value.int ?? field.string.flatMap({ Int64($0) }),
            (0..<4_294_967_295).contains(number)
        else {
            guard field.node.text != nil, field.node.value != .null else { return }
            return problems.error(
                field, "is no user's number, and useradd then makes no user",
                hint: "give a whole number, such as 1500")
        }
        if number == 0 {
            problems.error(
                field, "is root's, and useradd then makes no user", hint: "give another number, such as 1500")
        } else if let first = ids.updateValue(field, forKey: number) {
            problems.error(
                field, "is there already, in line \(first.node.mark.line), and useradd then makes no user",
                hint: "give each user a number of its own")
        }
    }

    // MARK: - Others

    private static func checkSudo(_ user: CloudConfigAccounts.User, _ problems: inout ValueProblems) {
        guard let field = user.field("sudo") else { return }
        for rule in field.string.map({ [($0, field)] })
            ?? field.members.compactMap({ m in m.string.map { ($0, m) } })
        {
            guard let problem = SudoRule.problem(rule.0) else { continue }
            problems.error(
                rule.1, "\(shown(rule.0)) is no rule that sudo understands: \(problem.message)",
                hint: problem.hint)
        }
    }

    /// What `useradd` alone would do has no effect on a user that is there already.
    private static func checkKnown(_ user: CloudConfigAccounts.User, _ problems: inout ValueProblems) {
        guard user.name == "root" else { return }
        let others = [
            "passwd": "use hashed_passwd", "groups": "use runcmd: usermod -aG", "uid": "leave it out",
        ]
        for (name, hint) in others.sorted(by: { $0.key < $1.key }) {
            guard let field = user.field(name), field.isTruthy else { continue }
            problems.warning(field, "has no effect on root, who is there already", hint: hint)
        }
    }

    /// Whether a character ends a field of /etc/passwd.
    private static func isFieldEnd(_ character: Character) -> Bool { character == ":" || character.isNewline }
}
