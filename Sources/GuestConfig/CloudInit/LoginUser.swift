import MachineSpec
import YAML

extension CloudInitSpec {
    /// The user-data's document; `nil` where it is no cloud-config or cannot be read.
    package var cloudConfig: YAMLNode? {
        guard let text = userData?.text(as: .userData), UserDataHeader(of: text) == .cloudConfig else {
            return nil
        }
        return (try? YAML.nodes(text))?.root
    }

    /// The user the guest lets in by ssh: the first one with a key that its cloud-config makes, else the first one. `nil`
    /// where it makes none, or is no cloud-config; the image's own default user is not known here.
    package var loginUser: String? {
        guard let root = cloudConfig else { return nil }
        if case .list(let users)? = root.entry("users")?.node.content {
            let keys = ["ssh_authorized_keys", "ssh-authorized-keys", "ssh_import_id"]
            let named = users.filter { $0.entry("name")?.node.value.string != nil }
            let user = named.first { user in keys.contains { user.entry($0) != nil } } ?? named.first
            if let name = user?.entry("name")?.node.value.string { return name }
        }
        let user = root.entry("user")?.node
        return user?.value.string ?? user?.entry("name")?.node.value.string
    }
}
