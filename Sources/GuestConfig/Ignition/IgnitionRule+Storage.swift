import Basics

/// The rules for disks, filesystems and the paths on them.
extension IgnitionRule {
    // MARK: - Disks

    static func partition(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        if map["shouldExist"] == false {
            let label = report.version.minor < 7 ? ["label"] : []
            let others =
                (label + ["startMiB", "sizeMiB"]).filter(map.has)
                + ["typeGuid", "guid"].filter { map.text($0) != nil }
            if let other = others.first {
                report.add(
                    .error(
                        "has shouldExist = false and \(other)", hint: "one that goes has its number alone"),
                    at: path)
            }
        }
        if map["number"]?.int ?? 0 == 0, !map.has("label") {
            report.add(.error("has neither number nor label"), at: path)
        }
    }

    static func disk(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        let partitions = map.objects("partitions")
        var numbers: [Int64: Int] = [:]
        var labels: [ExactText: Int] = [:]
        for (position, partition) in partitions {
            let place = "\(path).partitions[\(position)]"
            if let number = partition["number"]?.int, number != 0,
                let earlier = numbers.updateValue(position, forKey: number)
            {
                report.add(
                    .error("is there already: partitions[\(earlier)] is number \(number) too"),
                    at: "\(place).number")
            }
            if let label = partition["label"]?.string,
                let earlier = labels.updateValue(position, forKey: ExactText(label))
            {
                report.add(
                    .error("is there already: partitions[\(earlier)] has \(label.inQuotes) too"),
                    at: "\(place).label")
            }
            // A partition table has 128 entries.
            let overlapped = partitions.prefix(128).first {
                position > $0.number && overlap($0.map, partition)
            }
            if let overlapped {
                report.add(.error("overlaps partitions[\(overlapped.number)]"), at: place)
            }
        }
        let goes = partitions.contains { $0.map["shouldExist"] == false }
        if goes, partitions.contains(where: { $0.map["number"]?.int ?? 0 == 0 }) {
            report.add(
                .error(
                    "has one with shouldExist = false and one without a number",
                    hint: "give each its number"), at: "\(path).partitions")
        }
    }

    /// Whether two partitions with places of their own lie on each other. The same twice is told by its number.
    private static func overlap(_ first: Map, _ second: Map) -> Bool {
        guard first != second, let first = extent(first), let second = extent(second) else { return false }
        return first.overlaps(second)
    }

    private static func extent(_ partition: Map) -> ClosedRange<Int64>? {
        guard let start = partition["startMiB"]?.int, let size = partition["sizeMiB"]?.int, start != 0
        else { return nil }
        let (end, isTooFar) = start.addingReportingOverflow(max(size, 1) - 1)
        return start...(isTooFar ? Int64.max : end)
    }

    private static let levels: Set<String> = [
        "linear", "raid0", "0", "stripe", "raid1", "1", "mirror", "raid4", "4", "raid5", "5", "raid6", "6",
        "raid10", "10",
    ]
    private static let levelsWithoutSpares: Set<String> = ["linear", "raid0", "0", "stripe"]

    static func raid(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        named(map, path, &report)
        if let level = map["level"]?.string {
            if !levels.contains(level) {
                report.add(
                    .error(
                        "cannot be \(level.inQuotes)",
                        hint: nearestName(to: level, in: levels).map { "did you mean \($0)?" }),
                    at: "\(path).level")
            } else if levelsWithoutSpares.contains(level), map["spares"]?.int ?? 0 != 0 {
                report.add(.error("cannot be at the level \(level)"), at: "\(path).spares")
            }
        }
        if map["devices"]?.list ?? [] == [] {
            report.add(.error("is missing"), at: "\(path).devices")
        }
    }

    // MARK: - Filesystems

    /// The filesystems, with the minor version that brought each and the longest label in bytes.
    private static let formats: [String: (since: Int, label: Int?)] = [
        "ext4": (0, 16), "btrfs": (0, 256), "xfs": (0, 12), "swap": (0, 15), "vfat": (0, 11),
        "none": (3, nil), "virtiofs": (7, 0),
    ]

    static func filesystem(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        let version = report.version
        guard let format = map.text("format") else {
            device(map, path, &report)
            let others =
                ["path", "label", "uuid"].filter { map.text($0) != nil }
                + (map["wipeFilesystem"] == true ? ["wipeFilesystem"] : [])
                + ["options", "mountOptions"].filter { map[$0]?.list ?? [] != [] }
            guard let other = others.first else { return }
            return report.add(
                .error("is missing, and \(other) is given", hint: "format = \"ext4\""), at: "\(path).format")
        }
        guard let known = formats[format], known.since <= version.minor else {
            device(map, path, &report)
            let names = formats.filter { $0.value.since <= version.minor }.map(\.key).sorted()
            let hint =
                formats[format].map { "version 3.\($0.since).0 brings it" }
                ?? "there are \(names.joined(separator: ", "))"
            return report.add(.error("cannot be \(format.inQuotes)", hint: hint), at: "\(path).format")
        }
        if format == "virtiofs" {
            sharedFolder(map, path, &report)
        } else {
            device(map, path, &report)
        }
        if let most = known.label, let label = map.text("label"), label.utf8.count > most {
            report.add(
                .error(
                    most == 0
                        ? "is for filesystems on disks, not \(format)"
                        : "has \(label.utf8.count) bytes, and \(format) takes \(most)"),
                at: "\(path).label")
        }
    }

    private static func device(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        guard let device = map["device"]?.string else { return }
        report.add(IgnitionValue.path(device, report.version), at: "\(path).device")
    }

