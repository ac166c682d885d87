import Basics
import Digests
import MachineSpec
import YAML

/// The instance that a seed makes of a guest, by its instance-id: cloud-init runs once for each.
///
/// Meta-data that names none gets one that changes when anything else in the seed does. Without it the guest would be the
/// instance `nocloud` for ever, and take no change.
package struct SeedIdentity: Sendable {
    /// The instance-id the guest reads.
    package let instanceID: String
    /// Whether the author's meta-data says it.
    package let isGiven: Bool
    /// The file meta-data.
    let metaData: [UInt8]

    /// - Parameters:
    ///   - spec: the files as the seed is to hold them (`SeedNetwork`).
    ///   - name: the machine's: the guest's hostname, where `spec` brings no meta-data of its own.
    package init(_ spec: CloudInitSpec, name: String?) {
        let made = Self.instanceID(of: spec, name: name)
        guard let document = spec.metaData else {
            (instanceID, isGiven) = (made, false)
            var text = Self.line(made)
            if let name { text += "local-hostname: \(jsonText(name))\n" }
            metaData = Array(text.utf8)
            return
        }
        let text = document.text(as: .metaData)
        guard let text, let stream = try? YAML.nodes(text), stream.second == nil,
            let map = Self.map(stream.root)
        else {
            // What the datasource calls an instance whose meta-data it cannot read.
            (instanceID, isGiven) = ("nocloud", true)
            metaData = document.bytes(as: .metaData)
            return
        }
        if let entry = stream.root?.entry(Self.key) {
            (instanceID, isGiven) = (entry.node.text ?? "", true)
            metaData = Array(text.utf8)
        } else {
            (instanceID, isGiven) = (made, false)
            metaData = Array(Self.text(text, stream.root?.mark, with: made, in: map).utf8)
        }
    }

    private static let key = "instance-id"

    private static func line(_ id: String) -> String { "\(key): \(jsonText(id))\n" }
    private static func member(_ id: String) -> String { "\(jsonText(key)): \(jsonText(id)), " }

    /// The map of a document; an empty one has none in it.
    private static func map(_ root: YAMLNode?) -> Map? {
        guard let root, root.value != .null else { return Map() }
        return root.value.map
    }

    /// An id made of all that is in a seed.
    private static func instanceID(of spec: CloudInitSpec, name: String?) -> String {
        var hash = SHA256()
        var parts = [name.map { Array($0.utf8) }]
        parts += [SeedFile.userData, .networkConfig, .vendorData].map { spec[$0]?.bytes(as: $0) }
        if let metaData = spec.metaData { parts.append(metaData.bytes(as: .metaData)) }
        for part in parts {
            // The length first: what moves from one file to the next is a change.
            let bytes = part ?? []
            hash.update(data: Array("\(part == nil ? "-" : "+")\(bytes.count):".utf8))
            hash.update(data: bytes)
        }
        return "iid-" + hexadecimal(hash.finalize().prefix(16))
    }

    // MARK: - The author's meta-data

    /// The author's text with an id before its first key; its other lines stay as they were written.
    private static func text(_ text: String, _ mark: YAMLMark?, with id: String, in map: Map) -> String {
        var whole = Map([.init(key: key, value: .string(id))])
        for entry in map.entries { whole.append(entry.key, entry.value) }
        var bytes = Array(text.utf8)
        if let mark, let place = offset(of: mark, in: bytes) {
            if bytes[place] == UInt8(ascii: "{") {
                bytes.insert(contentsOf: member(id).utf8, at: place + 1)
            } else {
                let indentation = String(repeating: " ", count: mark.column - 1)
                bytes.insert(contentsOf: (line(id) + indentation).utf8, at: place)
            }
        } else {
            bytes = Array((line(id) + text).utf8)
        }
        let result = String(decoding: bytes, as: UTF8.self)
        // Not so behind a tag, or where the map is written in a way that few know.
        let read = try? YAML.nodes(result)
        let isSame = read?.second == nil && read?.root?.value == .map(whole)
        return isSame ? result : CloudConfig.metaData(from: .map(whole))
    }

    private static func offset(of mark: YAMLMark, in bytes: [UInt8]) -> Int? {
        var start = 0
        for _ in 1..<mark.line {
            guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            start = end + 1
        }
        let place = start + mark.column - 1
        return place < bytes.count ? place : nil
    }

    /// The meta-data as its author wrote it, of a file of a seed; the file itself, where limiq has put no id into it.
    ///
    /// - Parameter isGiven: whether a text is the author's.
    package static func givenMetaData(_ file: String, where isGiven: (String) -> Bool) -> String {
        guard !isGiven(file), let root = (try? YAML.nodes(file))?.root, let id = root.entry(key)?.node.text
        else { return file }
        let indentation = String(repeating: " ", count: max(0, root.mark.column - 1))
        for added in [line(id) + indentation, member(id)] {
            guard let range = file.firstRange(of: added) else { continue }
            var text = file
            text.removeSubrange(range)
            if isGiven(text) { return text }
        }
        return file
    }
}

/// The text as a JSON string (RFC 8259, section 7), which is a YAML double-quoted scalar too: `007` without quotes would
/// become the number 7.
private func jsonText(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": result += "\\\(scalar)"
        case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
