import Basics
import JSONSchema

/// The check of time zones and packages.
enum SystemValues {
    static func check(_ root: PlacedNode, _ problems: inout ValueProblems) {
        if let zone = root.entry("timezone"), let text = zone.string, !text.isEmpty {
            checkZone(zone, text, &problems)
        }
        for package in root.entry("packages")?.members ?? [] {
            if package.string != nil { checkPackage(package, &problems) }
            // A name and its version.
            for word in package.members { checkPackage(word, &problems) }
            // By the manager, as newer versions have it.
            for inner in package.entry("apt")?.members ?? [] {
                if inner.string != nil { checkPackage(inner, &problems) }
                for word in inner.members { checkPackage(word, &problems) }
            }
        }
    }

    private static func checkZone(_ zone: PlacedNode, _ text: String, _ problems: inout ValueProblems) {
        guard !TimeZones.has(text) else { return }
        problems.error(
            zone, "\(shown(text)) is no time zone, and the guest stays in the image's",
            hint: TimeZones.nearest(to: text).map { "did you mean \($0)?" }
                ?? "such as Europe/Zurich; timedatectl list-timezones prints them")
    }

    /// What no package manager has in the name of a package, or what is behind it: `nginx=1.2`, `foo>1`, `@group`.
    private static let illegal = Set("\"'`;&|$\\!,(){}#%\u{7F}".unicodeScalars)

    private static func checkPackage(_ package: PlacedNode, _ problems: inout ValueProblems) {
        guard let text = package.string else { return }
        let all = "the package manager then installs none of them"
        if text.isEmpty {
            return problems.error(package, "is no package: \(all)", hint: "leave it out")
        }
        if text.hasPrefix("-") {
            return problems.warning(
                package, "\(shown(text)) is an option to the package manager, not a package",
                hint: "options are set below apt, or in runcmd")
        }
        if text.contains(where: \.isWhitespace) {
            return problems.error(
                package, "\(shown(text)) is no name of a package: it has a blank in it, and \(all)",
                hint: "make each package a member of the list")
        }
        // An address may have any of them.
        if !text.contains("://"),
            let wrong = text.unicodeScalars.first(where: {
                illegal.contains($0) || !$0.isASCII || $0.value < 0x20
            })
        {
            problems.error(
                package,
                "\(shown(text)) is no name of a package: it has \(shown(String(wrong))) in it, and \(all)",
                hint: wrong == ","
                    ? "make each package a member of the list" : "such as nginx, or nginx=1.22.1-9")
        }
    }
}