    private static func sharedFolder(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        if let tag = map["device"]?.string, tag.isEmpty || tag.utf8.count > 36 {
            report.add(.error("is no tag of 1 to 36 bytes"), at: "\(path).device")
        }
        let others =
            (map.text("uuid") == nil ? [] : ["uuid"])
            + (map["wipeFilesystem"] == true ? ["wipeFilesystem"] : [])
            + (map["options"]?.list ?? [] == [] ? [] : ["options"])
        for other in others {
            report.add(.error("is for filesystems on disks, not virtiofs"), at: "\(path).\(other)")
        }
    }

    // MARK: - Encryption

    static func luks(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        named(map, path, &report)
        guard map["cex"]?["enabled"] == true, let clevis = map["clevis"]?.map else { return }
        guard clevis["custom"]?.map?.text("pin") != nil || !otherPins(clevis).isEmpty else { return }
        report.add(.error("cannot stand beside clevis", hint: "leave one of them out"), at: "\(path).cex")
    }

    static func clevis(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        guard let custom = map["custom"]?.map else { return }
        // In 3.2.0 an empty one counts.
        guard report.version.minor < 3 || custom.text("pin") != nil, let other = otherPins(map).first
        else { return }
        report.add(
            .error("cannot stand beside \(other)", hint: "leave one of them out"), at: "\(path).custom")
    }

    /// The keys of a clevis, besides its custom one, that bind the device to something.
    private static func otherPins(_ clevis: Map) -> [String] {
        (clevis["tang"]?.list ?? [] == [] ? [] : ["tang"]) + (clevis["tpm2"] == true ? ["tpm2"] : [])
            + (clevis["threshold"]?.int ?? 0 == 0 ? [] : ["threshold"])
    }

    private static let pins = ["sss", "tang", "tpm2"]

    static func pin(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        let needsNetwork = map["needsNetwork"] == true && report.version.minor >= 3
        guard map.text("pin") != nil || map.text("config") != nil || needsNetwork else { return }
        if let pin = map.text("pin") {
            if report.version.minor < 6, !pins.contains(pin) {
                report.add(
                    .error(
                        "cannot be \(pin.inQuotes) before version 3.6.0",
                        hint: "there are \(pins.joined(separator: ", "))"), at: "\(path).pin")
            }
        } else {
            report.add(.error("is missing"), at: "\(path).pin")
        }
        if map.text("config") == nil { report.add(.error("is missing"), at: "\(path).config") }
    }

    static func tang(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        guard map.text("thumbprint") == nil else { return }
        report.add(.error("is missing", hint: "tang-show-keys prints it"), at: "\(path).thumbprint")
    }

    // MARK: - What lies on what

    static func storage(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        let nodes = nodes(map, path)
        let files = nodes.filter { $0.list != "directories" }
        // The first of a path counts: the second is told of anyway.
        let blocking = Dictionary(files.map { ($0.path, $0) }) { first, _ in first }
        for node in nodes { parents(of: node, blocking, &report) }
        for (number, link) in map.objects("links") where link["hard"] == true {
            hardLink(link, "\(path).links[\(number)]", map, path, &report)
        }
        for (number, filesystem) in map.objects("filesystems") {
            let device = filesystem.text("device")
            guard let device,
                let disk = map.objects("disks").first(where: { $0.map.text("device") == device })
            else { continue }
            let place = "\(path).filesystems[\(number)].device"
            if disk.map["partitions"]?.list ?? [] != [] {
                report.add(
                    .warning("is \(path).disks[\(disk.number)], whose partitions are written over"), at: place
                )
            } else if disk.map["wipeTable"] == true, filesystem["wipeFilesystem"] != true {
                report.add(
                    .warning(
                        "is \(path).disks[\(disk.number)], whose wipeTable takes the filesystem with it"),
                    at: place)
            }
        }
    }

    private struct Node {
        let list: String
        let place: String
        let path: String
    }

    private static func nodes(_ storage: Map, _ path: String) -> [Node] {
        ["files", "directories", "links"].flatMap { list in
            storage.objects(list).compactMap { number, map in
                map.text("path").map { Node(list: list, place: "\(path).\(list)[\(number)].path", path: $0) }
            }
        }
    }

    /// Tells of a path below a link or a file of the same configuration.
    private static func parents(
        of node: Node, _ blocking: [String: Node], _ report: inout IgnitionReport
    ) {
        let slashes = node.path.indices.dropFirst().filter { node.path[$0] == "/" }
        let above = slashes.compactMap { blocking[String(node.path[..<$0])] }
        if let link = above.first(where: { $0.list == "links" }) {
            return report.add(.error("is below a link: \(link.place)"), at: node.place)
        }
        guard let file = above.first else { return }
        let message = "is below a file: \(file.place)"
        // The guest stops at it in any version; Ignition tells of it before only since 3.6.0.
        report.add(report.version.minor < 6 ? .warning(message) : .error(message), at: node.place)
    }

    private static func hardLink(
        _ link: Map, _ place: String, _ storage: Map, _ path: String, _ report: inout IgnitionReport
    ) {
        if let target = link.text("target"), let own = link.text("path") {
            let whole = IgnitionValue.cleaned(target.hasPrefix("/") ? target : "\(own)/\(target)")
            if storage.objects("directories").contains(where: { $0.map.text("path") == whole }) {
                report.add(.error("is a hard link to a folder: \(whole)"), at: place)
            }
        }
        for owner in ["user", "group"] {
            guard let map = link[owner]?.map else { continue }
            for key in ["id", "name"] where map.has(key) {
                report.add(.warning("has no effect on a hard link"), at: "\(place).\(owner).\(key)")
            }
        }
    }
}
