import Basics
import JSONSchema

/// The check of passwords: hashes where a hash is meant, plain ones where a plain one is, and accounts that stay locked.
///
/// No message quotes one.
enum PasswordValues {
    private static let hashHint = "write what openssl passwd -6 prints"

    static func check(
        _ root: PlacedNode, _ accounts: CloudConfigAccounts, _ problems: inout ValueProblems
    ) {
        let batch = root.entry("chpasswd")
        let list = batch?.entry("list")
        let lines = list.map(lines) ?? []
        let settings = batch?.entry("users")?.members ?? []
        let settled = Set(settings.compactMap { $0.entry("name")?.string } + lines.compactMap { $0.user })
        for user in accounts.users {
            check(user, isSettled: user.name.map(settled.contains) ?? false, &problems)
        }
        for setting in settings { check(setting, &problems) }
        check(lines, &problems)
        if let password = root.entry("password"), password.isTruthy {
            check(
                password, ofDefaultUser: accounts, hasBatch: !settings.isEmpty || list?.isTruthy == true,
                &problems)
        }
    }

    // MARK: - users

    /// - Parameter isSettled: whether `chpasswd` gives the user a password afterwards, which unlocks the account.
    private static func check(
        _ user: CloudConfigAccounts.User, isSettled: Bool, _ problems: inout ValueProblems
    ) {
        guard user.field("snapuser") == nil else { return }
        for name in ["passwd", "hashed_passwd"] {
            guard let field = user.field(name), let text = field.string else { continue }
            if !isHash(text) {
                notAHash(
                    field, text, "is not the hash of a password, and opens the account to nobody", hashHint,
                    &problems)
            } else if text.trimmed().contains(where: \.isNewline)
                || name == "passwd" && text.contains(where: { $0 == ":" || $0.isNewline })
            {
                problems.error(
                    field, "has a line break or a colon in it, and the user is not made",
                    hint: "write it on one line, in single quotes")
            }
        }
        if let field = user.field("plain_text_passwd"), let text = field.string {
            problems.warning(
                field, "is a password anyone can read who reads the seed",
                hint: "write what openssl passwd -6 prints into hashed_passwd")
            if text.trimmed().contains(where: \.isNewline) {
                problems.error(
                    field, "has a line break in it, which chpasswd takes for the end of the line",
                    hint: "write it on one line")
            }
        }
        guard user.field("lock_passwd") == nil, !isSettled else { return }
        let passwords = ["passwd", "hashed_passwd", "plain_text_passwd"].compactMap(user.field)
        guard let field = passwords.first(where: { $0.string.map { !$0.isEmpty && !isLock($0) } ?? false })
        else {
            return
        }
        problems.warning(
            field, "opens the account to nobody: it is locked, as lock_passwd is left out",
            hint: "add lock_passwd: false")
    }

    private static func notAHash(
        _ field: PlacedNode, _ text: String, _ message: String, _ hint: String,
        _ problems: inout ValueProblems
    ) {
        if isOldHash(text) {
            problems.warning(
                field, "is a hash of DES, or a plain password that opens the account to nobody", hint: hint)
        } else {
            problems.error(field, message, hint: hint)
        }
    }

    // MARK: - chpasswd

    private static func check(_ setting: PlacedNode, _ problems: inout ValueProblems) {
        guard let field = setting.entry("password"), let text = field.string else { return }
        if text.trimmed().contains(where: \.isNewline) {
            return problems.error(
                field, "has a line break in it, and chpasswd then sets no password at all",
                hint: "write it on one line")
        }
        switch setting.entry("type")?.string {
        case nil, "hash":
            guard !isHash(text) else { return }
            notAHash(
                field, text,
                "is plain text, and cloud-init takes it for a hash: it opens the account to nobody",
                "add type: text, or \(hashHint)", &problems)
        case "text" where isWholeHash(text):
            problems.error(
                field, "is a hash, and type: text makes the hash itself the password", hint: "leave type out")
        default: return
        }
    }

