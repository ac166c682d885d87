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

    /// The user the guest lets in by ssh: the first one its cloud-config makes. `nil` where it makes none, or is no
    /// cloud-config; the image's own default user is not known here.
    package var loginUser: String? {
        guard let root = cloudConfig else { return nil }
        if case .list(let users)? = root.entry("users")?.node.content {
            let names = users.compactMap { $0.entry("name")?.node.value.string }
            if let name = names.first { return name }
        }
        let user = root.entry("user")?.node
        return user?.value.string ?? user?.entry("name")?.node.value.string
    }
}
