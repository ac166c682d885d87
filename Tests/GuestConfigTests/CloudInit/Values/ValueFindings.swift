import GuestConfig
import MachineSpec

/// What is found in the cloud-config of some lines: `error 3:9 users[1].shell "bash" is no absolute path…`.
func findings(in lines: String) -> [CloudInitCheck.Finding] {
    CloudInitCheck.check(CloudInitSpec(userData: .text("#cloud-config\n" + lines)))
}

/// A document, and how each of its findings begins: `error users[1].shell`.
struct Judged: Sendable {
    let lines: String
    let found: [String]

    init(_ lines: String, _ found: String...) { self.init(lines, found) }

    init(_ lines: String, _ found: [String]) {
        self.lines = lines
        self.found = found
    }

    /// The beginnings, as long as those that are expected.
    var actual: [String] {
        let actual = findings(in: lines).map { "\($0.severity) \($0.path) \($0.message)" }
        return actual.enumerated().map { index, text in
            index < found.count ? String(text.prefix(found[index].count)) : text
        }
    }
}
