import Basics
import JSONSchema
import YAML

/// The check of `write_files`. What cannot be written ends the whole module: that file and all after it are not there.
enum FileValues {
    private static let rest = "this file and those after it are not written"

    private struct File {
        let fields: PlacedNode
        let path: PlacedNode
        /// The path as cloud-init opens it.
        let target: String
        let isDeferred: Bool
    }

    static func check(
        _ root: PlacedNode, _ accounts: CloudConfigAccounts, _ problems: inout ValueProblems
    ) {
        let files = (root.entry("write_files")?.members ?? []).compactMap { fields -> File? in
            guard let path = fields.entry("path"), let text = path.string else { return nil }
            return File(
                fields: fields, path: path, target: absolute(text),
                isDeferred: isTrue(fields.entry("defer")))
        }
        let homes = homes(accounts)
        var written: [ExactText: File] = [:]
        // What is deferred is written after the others.
        for file in files.filter({ !$0.isDeferred }) + files.filter(\.isDeferred) {
            checkPath(file, &problems)
            checkHome(file, homes, &problems)
            checkOwner(file, accounts, &problems)
            checkPermissions(file, &problems)
            checkContent(file, &problems)
            checkHosts(file, root, &problems)
            if !isTrue(file.fields.entry("append")),
                let earlier = written.updateValue(file, forKey: ExactText(file.target))
            {
                problems.warning(
                    earlier.path, "is written over by the file in line \(file.path.node.mark.line)",
                    hint: "leave one of them out, or add append: true to the later one")
            }
        }
    }

    /// Whether cloud-init takes a value for true (`util.translate_bool`).
    private static func isTrue(_ node: PlacedNode?) -> Bool {
        guard let node else { return false }
        return node.bool ?? node.node.text.map {
            ["true", "1", "on", "yes"].contains($0.lowercased().trimmed())
        }
            ?? false
    }

    // MARK: - Paths

    /// The path as `os.path.abspath` makes it, of a program whose folder is the root.
    private static func absolute(_ path: String) -> String {
        var names: [Substring] = []
        for name in path.split(separator: "/") where name != "." {
            if name == ".." { _ = names.popLast() } else { names.append(name) }
        }
        return "/" + names.joined(separator: "/")
    }

    /// Folders that every guest has: no file can have their names.
    private static let folders: Set<String> = [
        "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/mnt", "/opt", "/proc", "/root", "/run",
        "/sbin", "/srv",
        "/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/local/bin", "/usr/sbin",
        "/usr/share", "/var",
        "/var/lib", "/var/log", "/etc/systemd", "/etc/systemd/system", "/etc/ssh", "/etc/default",
        "/etc/cron.d",
    ]

    private static func checkPath(_ file: File, _ problems: inout ValueProblems) {
        let text = file.path.string ?? ""
        if text.isEmpty {
            return problems.error(file.path, "is empty, and nothing is written", hint: "such as /etc/motd")
        }
        if text.unicodeScalars.contains("\0") {
            return problems.error(file.path, "has a NUL in it: \(rest)", hint: "such as /etc/motd")
        }
        if file.target.split(separator: "/").contains(where: { $0.utf8.count > 255 }) {
            return problems.error(
                file.path, "has a name of more than 255 bytes in it: \(rest)", hint: "shorten it")
        }
        if folders.contains(file.target) {
            return problems.error(
                file.path, "is a folder: \(rest)", hint: "name a file in it: \(shown(file.target + "/file"))"
            )
        }
        if text.hasPrefix("~") || text.hasPrefix("$") {
            problems.error(
                file.path, "is no path: cloud-init writes \(shown(file.target))",
                hint: "write the whole path, such as /home/ops/.profile")
        } else if !text.hasPrefix("/") {
            problems.warning(
                file.path, "is no absolute path: cloud-init writes \(shown(file.target))",
                hint: "write it so")
        } else if text.hasSuffix("/") {
            problems.warning(
                file.path, "ends in a slash: cloud-init writes the file \(shown(file.target))",
                hint: "name a file in the folder")
        }
    }

    /// The homes that are made with their users, each with its user.
    private static func homes(_ accounts: CloudConfigAccounts) -> [String: String] {
        var homes: [String: String] = [:]
        for user in accounts.users {
            guard let name = user.name, !AccountName.users.contains(name),
                user.field("no_create_home")?.isTruthy != true, user.field("system")?.isTruthy != true
            else { continue }
            homes[absolute(user.field("homedir")?.string ?? "/home/\(name)")] = name
        }
        return homes
    }

    /// A home that is there before its user is root's, and gets none of the files a home begins with.
    private static func checkHome(_ file: File, _ homes: [String: String], _ problems: inout ValueProblems) {
        guard !file.isDeferred, !homes.isEmpty else { return }
        var folder = ""
        for name in file.target.split(separator: "/").dropLast() {
            folder += "/" + name
            guard let user = homes[folder] else { continue }
            return problems.warning(
                file.path, "is written before \(shown(user)) is made, whose home is root's then",
                hint: "add defer: true")
        }
    }

