import Basics

/// The rules for the values of a configuration: what a text or a number of a kind must be.
///
/// Source: Ignition's configuration specifications, and what `ignition-validate` says.
enum IgnitionValue {
    static func text(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? { nil }
    static func number(_ number: Int64, _ version: IgnitionVersion) -> IgnitionComplaint? { nil }

    // MARK: - Paths

    /// The path of a file, from the root.
    static func path(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        guard !text.isEmpty else { return .error("is empty", hint: "give an absolute path") }
        guard text.hasPrefix("/") else {
            return .error("is no absolute path: \(text.inQuotes)", hint: "begin with a slash")
        }
        let clean = cleaned(text)
        guard clean.isExactly(text) else {
            return .error(
                "is no path in its simplest form: \(text.inQuotes)", hint: "write \(clean.inQuotes)")
        }
        return nil
    }

    static func pathOrNone(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        text.isEmpty ? nil : path(text, version)
    }

    /// An absolute path without empty parts, `.` and `..`.
    static func cleaned(_ path: String) -> String {
        var parts: [Substring.UTF8View] = []
        for part in path.utf8.split(separator: UInt8(ascii: "/")) {
            switch Substring(part) {
            case ".": continue
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return "/" + parts.map { String(Substring($0)) }.joined(separator: "/")
    }

    // MARK: - Addresses

    /// The schemes of what Ignition fetches, and the minor version that brought each.
    private static let schemes = [
        "data": 0, "http": 0, "https": 0, "tftp": 0, "s3": 0, "gs": 2, "arn": 4, "file": 7,
    ]

    /// The address of what Ignition fetches, or takes as it stands there.
    static func address(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        guard !text.isEmpty else { return nil }
        guard let address = WebAddress(text), !address.scheme.isEmpty else {
            return .error("is no address", hint: "a text stands in one as data:,hello%20there")
        }
        // Flatcar's own Ignition has this one; Fedora CoreOS's stops at it.
        guard address.scheme != "oem" else {
            return .warning("is an oem: address, which Flatcar's Ignition alone fetches")
        }
        guard let since = schemes[address.scheme] else {
            let known = schemes.filter { $0.value <= version.minor }.map(\.key).sorted()
            return .error(
                "has the scheme \(address.scheme), which Ignition does not fetch",
                hint: "it fetches \(known.joined(separator: ", "))")
        }
        guard since <= version.minor else {
            return .error(
                "has the scheme \(address.scheme), which \(version.text) does not have",
                hint: "version 3.\(since).0 brings it")
        }
        switch address.scheme {
        case "data": return data(text)
        case "s3": return objectVersion(address)
        case "arn": return arn(address) ?? objectVersion(address)
        case "file" where !address.host.isEmpty: return .error("is a file: address with a host")
        case "file": return path(address.path, version)
        default: return nil
        }
    }

    private static func data(_ text: String) -> IgnitionComplaint? {
        do throws(DataURL.Problem) { _ = try DataURL(text) } catch {
            return .error("is a data: address that \(error.message)", hint: error.hint)
        }
        return nil
    }

    private static func objectVersion(_ address: WebAddress) -> IgnitionComplaint? {
        address.value(of: "versionId") == "" ? .error("has an empty versionId") : nil
    }

    /// Looks at `arn:PARTITION:s3:REGION:ACCOUNT:RESOURCE`.
    private static func arn(_ address: WebAddress) -> IgnitionComplaint? {
        let parts = address.opaque.split(separator: ":", maxSplits: 4, omittingEmptySubsequences: false)
        let slashes = address.opaque.count { $0 == "/" }
        guard parts.count == 5, parts[1] == "s3",
            slashes >= (parts[4].hasPrefix("accesspoint/") ? 2 : 1)
        else {
            return .error(
                "is no ARN of an object in S3", hint: "such as arn:aws:s3:::bucket/key")
        }
        return nil
    }

    static func proxy(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        switch WebAddress(text)?.scheme {
        case "http"?, "https"?: nil
        default: .error("is no http or https address", hint: "such as http://proxy.example.org:3128")
        }
    }

    static func securedProxy(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        if let complaint = proxy(text, version) { return complaint }
        guard WebAddress(text)?.scheme == "http" else { return nil }
        return .warning("leads to a proxy without encryption", hint: "https://…, where the proxy has it")
    }

    static func tangServer(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        switch WebAddress(text)?.scheme {
        case "http"?, "https"?: nil
        default: .error("is no http or https address")
        }
    }

    // MARK: - Hashes and identifiers

    private static let hashLengths = ["sha512": 128, "sha256": 64]

    static func hash(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        let (function, sum) = text.cut(at: "-")
        guard text.contains("-") else {
            return .error("is no hash", hint: "write sha512- and 128 hexadecimal digits")
        }
        guard let length = hashLengths[function] else {
            let known = version.minor < 1 ? "sha512" : "sha512 and sha256"
            return .error(
                "has a function that is none of Ignition's: \(function.inQuotes)", hint: "there are \(known)")
        }
        guard function != "sha256" || version.minor >= 1 else {
            return .error(
                "is a SHA-256, which \(version.text) does not have", hint: "version 3.1.0 brings it")
        }
        guard sum.utf8.count == length else {
            return .error("has \(sum.utf8.count) digits where \(function) has \(length)")
        }
        guard sum.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) })
        else {
            return .warning("matches nothing: its digits must be 0 to 9 and a to f")
        }
        return nil
    }

