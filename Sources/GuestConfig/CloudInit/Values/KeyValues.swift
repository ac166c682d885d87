import Basics
import JSONSchema

/// The check of ssh keys. No message quotes one.
enum KeyValues {
    static func check(
        _ root: PlacedNode, _ accounts: CloudConfigAccounts, _ problems: inout ValueProblems
    ) {
        let lists = accounts.users.compactMap { $0.field("ssh_authorized_keys") }
        for list in lists + [root.entry("ssh_authorized_keys")].compactMap({ $0 }) {
            for key in list.members + (list.string == nil ? [] : [list]) { checkPublic(key, &problems) }
        }
        for (name, key) in root.entry("ssh_keys")?.entries ?? [] { checkHostKey(name, key, &problems) }
    }

    private static func checkPublic(_ key: PlacedNode, _ problems: inout ValueProblems) {
        guard let text = key.string else { return }
        switch PublicKey.verdict(text) {
        case .taken: return
        case .isPrivate: isPrivate(key, &problems)
        case .dropped:
            problems.error(
                key, "is no public key, and cloud-init leaves it out",
                hint: "give the whole line of a .pub file")
        case .oneOfMany:
            problems.error(
                key, "is several keys, of which cloud-init writes the first alone",
                hint: "make each a member of the list")
        case .spoilt:
            problems.warning(
                key, "is no key that a guest can read: it is cut short, or not what its first word says",
                hint: "give the whole line of a .pub file")
        }
    }

    private static func isPrivate(_ key: PlacedNode, _ problems: inout ValueProblems) {
        problems.error(
            key, "is a private key, which lets nobody in and would be for everyone to read",
            hint: "give the public one, of the file that ends in .pub")
    }

    private static func checkHostKey(_ name: String, _ key: PlacedNode, _ problems: inout ValueProblems) {
        guard let text = key.string else { return }
        if name.hasSuffix("_private"), !PublicKey.isPrivate(text) {
            problems.error(
                key, "is no private key, and the guest's sshd cannot use it",
                hint: "give what ssh-keygen writes, from -----BEGIN to the end")
        }
        if name.hasSuffix("_public") || name.hasSuffix("_certificate") {
            if PublicKey.isPrivate(text) { isPrivate(key, &problems) }
        }
    }
}
