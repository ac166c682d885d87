import Basics
import Digests

/// The rules for what the members of an object in a configuration must be to each other: accounts, files, what is fetched.
enum IgnitionRule {
    /// Ignition takes an object without a name, and the guest can make nothing of it.
    static func named(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        guard map.text("name") == nil else { return }
        report.add(.warning("is missing, and the guest can make nothing without one"), at: "\(path).name")
    }

    static func owner(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        guard map.has("id"), map.text("name") != nil else { return }
        report.add(.error("has both id and name", hint: "leave one of them out"), at: path)
    }

    static func file(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        guard map["overwrite"] == true, map["contents"]?["source"] ?? .null == .null else { return }
        report.add(
            .error(
                "is true, and there is no contents.source to write",
                hint: "source = \"data:,\" makes an empty file"), at: "\(path).overwrite")
    }

    static func link(_ map: Map, _ path: String, _ report: inout IgnitionReport) {
        guard map.text("target") == nil else { return }
        let message = "is missing"
        // The versions before 3.3.0 take it, and the guest stops at it.
        report.add(report.version.minor < 3 ? .warning(message) : .error(message), at: "\(path).target")
    }

    // MARK: - What is fetched

    static func resource(
        _ map: Map, _ path: String, requiredSince: Int?, _ report: inout IgnitionReport
    ) {
        let source = map.text("source")
        if let requiredSince, requiredSince <= report.version.minor, source == nil {
            report.add(.error("is missing"), at: "\(path).source")
        }
        if let headers = map["httpHeaders"]?.list, !headers.isEmpty {
            let scheme = source.flatMap(WebAddress.init)?.scheme ?? ""
            if !["http", "https"].contains(scheme) {
                report.add(
                    .error("are sent with an http or https address alone, which source is not"),
                    at: "\(path).httpHeaders")
            }
        }
        guard let hash = map["verification"]?["hash"], hash != .null else { return }
        let place = "\(path).verification.hash"
        guard map.has("source") else {
            return report.add(.error("is given, and source is not"), at: place)
        }
        guard let source, let hash = hash.string, map.text("compression") == nil,
            let data = try? DataURL(source), let sum = digest(data.bytes, like: hash)
        else { return }
        if sum != hash {
            report.add(
                .warning("is not that of what the data: address holds", hint: "it has \(sum)"), at: place)
        }
    }

    /// The hash of bytes by the function of another; `nil` where that has none, or another length.
    private static func digest(_ bytes: [UInt8], like hash: String) -> String? {
        let sum: String
        switch hash.cut(at: "-").before {
        case "sha512": sum = "sha512-" + hexadecimal(SHA512.hash(data: bytes))
        case "sha256": sum = "sha256-" + hexadecimal(SHA256.hash(data: bytes))
        default: return nil
        }
        return sum.utf8.count == hash.utf8.count ? sum : nil
    }
}

extension Map {
    /// A text that is not empty.
    func text(_ key: String) -> String? { self[key]?.string.flatMap { $0.isEmpty ? nil : $0 } }

    /// Whether a key is there, and not null.
    func has(_ key: String) -> Bool { self[key] ?? .null != .null }

    /// The objects of a list, each with its number, counted from 1.
    func objects(_ key: String) -> [(number: Int, map: Map)] {
        (self[key]?.list ?? []).enumerated().compactMap { index, value in
            value.map.map { (index + 1, $0) }
        }
    }
}
