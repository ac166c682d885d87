import Basics

/// The rules for units.
extension IgnitionRule {
    static func unit(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        guard map["enabled"] == true, lacksInstall(map) else { return }
        report.add(
            .warning(
                "has no [Install] section, so that enabled = true does nothing",
                hint: "[Install] with WantedBy=multi-user.target"), at: "\(path).contents")
    }

    /// Whether a unit has contents that can be read, and nothing in them says what wants it.
    private static func lacksInstall(_ unit: Map) -> Bool {
        guard let contents = unit.text("contents"), let file = try? UnitFile(contents) else { return false }
        return !file.sections.contains("Install")
    }

    /// Looks at instances, such as `web@1.service`, that are enabled, and their template, `web@.service`.
    static func units(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        let units = map.objects("units")
        for (number, unit) in units where unit["enabled"] == true {
            guard let name = unit.text("name"), unit.text("contents") == nil,
                let at = name.firstIndex(of: "@"), let dot = name.lastIndex(of: "."), at < dot
            else { continue }
            let template = name[...at] + name[dot...]
            guard template != name,
                let found = units.first(where: { $0.map.text("name") == String(template) }),
                lacksInstall(found.map)
            else { continue }
            report.add(
                .warning(
                    "has no effect: \(template) has no [Install] section",
                    hint: "[Install] with WantedBy=multi-user.target, in \(path).units[\(found.number)]"),
                at: "\(path).units[\(number)].enabled")
        }
    }

    /// Tells of files, folders and links that are a unit's or a drop-in's place too.
    static func unitFiles(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        guard let storage = map["storage"]?.map, let systemd = map["systemd"]?.map else { return }
        var places: [String: String] = [:]
        for (number, unit) in systemd.objects("units") {
            guard let name = unit.text("name") else { continue }
            let place = "\(path).systemd.units[\(number)]"
            if unit.text("contents") != nil { places["/etc/systemd/system/\(name)"] = place }
            for (number, dropIn) in unit.objects("dropins") where dropIn.text("contents") != nil {
                guard let file = dropIn.text("name") else { continue }
                places["/etc/systemd/system/\(name).d/\(file)"] = "\(place).dropins[\(number)]"
            }
        }
        for list in ["files", "directories", "links"] {
            for (number, node) in storage.objects(list) {
                guard let place = node.text("path").flatMap({ places[$0] }) else { continue }
                report.add(
                    .error("is where \(place) is written", hint: "leave one of them out"),
                    at: "\(path).storage.\(list)[\(number)].path")
            }
        }
    }
}
