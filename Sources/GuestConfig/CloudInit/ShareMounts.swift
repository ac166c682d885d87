import Basics
import MachineSpec
import YAML

extension VMSpec {
    /// Adds to the guest's user-data that its shared folders are mounted at each start: cloud-init writes `/etc/fstab`. Beside
    /// user-data that is a text, and is the guest's as it stands, vendor-data says it.
    ///
    /// - Throws: `Failure` with code `bad_field` where neither can say it.
    package mutating func addShareMounts() throws(Failure) {
        guard let shares, !shares.isEmpty, var cloudInit else { return }
        let mounts = shares.map { share -> Value in
            let options = share.readonly ? "ro,nofail" : "defaults,nofail"
            return .list([share.tag, share.guest, "virtiofs", options, "0", "0"].map { .string($0) })
        }
        switch cloudInit.userData {
        case nil: cloudInit.userData = .table(["mounts": .list(mounts)])
        case .table(let table) where table.map != nil || table.list?.isEmpty == true:
            cloudInit.userData = .table(Self.adding(mounts, to: table.map ?? [:]))
        case let text?:
            // Of two lists of mounts cloud-init takes the user's alone.
            let saysMounts = text.text(as: .userData).map(Self.hasMounts) ?? false
            guard !saysMounts, let map = Self.map(cloudInit.vendorData) else {
                let lines = mounts.map {
                    "[\(($0.list ?? []).compactMap { $0.string.map { "'\($0)'" } }.joined(separator: ", "))]"
                }
                let other = saysMounts ? "user_data, a text, has mounts of its own" : "vendor_data is a text"
                throw Failure(
                    .badField, "the mounts of shares have no place: \(other)",
                    hint: "write them there: mounts: [\(lines.joined(separator: ", "))]; or make it a table",
                    resource: name)
            }
            cloudInit.vendorData = .table(Self.adding(mounts, to: map))
        }
        self.cloudInit = cloudInit
    }

    private static func map(_ document: CloudInitDocument?) -> Map? {
        switch document {
        case nil: [:]
        case .table(let table): table.map
        default: nil
        }
    }

    private static func adding(_ mounts: [Value], to table: Map) -> Value {
        var table = table
        let present = table["mounts"]?.list ?? []
        table["mounts"] = .list(present + mounts.filter { !present.contains($0) })
        return .map(table)
    }

    private static func hasMounts(_ userData: String) -> Bool {
        guard userData.contains("mounts") else { return false }
        guard let root = (try? YAML.nodes(userData))?.root else { return true }
        return root.entry("mounts") != nil
    }
}
