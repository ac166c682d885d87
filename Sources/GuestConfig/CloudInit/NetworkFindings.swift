import Basics
import JSONSchema
import MachineSpec
import YAML

/// The findings of a network configuration, and the values its checks read on the way.
struct NetworkFindings {
    /// A value with its place.
    struct Placed<Value> {
        var value: Value
        var mark: YAMLMark
        var path: DocumentPath
    }

    let file: SeedFile
    private(set) var found: [CloudInitCheck.Finding] = []

    init(file: SeedFile) { self.file = file }

    mutating func error(_ mark: YAMLMark, _ path: DocumentPath, _ message: String, hint: String? = nil) {
        found.append(.init(.error, file: file, at: mark, path: path, message, hint: hint))
    }

    mutating func warning(_ mark: YAMLMark, _ path: DocumentPath, _ message: String, hint: String? = nil) {
        found.append(.init(.warning, file: file, at: mark, path: path, message, hint: hint))
    }

    /// Whether an error of a place is told.
    func hasError(at path: DocumentPath) -> Bool {
        found.contains { $0.path == path.description && $0.severity == .error }
    }

    /// Takes over what a schema says, but of what an error is told already.
    mutating func add(_ problems: [SchemaProblem]) {
        for problem in problems where !hasError(at: problem.path) {
            found.append(
                .init(
                    problem.isError ? .error : .warning, file: file, at: problem.mark, path: problem.path,
                    problem.message, hint: problem.hint))
        }
    }

    // MARK: - Keys

    /// The entries of a map; `nil` where the node is none, which is told.
    mutating func entries(
        _ node: YAMLNode, _ path: DocumentPath, hint: String? = nil
    ) -> [YAMLNode.Entry]? {
        if case .map(let entries) = node.content { return entries }
        error(node.mark, path, "must be a map, not \(Self.words(node))", hint: hint)
        return nil
    }

    /// The members of a list; `nil` where the node is none, which is told.
    mutating func members(_ node: YAMLNode, _ path: DocumentPath) -> [YAMLNode]? {
        if case .list(let members) = node.content { return members }
        let hint = node.text.flatMap { $0.isEmpty ? nil : "[\($0)]" }
        error(node.mark, path, "must be a list, not \(Self.words(node))", hint: hint.map { "write \($0)" })
        return nil
    }

    mutating func unknown(
        _ entry: YAMLNode.Entry, _ path: DocumentPath, of owner: String, known: some Collection<String>,
        hint: String? = nil
    ) {
        let nearest = nearestName(to: entry.key, in: known.sorted()).map { "did you mean \($0)?" }
        let few = known.count <= 12 ? "the keys here are \(known.sorted().joined(separator: ", "))" : nil
        error(entry.mark, path.key(entry.key), "is no key of \(owner)", hint: hint ?? nearest ?? few)
    }

    static func words(_ node: YAMLNode) -> String {
        switch node.content {
        case .map: "a map"
        case .list: "a list"
        case .scalar(.null, _): "nothing"
        case .timestamp: "a date"
        case .scalar(.string, let text) where text.count <= 40: quoted(text)
        case .scalar(.string, _): "a text"
        case .scalar(_, let text), .largeNumber(let text): text
        }
    }

    // MARK: - Values

    /// A text, or a number as it is written; `nil` for a list, a map or nothing, which is told.
    mutating func text(_ node: YAMLNode, _ path: DocumentPath) -> String? {
        if let text = node.text, node.value != .null { return text }
        error(node.mark, path, "must be a text, not \(Self.words(node))")
        return nil
    }

    /// A name, which is a text to cloud-init too.
    mutating func name(_ node: YAMLNode, _ path: DocumentPath) -> String? {
        guard let text = text(node, path) else { return nil }
        if case .scalar(.string, _) = node.content { return text }
        error(node.mark, path, "is no text to YAML: \(text)", hint: "quote it: '\(text)'")
        return nil
    }

    /// Whether a switch is on, in any word that YAML or netplan knows.
    @discardableResult
    mutating func flag(_ node: YAMLNode, _ path: DocumentPath) -> Bool? {
        if let flag = node.value.bool { return flag }
        switch node.value.string?.lowercased() {
        case "true", "yes", "on", "y": return true
        case "false", "no", "off", "n": return false
        default:
            error(node.mark, path, "must be true or false, not \(Self.words(node))")
            return nil
        }
    }

    @discardableResult
    mutating func number(_ node: YAMLNode, _ path: DocumentPath, in range: ClosedRange<Int64>) -> Int64? {
        // netplan reads digits, in quotes or not.
        let number = node.value.int ?? node.value.string.flatMap { Int64($0) }
        if let number, range.contains(number) { return number }
        let wanted =
            range.upperBound == .max
            ? "\(range.lowerBound) or more" : "from \(range.lowerBound) to \(range.upperBound)"
        error(node.mark, path, "must be a whole number \(wanted), not \(Self.words(node))")
        return nil
    }

