import Basics
import Glibc
import HostFiles

/// The packages limiq needs, in the names of this host's distribution: `packages` of the Lua library's folder, by which
/// `scripts/setup` installs too.
public struct HostPackages: Sendable {
    public struct Package: Sendable, Equatable {
        /// The group that says when it is needed, as the list's first lines tell: `host`.
        let group: String
        /// The marks that tell whether it is there: programs, or a path.
        let marks: [String]
        /// The package's name; `nil` where the distribution has none.
        let name: String?
        let purpose: String
    }

    public let all: [Package]
    /// The command that installs packages, `apt install`; `nil` where it is not known.
    private let installer: String?

    /// - Parameter path: that of the list.
    public init(list path: String) throws(Failure) {
        let text = String(decoding: try fileBytes(path, atMost: mostOwnBytes), as: UTF8.self)
        let managers = [("apt", "apt install"), ("dnf", "dnf install"), ("pacman", "pacman -S")]
        let found = managers.firstIndex { findProgram($0.0) != nil }
        installer = found.map { managers[$0].1 }
        all = text.split(separator: "\n").filter { $0.first != "#" }.compactMap { line in
            let fields = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 6 else { return nil }
            let name = fields[2 + (found ?? 0)]
            return Package(
                group: fields[0], marks: fields[1].split(separator: " ").map(String.init),
                name: name.isEmpty ? nil : name, purpose: fields[5])
        }
    }

    /// The command that installs what has one of these programs.
    func command(for program: String) -> String? {
        all.first { $0.marks.contains(program) }.flatMap(command)
    }

    func command(for package: Package) -> String? {
        guard let name = package.name else { return nil }
        guard let installer else { return "install \(name) (Debian's name of it)" }
        return (geteuid() == 0 ? "" : "sudo ") + "\(installer) \(name)"
    }
}

/// The path of a program, looked for where libvirt finds its own too.
func findProgram(_ name: String) -> String? {
    let folders = (getenv("PATH").map { String(cString: $0) } ?? "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    return folders.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
}
