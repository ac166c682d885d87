import Basics
import JSONSchema
import YAML

/// The types of parts, each as its handler in cloud-init reads it.
extension UserDataCheck {
    mutating func checkCloudConfig(_ text: String) {
        if let header = Self.firstLine(text), header.lowercased().hasPrefix("## template:") {
            return error(
                "is a template, and its type has cloud-init take it as it is",
                hint: "give it the type text/jinja2")
        }
        add(
            CloudInitCheck.cloudConfig(
                text, file: file, guest: guest, movesNetwork: part == nil && file == .userData))
    }

    mutating func checkScript(_ text: String) {
        guard !text.hasPrefix("#!"), !text.allSatisfy(\.isWhitespace) else { return }
        let isLate = text.drop(while: \.isWhitespace).hasPrefix("#!")
        error(
            isLate
                ? "has space in front of #!, and the guest cannot run it"
                : "is a script without #! in front, and the guest cannot run it",
            hint: isLate ? "begin with #!" : "begin with #!/bin/sh")
    }

    mutating func checkInclude(_ text: String) {
        var addresses = 0
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .enumerated()
        {
            var rest = line[...]
            for header in ["#include-once", "#include"] where line.lowercased().hasPrefix(header) {
                rest = line.dropFirst(header.count).drop(while: \.isWhitespace)
                break
            }
            let address = rest.trimmed()
            if rest.hasPrefix("#") || address.isEmpty { continue }
            addresses += 1
            guard !address.contains("://"), !address.hasPrefix("/") else { continue }
            error(
                "\"\(address)\" is no address, and cloud-init then reads nothing of \(file.rawValue)",
                hint: "such as https://example.org/\(address.contains(" ") ? "web.yaml" : address)",
                at: YAMLMark(line: index + 1, column: 1))
        }
        guard addresses > 0, !hasInclude else { return }
        hasInclude = true
        // What is fetched may bring a handler.
        hasHandler = true
        warn("what it includes is not checked here: the guest fetches it")
    }

    mutating func checkArchive(_ text: String) {
        let (root, found) = CloudInitCheck.document(text, file: file)
        add(found)
        guard let root else { return }
        guard case .list(let members) = root.content else {
            guard root.value != .null else { return }
            return error(
                "must be a list of parts", hint: "such as \"- {type: text/cloud-config, content: …}\"",
                at: root.mark)
        }
        isInArchive = true
        defer { isInArchive = false }
        let outer = part
        for (index, member) in members.enumerated() {
            part = outer
            checkMember(member, index)
        }
        part = outer
    }

    /// Checks a part of an archive, which cloud-init puts into a message (`_explode_archive`).
    mutating func checkMember(_ member: YAMLNode, _ index: Int) {
        let path = DocumentPath().member(index)
        func spoils(_ node: YAMLNode, _ key: String, _ message: String, _ hint: String? = nil)
            -> CloudInitCheck.Finding
        {
            finding(
                .error, node.mark, message + ", and cloud-init then reads nothing of \(file.rawValue)",
                path: path.key(key), hint: hint)
        }
        var content = ""
        var bytes: [UInt8]?
        var type: String?
        switch member.content {
        case .scalar(.string(let text), _): content = text
        case .map(let entries):
            switch member.entry("content")?.node {
            case nil: break
            case let node?:
                switch node.content {
                case .scalar(.string(let text), _): content = text
                case .scalar(.bytes(let binary), _): bytes = binary
                default:
                    return findings.append(spoils(node, "content", "must be a text", "write it behind |"))
                }
            }
            if let node = member.entry("type")?.node, node.value != .null, node.value != "" {
                guard let text = node.value.string, text.contains("/") else {
                    return findings.append(spoils(node, "type", "is no type", "such as text/cloud-config"))
                }
                type = text.lowercased()
            }
            for entry in entries where !Self.memberKeys.contains(entry.key.lowercased()) {
                if entry.node.value.string == nil, entry.node.value != .null {
                    findings.append(spoils(entry.node, entry.key, "must be a text"))
                } else if let nearest = nearestName(to: entry.key, in: ["content", "type", "filename"]) {
                    findings.append(
                        finding(
                            .error, entry.mark, "is no key of an archive's part", path: path.key(entry.key),
                            hint: "did you mean \(nearest)?"))
                }
            }
        default:
            return findings.append(
                finding(
                    .warning, member.mark, "is neither a text nor a map, and cloud-init passes over it",
                    path: path))
        }
        begin(member.entry("filename")?.node.text)
        let payload = bytes ?? Array(content.utf8)
        let named: PartType?
        switch UserDataHeader(ofPart: String(decoding: payload, as: UTF8.self)) {
        case .cloudConfig: named = .cloudConfig
        case .other(let found): named = found
        default: named = nil
        }
        check(
            type ?? named?.rawValue
                ?? (bytes == nil ? PartType.cloudConfig.rawValue : "application/octet-stream"), payload)
    }

    private static let memberKeys: Set<String> = [
        "content", "filename", "type", "launch-index", "content-disposition", "number-attachments",
        "content-type",
    ]

    /// Checks a JSON patch (RFC 6902) of what the parts before have made.
    mutating func checkPatch(_ text: String) {
        let rest = String(text.drop(while: \.isWhitespace))
        let body = rest.dropping("#cloud-config-jsonp") ?? rest
        let value: Value
        do throws(Failure) { value = try JSONReader.read(body, source: "") } catch let failure {
            return error("is no JSON patch: \(failure.message)", hint: failure.hint)
        }
        guard case .list(let operations) = value else {
            // Of an object Python takes the keys.
            if case .map(let map) = value, map.isEmpty { return }
            return error(
                "must be a list of operations",
                hint: "such as [{\"op\": \"add\", \"path\": \"/runcmd\", \"value\": []}]")
        }
        for (index, operation) in operations.enumerated() {
            if let complaint = Self.complaint(of: operation) {
                error("operation \(index + 1) \(complaint), and cloud-init leaves the whole part out")
            }
        }
    }

    private static func complaint(of operation: Value) -> String? {
        let fields = [
            "add": "value", "replace": "value", "test": "value", "move": "from", "copy": "from", "remove": "",
        ]
        guard case .map(let map) = operation else { return "is no object" }
        guard let name = map["op"]?.string, let needed = fields[name] else {
            return "has no \"op\" of " + fields.keys.sorted().joined(separator: ", ")
        }
        guard let path = map["path"]?.string, path.isEmpty || path.hasPrefix("/") else {
            return "has no \"path\" that begins with /"
        }
        return needed.isEmpty || map[needed] != nil ? nil : "has no \"\(needed)\""
    }
}
