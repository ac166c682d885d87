import Basics
import CYaml
import FoundationEssentials

/// Reads one YAML document as cloud-init's reader, PyYAML's `SafeLoader`, does; an empty text is `null`.
///
/// - Throws: `Failure` with code `bad_yaml`; its message begins with the line and column and holds the line. A key that
///   stands twice in one mapping is an error, which PyYAML passes over in silence.
public func parseYAML(_ text: String) throws(Failure) -> YAMLNode {
    let parser = Parser(text)
    return try parser.document()
}

/// libyaml's parser and what has been read of the document.
private final class Parser {
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let text: ContiguousArray<UInt8>
    private var anchors: [String: YAMLNode] = [:]
    /// Nodes made so far, those of aliases counted again: a few lines of aliases of aliases would fill any memory.
    private var nodes = 0
    private static let mostNodes = 1_000_000
    private static let deepest = 200

    init(_ text: String) {
        self.text = ContiguousArray(text.utf8)
        yaml_parser_initialize(parser)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    func document() throws(Failure) -> YAMLNode {
        let result: Result<YAMLNode, Failure> = text.withUnsafeBufferPointer { bytes in
            yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
            do throws(Failure) {
                return .success(try stream())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func stream() throws(Failure) -> YAMLNode {
        var node = YAMLNode(content: .scalar(.null), position: .init(line: 1, column: 1))
        var documents = 0
        while true {
            var event = try next()
            defer { yaml_event_delete(&event) }
            switch event.type {
            case YAML_STREAM_END_EVENT: return node
            case YAML_DOCUMENT_START_EVENT:
                documents += 1
                if documents > 1 { throw failure("there is more than one document", event.start_mark) }
                node = try self.node(depth: 0)
            default: break
            }
        }
    }

    private func next() throws(Failure) -> yaml_event_t {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) != 0 else {
            let problem = parser.pointee.problem.map { String(cString: $0) } ?? "it cannot be read"
            throw failure(problem, parser.pointee.problem_mark)
        }
        return event
    }

    private func node(depth: Int) throws(Failure) -> YAMLNode {
        var event = try next()
        defer { yaml_event_delete(&event) }
        return try node(of: event, depth: depth)
    }

    private func node(of event: yaml_event_t, depth: Int, isKey: Bool = false) throws(Failure) -> YAMLNode {
        let mark = event.start_mark
        guard depth < Self.deepest else { throw failure("it is nested more than \(Self.deepest) deep", mark) }
        nodes += 1
        let position = YAMLNode.Position(line: mark.line + 1, column: mark.column + 1)
        func kept(_ content: YAMLNode.Content, _ anchor: UnsafeMutablePointer<yaml_char_t>?) -> YAMLNode {
            let node = YAMLNode(content: content, position: position)
            if let anchor { anchors[String(cString: anchor)] = node }
            return node
        }
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            return kept(.scalar(try value(of: event, isKey: isKey)), scalar.anchor)
        case YAML_ALIAS_EVENT:
            let name = String(cString: event.data.alias.anchor)
            guard let target = anchors[name] else { throw failure("the anchor \(name) is not there", mark) }
            nodes += count(target)
            guard nodes <= Self.mostNodes else { throw failure("its aliases grow without bound", mark) }
            return target
        case YAML_SEQUENCE_START_EVENT:
            return kept(.list(try members(depth: depth + 1)), event.data.sequence_start.anchor)
        case YAML_MAPPING_START_EVENT:
            return kept(.map(try entries(depth: depth + 1)), event.data.mapping_start.anchor)
        default: throw failure("a value is expected", mark)
        }
    }

    private func count(_ node: YAMLNode) -> Int {
        switch node.content {
        case .scalar: 1
        case .list(let members): members.reduce(1) { $0 + count($1) }
        case .map(let entries): entries.reduce(1) { $0 + count($1.value) }
        }
    }

    private func members(depth: Int) throws(Failure) -> [YAMLNode] {
        var members: [YAMLNode] = []
        while true {
            var event = try next()
            defer { yaml_event_delete(&event) }
            if event.type == YAML_SEQUENCE_END_EVENT { return members }
            members.append(try node(of: event, depth: depth))
        }
    }

    private func entries(depth: Int) throws(Failure) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var seen: Set<String> = []
        var merged: [YAMLNode.Entry] = []
        while true {
            var event = try next()
            defer { yaml_event_delete(&event) }
            if event.type == YAML_MAPPING_END_EVENT { break }
            let mark = event.start_mark
            let isPlain =
                event.type == YAML_SCALAR_EVENT && event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE
            let key = try key(of: try node(of: event, depth: depth, isKey: true), mark)
            let value = try node(depth: depth)
            if key == "<<", isPlain {
                merged += try merge(value, mark)
                continue
            }
            guard seen.insert(key).inserted else {
                throw failure("the key \(key) stands twice in one mapping", mark)
            }
            let position = YAMLNode.Position(line: mark.line + 1, column: mark.column + 1)
            entries.append(.init(key: key, position: position, value: value))
        }
        return entries + merged.filter { seen.insert($0.key).inserted }
    }

    /// The merge key: https://yaml.org/type/merge.html
    private func merge(_ node: YAMLNode, _ mark: yaml_mark_t) throws(Failure) -> [YAMLNode.Entry] {
        switch node.content {
        case .map(let entries): return entries
        case .list(let nodes):
            var entries: [YAMLNode.Entry] = []
            for node in nodes { entries += try merge(node, mark) }
            return entries
        case .scalar: throw failure("<< takes a mapping or a list of mappings", mark)
        }
    }

    private func key(of node: YAMLNode, _ mark: yaml_mark_t) throws(Failure) -> String {
        guard case .scalar(let value) = node.content else { throw failure("a key must be a scalar", mark) }
        switch value {
        case .string(let text): return text
        case .int(let number): return "\(number)"
        case .double(let number): return "\(number)"
        case .bool(let flag): return flag ? "true" : "false"
        default: return "null"
        }
    }

    private func value(of event: yaml_event_t, isKey: Bool) throws(Failure) -> Value {
        let scalar = event.data.scalar
        let text = String(
            decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        if let tag = scalar.tag.map({ String(cString: $0) }), tag != "!" {
            switch tag {
            case "tag:yaml.org,2002:str": return .string(text)
            case "tag:yaml.org,2002:binary":
                guard let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters) else {
                    throw failure("!!binary is no base64", event.start_mark)
                }
                return String(validating: data, as: UTF8.self).map(Value.string) ?? .bytes(Array(data))
            case "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool",
                "tag:yaml.org,2002:null":
                return resolveScalar(text) ?? .string(text)
            default: throw failure("the tag \(tag) is not known", event.start_mark)
            }
        }
        guard scalar.style == YAML_PLAIN_SCALAR_STYLE else { return .string(text) }
        if text == "=" || (text == "<<" && !isKey) {
            throw failure("\(text) alone is no value: put it in quotes", event.start_mark)
        }
        return resolveScalar(text) ?? .string(text)
    }

    private func failure(_ problem: String, _ mark: yaml_mark_t) -> Failure {
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let line =
            lines.indices.contains(mark.line)
            ? String(decoding: lines[mark.line].prefix(80), as: UTF8.self) : ""
        return Failure(
            "bad_yaml", "line \(mark.line + 1), column \(mark.column + 1): \(problem)",
            cause: line.isEmpty ? nil : line)
    }
}