    /// Debian's images render /etc/hosts at every start.
    private static func checkHosts(_ file: File, _ root: PlacedNode, _ problems: inout ValueProblems) {
        guard file.target == "/etc/hosts" else { return }
        let hint = "add manage_etc_hosts: false"
        guard let manages = root.entry("manage_etc_hosts"), manages.node.value != .null else {
            return problems.warning(
                file.path,
                "is written over at each start where manage_etc_hosts is true, as it is in Debian's images",
                hint: hint)
        }
        if isTrue(manages) || manages.string == "template" {
            problems.error(
                file.path,
                "is written over at each start: line \(manages.node.mark.line) sets manage_etc_hosts",
                hint: "set it to false, or to localhost")
        }
    }

    // MARK: - Owners

    private static func checkOwner(
        _ file: File, _ accounts: CloudConfigAccounts, _ problems: inout ValueProblems
    ) {
        guard let owner = file.fields.entry("owner"), let text = owner.string else { return }
        let names = owners(text)
        for (name, isThere, made, kind) in [
            (names.user, AccountName.users.contains, accounts.userNames, "user"),
            (names.group, AccountName.isThere(group:), accounts.groupNames, "group"),
        ] {
            guard let name, !isThere(name) else { continue }
            let isMade = made.contains(name)
            if !isMade, name.utf8.allSatisfy({ (48...57).contains($0) }) {
                return problems.error(
                    owner, "is a number, and cloud-init looks for a \(kind) of that name: \(rest)",
                    hint: "write the name, or chown it in runcmd")
            }
            guard !file.isDeferred else { continue }
            if isMade {
                return problems.error(
                    owner, "is set before the \(kind) \(shown(name)) is made: \(rest)",
                    hint: "add defer: true")
            }
            return problems.warning(
                owner, "is a \(kind) that the image must have: without \(shown(name)) \(rest)",
                hint: "add defer: true, so that users and packages are there by then")
        }
    }

    /// The user and the group of `user:group` (`util.extract_usergroup`).
    private static func owners(_ text: String) -> (user: String?, group: String?) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map {
            part -> String? in
            let name = part.trimmed()
            return name.isEmpty || name == "-1" || name.lowercased() == "none" ? nil : name
        }
        return (parts.first ?? nil, parts.count > 1 ? parts[1] : nil)
    }

    // MARK: - Permissions

    private static func checkPermissions(_ file: File, _ problems: inout ValueProblems) {
        guard let field = file.fields.entry("permissions") else { return }
        let hint = "write four octal digits in quotes, such as '0644'"
        switch FilePermissions(field.node) {
        case .none: return
        case .unreadable:
            problems.error(field, "is no octal number, and the file gets mode 0644", hint: hint)
        case .decimal(let mode):
            problems.error(
                field, "is a decimal number without its quotes, and the file gets mode \(mode)", hint: hint)
        case .unset:
            problems.warning(
                field, "is not set by cloud-init, and the file gets mode 0644",
                hint: "write 0600, or chmod it in runcmd")
        case .outside:
            problems.error(field, "is no mode that a file can have", hint: hint)
        case .mode(let mode):
            let owner = file.fields.entry("owner")?.string.map(owners)
            let isChowned = owner.map { $0.user != nil || $0.group != nil } ?? true
            // Linux takes the bit of the group only where the group may run the file.
            let lost = mode & 0o4000 != 0 ? "setuid" : mode & 0o2010 == 0o2010 ? "setgid" : nil
            guard let lost, isChowned else { return }
            problems.warning(
                field, "loses its \(lost) bit: cloud-init sets the owner after it",
                hint: "chmod it in runcmd: chmod \(String(mode, radix: 8)) PATH")
        }
    }

    // MARK: - Contents

    private static func checkContent(_ file: File, _ problems: inout ValueProblems) {
        guard let content = file.fields.entry("content"), !content.isUnknown else { return }
        let encoding = file.fields.entry("encoding")?.string?.lowercased().trimmed() ?? ""
        let isBase64 = encoding.hasSuffix("b64") || encoding.hasSuffix("base64")
        let isCompressed = encoding.hasPrefix("gz")
        var bytes: [UInt8]
        switch content.node.value {
        case .string(let text): bytes = Array(text.utf8)
        case .bytes(let raw): bytes = raw
        default: return
        }
        if isBase64 {
            switch PythonBase64.decode(bytes) {
            case .bytes(let decoded): bytes = decoded
            case .skipping:
                return problems.warning(
                    content, "has characters that are not of base64, and cloud-init passes over them",
                    hint: "write what base64 -w0 prints")
            case .unreadable:
                return problems.error(content, "is no base64: \(rest)", hint: "write what base64 -w0 prints")
            }
        }
        if isCompressed, !bytes.isEmpty {
            // Header, an empty block and the sums (RFC 1952).
            guard bytes.starts(with: [0x1F, 0x8B, 8]), bytes.count >= 20 else {
                return problems.error(
                    content, "is not compressed by gzip: \(rest)",
                    hint: isBase64
                        ? "write what gzip -c FILE | base64 -w0 prints"
                        : "write it as !!binary, or with gz+b64")
            }
        }
        if encoding.isEmpty, bytes.starts(with: Array("#!".utf8)),
            bytes.prefix(while: { $0 != 10 }).last == 13,
            bytes.contains(10)
        {
            problems.warning(
                content, "is a script whose lines end as on Windows: the guest finds no program for it",
                hint: "save it with line feeds alone")
        }
    }
}