    static func compression(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        guard !["", "gzip"].contains(text) else { return nil }
        return .error("cannot be \(text.inQuotes)", hint: "Ignition unpacks gzip alone")
    }

    static func guid(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        let lengths = text.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8.count)
        let isHexadecimal = text.utf8.allSatisfy { $0 == UInt8(ascii: "-") || hexadecimal.contains($0) }
        guard !text.isEmpty, lengths != [8, 4, 4, 4, 12] || !isHexadecimal else { return nil }
        return .error("is no GUID: \(text.inQuotes)", hint: "such as 0fc63daf-8483-4772-8e79-3d69d8477de4")
    }

    private static let hexadecimal = Array("0123456789abcdefABCDEF".utf8)

    static func headerName(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        text.isEmpty ? .error("is empty") : nil
    }

    static func headerValue(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        text.isEmpty ? .error("is empty", hint: "leave it out, and the header is taken away") : nil
    }

    static func advertisement(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        guard !text.isEmpty, (try? JSONReader.read(text, source: "")) == nil else { return nil }
        return .error("is no JSON")
    }

    // MARK: - Names

    static func partitionLabel(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        guard text.utf8.count <= 36 else { return .error("has more than 36 bytes") }
        guard !text.contains(":") else {
            return .error("has a colon, at which it would be cut off: \(text.inQuotes)")
        }
        return nil
    }

    static func luksName(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        text.contains("/") ? .error("has a slash: \(text.inQuotes)", hint: "it is a name, not a path") : nil
    }

    static func luksLabel(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        text.utf8.count > 47 ? .error("has more than 47 bytes") : nil
    }

    // MARK: - Units

    private static let unitTypes: Set<String> = [
        "service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "snapshot",
        "slice", "scope",
    ]

    static func unitName(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        guard !unitTypes.contains(suffix(of: text)) else { return nil }
        let hint = "name its type, such as \(text.isEmpty || text.contains(".") ? "web" : text).service"
        return .error("is no unit's name: \(text.inQuotes)", hint: hint)
    }

    static func dropInName(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        guard suffix(of: text) != "conf" else { return nil }
        return .error("is no drop-in's name: \(text.inQuotes)", hint: "it ends in .conf")
    }

    /// What stands behind the last dot of a name; empty where it has none.
    private static func suffix(of name: String) -> String {
        let last = name.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        return last.lastIndex(of: ".").map { String(last[last.index(after: $0)...]) } ?? ""
    }

    static func unitContents(_ text: String, _ version: IgnitionVersion) -> IgnitionComplaint? {
        do throws(UnitFile.Problem) { _ = try UnitFile(text) } catch {
            return .error(
                "is no unit: its line \(error.line) \(error.message)",
                hint: "as in [Service], and below it ExecStart=/usr/bin/web")
        }
        return nil
    }
}
