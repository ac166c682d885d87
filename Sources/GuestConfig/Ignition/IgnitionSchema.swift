import Basics

/// The shapes that may stand in an Ignition configuration.
///
/// Source: Ignition's configuration specifications 3.0.0 to 3.6.0, and 3.7.0-experimental.
indirect enum IgnitionShape: Sendable {
    typealias StringRule = @Sendable (String, IgnitionVersion) -> IgnitionComplaint?
    typealias NumberRule = @Sendable (Int64, IgnitionVersion) -> IgnitionComplaint?
    /// What the members of an object must be to each other; the text is its path.
    typealias ObjectRule = @Sendable (Map, String, inout IgnitionReport) -> Void

    /// A key, and the minor version of Ignition's specification that brought it.
    struct Key: Sendable {
        let shape: IgnitionShape
        let since: Int

        init(_ shape: IgnitionShape, since: Int = 0) {
            self.shape = shape
            self.since = since
        }
    }

    struct Object: Sendable {
        let keys: [String: Key]
        let required: [String]
        let unique: [Unique]
        let rule: ObjectRule?
    }

    /// Lists of an object that hold nothing twice, not even one what another has.
    struct Unique: Sendable {
        let lists: [String]
        /// The key that tells their members apart; `nil` for lists of texts.
        let key: String?
    }

    case string(StringRule)
    case number(NumberRule)
    case truth
    case list(IgnitionShape)
    case object(Object)

    static let text = IgnitionShape.string(IgnitionValue.text)
    static let wholeNumber = IgnitionShape.number(IgnitionValue.number)
    static let path = IgnitionShape.string(IgnitionValue.path)

    private static func object(
        _ keys: [String: Key], required: [String] = [], unique: [Unique] = [], rule: ObjectRule? = nil
    ) -> IgnitionShape {
        .object(Object(keys: keys, required: required, unique: unique, rule: rule))
    }

    private static func once(_ lists: String..., by key: String? = nil) -> Unique {
        Unique(lists: lists, key: key)
    }

    /// The word a message knows the shape by.
    var name: String {
        switch self {
        case .string: "a string"
        case .number: "a whole number"
        case .truth: "true or false"
        case .list: "a list"
        case .object: "an object"
        }
    }

    /// What Ignition makes of `null` in a list.
    var zero: Value {
        switch self {
        case .string: ""
        case .object: [:]
        default: .null
        }
    }

    // MARK: - The configuration

    static let configuration = object(
        [
            "ignition": Key(ignition), "storage": Key(storage),
            "kernelArguments": Key(
                object(
                    ["shouldExist": Key(.list(text)), "shouldNotExist": Key(.list(text))],
                    unique: [once("shouldExist", "shouldNotExist")]), since: 3),
            "passwd": Key(
                object(
                    ["users": Key(.list(user)), "groups": Key(.list(group))],
                    unique: [once("users", by: "name"), once("groups", by: "name")])),
            "systemd": Key(
                object(
                    ["units": Key(.list(unit))], unique: [once("units", by: "name")],
                    rule: IgnitionRule.units)),
        ], rule: IgnitionRule.unitFiles)

    private static let ignition = object([
        "version": Key(text),
        "config": Key(
            object(
                [
                    "merge": Key(.list(resource(compressedSince: 1, requiredSince: 1))),
                    "replace": Key(resource(compressedSince: 1)),
                ], unique: [once("merge", by: "source")])),
        "timeouts": Key(object(["httpResponseHeaders": Key(wholeNumber), "httpTotal": Key(wholeNumber)])),
        "security": Key(
            object([
                "tls": Key(
                    object(
                        [
                            "certificateAuthorities": Key(
                                .list(resource(compressedSince: 1, requiredSince: 0)))
                        ], unique: [once("certificateAuthorities", by: "source")]))
            ])),
        "proxy": Key(
            object(
                [
                    "httpProxy": Key(.string(IgnitionValue.proxy)),
                    "httpsProxy": Key(.string(IgnitionValue.securedProxy)), "noProxy": Key(.list(text)),
                ], unique: [once("noProxy")]), since: 1),
    ])

    /// The shape of what is fetched, or stands in a `data:` URL.
    ///
    /// - Parameter requiredSince: the minor version from which its source may not be left out.
    private static func resource(compressedSince: Int = 0, requiredSince: Int? = nil) -> IgnitionShape {
        object(
            [
                "source": Key(.string(IgnitionValue.address)),
                "verification": Key(object(["hash": Key(.string(IgnitionValue.hash))])),
                "compression": Key(.string(IgnitionValue.compression), since: compressedSince),
                "httpHeaders": Key(
                    .list(
                        object(
                            [
                                "name": Key(.string(IgnitionValue.headerName)),
                                "value": Key(.string(IgnitionValue.headerValue)),
                            ], required: ["name"])), since: 1),
            ], unique: [once("httpHeaders", by: "name")]
        ) { map, path, report in
            IgnitionRule.resource(map, path, requiredSince: requiredSince, &report)
        }
    }

    // MARK: - Accounts

    private static let user = object(
        [
            "name": Key(text), "passwordHash": Key(text), "sshAuthorizedKeys": Key(.list(text)),
            "uid": Key(wholeNumber), "gecos": Key(text), "homeDir": Key(text), "noCreateHome": Key(.truth),
            "primaryGroup": Key(text), "groups": Key(.list(text)), "noUserGroup": Key(.truth),
            "noLogInit": Key(.truth), "shell": Key(text), "system": Key(.truth),
            "shouldExist": Key(.truth, since: 2),
        ], unique: [once("sshAuthorizedKeys"), once("groups")], rule: IgnitionRule.named)
    private static let group = object(
        [
            "name": Key(text), "gid": Key(wholeNumber), "passwordHash": Key(text), "system": Key(.truth),
            "shouldExist": Key(.truth, since: 2),
        ], rule: IgnitionRule.named)

    // MARK: - Storage

    private static let storage = object(
        [
            "disks": Key(.list(disk)), "raid": Key(.list(raid)), "filesystems": Key(.list(filesystem)),
            "files": Key(
                .list(
                    node(
                        [
                            "contents": Key(resource()), "append": Key(.list(resource())),
                            "mode": Key(.number(FileMode.complaint)),
                        ], rule: IgnitionRule.file))),
            "directories": Key(.list(node(["mode": Key(.number(FileMode.complaint))]))),
            "links": Key(.list(node(["target": Key(text), "hard": Key(.truth)], rule: IgnitionRule.link))),
            "luks": Key(.list(luks), since: 2),
        ],
        unique: [
            once("files", "directories", "links", by: "path"), once("disks", by: "device"),
            once("filesystems", by: "device"), once("raid", by: "name"), once("luks", by: "name"),
        ], rule: IgnitionRule.storage)

    /// The shape of a file, folder or link.
    private static func node(_ own: [String: Key], rule: ObjectRule? = nil) -> IgnitionShape {
        let owner = object(["id": Key(wholeNumber), "name": Key(text)], rule: IgnitionRule.owner)
        let shared = [
            "path": Key(path), "overwrite": Key(.truth), "user": Key(owner), "group": Key(owner),
        ]
        return object(shared.merging(own) { first, _ in first }, required: ["path"], rule: rule)
    }

    private static let disk = object(
        [
            "device": Key(path), "wipeTable": Key(.truth),
            "partitions": Key(
                .list(
                    object(
                        [
                            "label": Key(.string(IgnitionValue.partitionLabel)), "number": Key(wholeNumber),
                            "sizeMiB": Key(wholeNumber), "startMiB": Key(wholeNumber),
                            "typeGuid": Key(.string(IgnitionValue.guid)),
                            "guid": Key(.string(IgnitionValue.guid)), "wipePartitionEntry": Key(.truth),
                            "shouldExist": Key(.truth), "resize": Key(.truth, since: 2),
                        ], rule: IgnitionRule.partition))),
        ], required: ["device"], rule: IgnitionRule.disk)
    private static let raid = object(
        [
            "name": Key(text), "level": Key(text), "devices": Key(.list(path)), "spares": Key(wholeNumber),
            "options": Key(.list(text)),
        ], required: ["level"], unique: [once("devices")], rule: IgnitionRule.raid)
    private static let filesystem = object(
        [
            // A path, but for virtiofs.
            "device": Key(text), "format": Key(text), "path": Key(.string(IgnitionValue.pathOrNone)),
            "wipeFilesystem": Key(.truth), "label": Key(text), "uuid": Key(text),
            "options": Key(.list(text)), "mountOptions": Key(.list(text), since: 1),
        ], required: ["device"], rule: IgnitionRule.filesystem)
    private static let luks = object(
        [
            "name": Key(.string(IgnitionValue.luksName)), "label": Key(.string(IgnitionValue.luksLabel)),
            "device": Key(path), "keyFile": Key(resource()), "uuid": Key(text), "options": Key(.list(text)),
            "wipeVolume": Key(.truth), "discard": Key(.truth, since: 4),
            "openOptions": Key(.list(text), since: 4),
            "cex": Key(object(["enabled": Key(.truth)]), since: 5), "clevis": Key(clevis),
        ], required: ["device"], rule: IgnitionRule.luks)
    private static let clevis = object(
        [
            "tang": Key(
                .list(
                    object(
                        [
                            "url": Key(.string(IgnitionValue.tangServer)), "thumbprint": Key(text),
                            "advertisement": Key(.string(IgnitionValue.advertisement), since: 4),
                        ], required: ["url"], rule: IgnitionRule.tang))),
            "tpm2": Key(.truth), "threshold": Key(wholeNumber),
            "custom": Key(
                object(
                    ["pin": Key(text), "config": Key(text), "needsNetwork": Key(.truth)],
                    rule: IgnitionRule.pin)),
        ], unique: [once("tang", by: "url")], rule: IgnitionRule.clevis)

    // MARK: - Units

    private static let unit = object(
        [
            "name": Key(.string(IgnitionValue.unitName)), "enabled": Key(.truth), "mask": Key(.truth),
            "contents": Key(.string(IgnitionValue.unitContents)),
            "dropins": Key(
                .list(
                    object(
                        [
                            "name": Key(.string(IgnitionValue.dropInName)),
                            "contents": Key(.string(IgnitionValue.unitContents)),
                        ], required: ["name"]))),
        ], required: ["name"], unique: [once("dropins", by: "name")], rule: IgnitionRule.unit)
}