    @discardableResult
    mutating func choice(
        _ node: YAMLNode, _ path: DocumentPath, of choices: [String]
    ) -> String? {
        guard let text = text(node, path) else { return nil }
        if choices.contains(text) { return text }
        let nearest = nearestName(to: text, in: choices).map { "did you mean \($0)?" }
        error(
            node.mark, path, "cannot be \(quoted(text))",
            hint: nearest ?? "one of \(choices.joined(separator: ", "))")
        return nil
    }

    /// The address of a nic, in lower case.
    mutating func mac(_ node: YAMLNode, _ path: DocumentPath) -> String? {
        guard let text = text(node, path) else { return nil }
        guard case .scalar(.string, _) = node.content else {
            error(
                node.mark, path, "is a number to YAML, \(Self.words(of: node.value)), and no address",
                hint: "quote it: '\(text)'")
            return nil
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        // InfiniBand's have 20 bytes.
        let isAddress =
            (parts.count == 6 || parts.count == 20)
            && parts.allSatisfy { $0.utf8.count == 2 && $0.allSatisfy { $0.isASCII && $0.isHexDigit } }
        if isAddress { return text.lowercased() }
        error(node.mark, path, "is no MAC address: \(quoted(text))", hint: "such as '52:54:00:12:34:56'")
        return nil
    }

    private static func words(of value: Value) -> String {
        switch value {
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        default: "a large one"
        }
    }

    /// The IP address of a text, without a prefix.
    mutating func address(
        _ node: YAMLNode, _ path: DocumentPath, isIPv4: Bool? = nil
    ) -> IPAddress? {
        guard let text = text(node, path) else { return nil }
        return address(text, node.mark, path, isIPv4: isIPv4)
    }

    mutating func address(
        _ text: String, _ mark: YAMLMark, _ path: DocumentPath, isIPv4: Bool? = nil
    ) -> IPAddress? {
        guard let address = IPAddress(text) else {
            if text.contains("/") {
                error(
                    mark, path, "is an address alone, without a prefix: \(quoted(text))",
                    hint: text.split(separator: "/").first.map { "write \($0)" })
            } else {
                error(mark, path, "is no IP address: \(quoted(text))", hint: Self.leadingZero(text))
            }
            return nil
        }
        if let isIPv4, isIPv4 != address.isIPv4 {
            error(mark, path, "must be an \(isIPv4 ? "IPv4" : "IPv6") address, not \(text)")
            return nil
        }
        return address
    }

    /// An address with the length of its network's prefix: `192.168.1.5/24`.
    mutating func interfaceAddress(
        _ text: String, _ mark: YAMLMark, _ path: DocumentPath
    ) -> (address: IPAddress, prefix: Int)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let address = IPAddress(parts[0]) else {
            error(mark, path, "is no IP address: \(quoted(text))", hint: Self.leadingZero(parts[0]))
            return nil
        }
        let example = "\(address)/\(address.isIPv4 ? 24 : 64)"
        guard parts.count == 2 else {
            error(
                mark, path, "has no prefix: \(quoted(text))",
                hint: "write how long its network's is, as in \(example)")
            return nil
        }
        if address.isIPv4, let mask = Self.prefix(ofMask: parts[1]) {
            error(
                mark, path, "has a mask in the place of a prefix: \(quoted(text))",
                hint: "write \(address)/\(mask)")
            return nil
        }
        let limit = address.bytes.count * 8
        guard parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let prefix = Int(parts[1]),
            prefix <= limit
        else {
            error(
                mark, path, "has a prefix that is none of 0 to \(limit): \(quoted(text))",
                hint: "as in \(example)")
            return nil
        }
        return (address, prefix)
    }

    /// The length of the prefix a mask such as `255.255.255.0` stands for; `nil` where its bits are not in one row.
    static func prefix(ofMask text: String) -> Int? {
        guard let mask = IPAddress(text), mask.isIPv4 else { return nil }
        let bits = mask.bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let count = (~bits).leadingZeroBitCount
        return bits == (count == 0 ? 0 : ~UInt32(0) << UInt32(32 - count)) ? count : nil
    }

    private static func leadingZero(_ text: String) -> String? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isNumber) }) else {
            return nil
        }
        if parts.contains(where: { $0.count > 1 && $0.first == "0" }) {
            return "no number of it begins with 0: some readers take 010 for 8"
        }
        return "each of its numbers is from 0 to 255"
    }
}