    private struct Line {
        var place: PlacedNode
        /// The number of the line in a text of several.
        var number: Int?
        var user: String?
        var password: String?

        init(_ text: String, _ place: PlacedNode, number: Int? = nil) {
            self.place = place
            self.number = number
            guard let colon = text.firstIndex(of: ":") else { return }
            user = String(text[..<colon])
            password = String(text[text.index(after: colon)...])
        }
    }

    private static func lines(_ list: PlacedNode) -> [Line] {
        if let text = list.string {
            return text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
                .enumerated().map { Line(String($1), list, number: $0 + 1) }
                // Behind the last line break is no line.
                .dropLast(text.last?.isNewline ?? true ? 1 : 0)
        }
        return list.members.compactMap { member in member.string.map { Line($0, member) } }
    }

    private static func check(_ lines: [Line], _ problems: inout ValueProblems) {
        for line in lines {
            let subject = line.number.map { "line \($0) of it " } ?? ""
            guard let user = line.user, let password = line.password else {
                // The schema knows what a member of a list looks like.
                guard line.number != nil else { continue }
                problems.error(
                    line.place, "\(subject)has no colon, and cloud-init then sets no password at all",
                    hint: "write USER:PASSWORD on each line, and no empty one")
                continue
            }
            if user != user.trimmed() || user.isEmpty {
                problems.error(
                    line.place,
                    "\(subject)has a blank beside the user's name, and chpasswd then sets no password at all",
                    hint: "write USER:PASSWORD")
            }
            if isUnknownHash(password) {
                problems.error(
                    line.place,
                    "\(subject)is a hash of a kind that chpasswd.list takes for a plain password",
                    hint: usersHint)
            }
        }
    }

    private static let usersHint = "write it below chpasswd.users, or what openssl passwd -6 prints"

    /// Whether `chpasswd.list` takes a hash for plain: it knows `$1$`, `$2a$`, `$2y$`, `$5$` and `$6$`.
    private static func isUnknownHash(_ text: String) -> Bool {
        isWholeHash(text) && !["$1$", "$2a$", "$2y$", "$5$", "$6$"].contains(where: text.hasPrefix)
    }

    // MARK: - password

    private static func check(
        _ password: PlacedNode, ofDefaultUser accounts: CloudConfigAccounts, hasBatch: Bool,
        _ problems: inout ValueProblems
    ) {
        if hasBatch {
            problems.warning(
                password, "is passed over where chpasswd sets passwords",
                hint: "write it below chpasswd.users, with the default user's name")
        } else if !accounts.makesDefaultUser {
            problems.warning(
                password, "is the default user's, and there is none: users has no default",
                hint: "write it below chpasswd.users, with the user's name")
        } else if let text = password.string, isUnknownHash(text) {
            problems.error(
                password, "is a hash of a kind that cloud-init takes for a plain password here",
                hint: usersHint)
        }
    }

    // MARK: - Hashes

    /// Whether a text stands for a hash where one is meant: `$6$…` (crypt(5)), or what locks an account.
    private static func isHash(_ text: String) -> Bool {
        isLock(text) || text.isEmpty || text.contains(#/^\$[A-Za-z0-9][A-Za-z0-9,=_-]*\$/#)
    }

    /// Whether a text is what no password has for its hash, as an administrator writes it.
    private static func isLock(_ text: String) -> Bool {
        text.hasPrefix("!") || text.hasPrefix("*") || ["x", "NP", "LK"].contains(text)
    }

    /// Whether a text can be a hash of DES: 13 letters, digits, dots and slashes.
    private static func isOldHash(_ text: String) -> Bool {
        text.utf8.count == 13
            && text.utf8.allSatisfy {
                (46...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
            }
    }

    /// Whether a text is surely a hash, with its salt.
    private static func isWholeHash(_ text: String) -> Bool {
        text.contains(#/^\$(1|2[abxy]|5|6|7|y|gy|sm3|sha1|md5)\$[^:\s]{20,}$/#)
    }
}
