/// The shapes that may stand in an Ignition configuration.
///
/// Source: Ignition's configuration specifications 3.0.0 to 3.5.0.
indirect enum IgnitionShape: Sendable {
    /// A key, and the minor version of Ignition's specification that brought it.
    struct Key: Sendable {
        let shape: IgnitionShape
        let since: Int
    }

    case text, number, truth
    /// The path of a file, from the root.
    case path
    case url
    case list(IgnitionShape)
    case object([String: Key], required: [String] = [])

    /// The schemes of what Ignition fetches, or takes as it stands there (`data:`).
    static let schemes = ["data", "http", "https", "tftp", "s3", "arn", "gs"]

    /// The last minor version that is known here.
    static let lastMinor = 5

    static let configuration = IgnitionShape.object([
        "ignition": Key(
            .object([
                "version": Key(.text),
                "config": Key(.object(["merge": Key(.list(resource())), "replace": Key(resource())])),
                "timeouts": Key(.object(["httpResponseHeaders": Key(.number), "httpTotal": Key(.number)])),
                "security": Key(
                    .object(["tls": Key(.object(["certificateAuthorities": Key(.list(resource()))]))])),
                "proxy": Key(
                    .object([
                        "httpProxy": Key(.text), "httpsProxy": Key(.text), "noProxy": Key(.list(.text)),
                    ]), since: 1),
            ])),
        "kernelArguments": Key(
            .object(["shouldExist": Key(.list(.text)), "shouldNotExist": Key(.list(.text))]), since: 3),
        "passwd": Key(.object(["users": Key(.list(user)), "groups": Key(.list(group))])),
        "storage": Key(
            .object([
                "disks": Key(.list(disk)), "raid": Key(.list(raid)), "filesystems": Key(.list(filesystem)),
                "files": Key(
                    .list(
                        node(
                            ("contents", resource(compressedSince: 0)),
                            ("append", .list(resource(compressedSince: 0))), ("mode", .number)))),
                "directories": Key(.list(node(("mode", .number)))),
                "links": Key(.list(node(("target", .text), ("hard", .truth)))),
                "luks": Key(.list(luks), since: 2),
            ])),
        "systemd": Key(
            .object([
                "units": Key(
                    .list(
                        .object([
                            "name": Key(.text), "enabled": Key(.truth), "mask": Key(.truth),
                            "contents": Key(.text),
                            "dropins": Key(.list(.object(["name": Key(.text), "contents": Key(.text)]))),
                        ])))
            ])),
    ])

    /// The shape of what is fetched, or stands in a `data:` URL.
    private static func resource(compressedSince: Int = 1) -> IgnitionShape {
        .object([
            "source": Key(.url), "verification": Key(.object(["hash": Key(.text)])),
            "compression": Key(.text, since: compressedSince),
            "httpHeaders": Key(.list(.object(["name": Key(.text), "value": Key(.text)])), since: 1),
        ])
    }

    /// The shape of a file, folder or link.
    private static func node(_ own: (name: String, shape: IgnitionShape)...) -> IgnitionShape {
        let owner = IgnitionShape.object(["id": Key(.number), "name": Key(.text)])
        var keys = ["path": Key(.path), "overwrite": Key(.truth), "user": Key(owner), "group": Key(owner)]
        for (name, shape) in own { keys[name] = Key(shape) }
        return .object(keys, required: ["path"] + (keys["target"] == nil ? [] : ["target"]))
    }

    private static let user = IgnitionShape.object([
        "name": Key(.text), "passwordHash": Key(.text), "sshAuthorizedKeys": Key(.list(.text)),
        "uid": Key(.number), "gecos": Key(.text), "homeDir": Key(.text), "noCreateHome": Key(.truth),
        "primaryGroup": Key(.text), "groups": Key(.list(.text)), "noUserGroup": Key(.truth),
        "noLogInit": Key(.truth), "shell": Key(.text), "system": Key(.truth),
        "shouldExist": Key(.truth, since: 2),
    ])
    private static let group = IgnitionShape.object([
        "name": Key(.text), "gid": Key(.number), "passwordHash": Key(.text), "system": Key(.truth),
        "shouldExist": Key(.truth, since: 2),
    ])
    private static let disk = IgnitionShape.object(
        [
            "device": Key(.path), "wipeTable": Key(.truth),
            "partitions": Key(
                .list(
                    .object([
                        "label": Key(.text), "number": Key(.number), "sizeMiB": Key(.number),
                        "startMiB": Key(.number), "typeGuid": Key(.text), "guid": Key(.text),
                        "wipePartitionEntry": Key(.truth), "shouldExist": Key(.truth),
                        "resize": Key(.truth, since: 3),
                    ]))),
        ], required: ["device"])
    private static let raid = IgnitionShape.object(
        [
            "name": Key(.text), "level": Key(.text), "devices": Key(.list(.path)), "spares": Key(.number),
            "options": Key(.list(.text)),
        ], required: ["name", "level", "devices"])
    private static let filesystem = IgnitionShape.object(
        [
            "device": Key(.path), "format": Key(.text), "path": Key(.path), "wipeFilesystem": Key(.truth),
            "label": Key(.text), "uuid": Key(.text), "options": Key(.list(.text)),
            "mountOptions": Key(.list(.text), since: 1),
        ], required: ["device"])
    private static let luks = IgnitionShape.object(
        [
            "name": Key(.text), "label": Key(.text), "device": Key(.path), "keyFile": Key(resource()),
            "uuid": Key(.text), "options": Key(.list(.text)), "wipeVolume": Key(.truth),
            "discard": Key(.truth, since: 4), "openOptions": Key(.list(.text), since: 4),
            "cex": Key(.object(["enabled": Key(.truth)]), since: 5),
            "clevis": Key(
                .object([
                    "tang": Key(
                        .list(
                            .object([
                                "url": Key(.text), "thumbprint": Key(.text),
                                "advertisement": Key(.text, since: 4),
                            ]))),
                    "tpm2": Key(.truth), "threshold": Key(.number),
                    "custom": Key(
                        .object(["pin": Key(.text), "config": Key(.text), "needsNetwork": Key(.truth)])),
                ])),
        ], required: ["name", "device"])
}

extension IgnitionShape.Key {
    /// Makes a key of all versions, or of those from a minor one.
    init(_ shape: IgnitionShape, since: Int = 0) {
        self.shape = shape
        self.since = since
    }
}
