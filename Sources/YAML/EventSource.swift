import CYaml

/// One of libyaml's events, copied out of its memory.
struct Event {
    enum Kind: Equatable {
        case streamStart, streamEnd, documentStart, documentEnd
        case alias(String)
        case scalar(String, isPlain: Bool)
        case listStart, listEnd, mapStart, mapEnd
    }

    var kind: Kind
    var anchor: String?
    /// The tag, resolved (`tag:yaml.org,2002:str`), or `!`; `nil` where the text has none.
    var tag: String?
    var mark: YAMLMark
}

/// A run of libyaml's parser over one text. It owns the parser's memory and the bytes it reads.
final class EventSource {
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let bytes: UnsafeMutableBufferPointer<UInt8>
    private let text: String

    init(_ text: String) {
        self.text = text
        let utf8 = Array(text.utf8)
        bytes = .allocate(capacity: utf8.count)
        _ = bytes.initialize(from: utf8)
        precondition(yaml_parser_initialize(parser) == 1, "out of memory")
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        bytes.deallocate()
    }

    func next() throws(YAMLProblem) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { yaml_event_delete(&event) }
        let data = event.data
        func made(
            _ kind: Event.Kind, anchor: UnsafeMutablePointer<UInt8>? = nil,
            tag: UnsafeMutablePointer<UInt8>? = nil
        ) -> Event {
            Event(
                kind: kind, anchor: anchor.map { String(cString: $0) }, tag: tag.map { String(cString: $0) },
                mark: Self.mark(event.start_mark))
        }
        switch event.type {
        case YAML_STREAM_START_EVENT: return made(.streamStart)
        case YAML_DOCUMENT_START_EVENT: return made(.documentStart)
        case YAML_DOCUMENT_END_EVENT: return made(.documentEnd)
        case YAML_ALIAS_EVENT: return made(.alias(String(cString: data.alias.anchor)))
        case YAML_SCALAR_EVENT:
            let scalar = data.scalar
            let text = String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            return made(.scalar(text, isPlain: isPlain), anchor: scalar.anchor, tag: scalar.tag)
        case YAML_SEQUENCE_START_EVENT:
            return made(.listStart, anchor: data.sequence_start.anchor, tag: data.sequence_start.tag)
        case YAML_SEQUENCE_END_EVENT: return made(.listEnd)
        case YAML_MAPPING_START_EVENT:
            return made(.mapStart, anchor: data.mapping_start.anchor, tag: data.mapping_start.tag)
        case YAML_MAPPING_END_EVENT: return made(.mapEnd)
        // The parser answers a call beyond the end with no event at all.
        default: return made(.streamEnd)
        }
    }

    private static func mark(_ mark: yaml_mark_t) -> YAMLMark {
        YAMLMark(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    /// libyaml's complaint, its place found for it where it names only a byte.
    private func problem() -> YAMLProblem {
        let state = parser.pointee
        var message = state.problem.map { String(cString: $0) } ?? "not YAML"
        var mark = Self.mark(state.problem_mark)
        if state.error == YAML_READER_ERROR {
            let before = String(decoding: bytes.prefix(Int(state.problem_offset)), as: UTF8.self)
                .unicodeScalars
            let lastBreak = before.lastIndex(of: "\n").map { before.index(after: $0) } ?? before.startIndex
            mark = YAMLMark(
                line: before.count { $0 == "\n" } + 1,
                column: before.distance(from: lastBreak, to: before.endIndex) + 1)
            message += " (character \(state.problem_value))"
        } else if let context = state.context {
            message += " \(String(cString: context))"
            if state.context_mark.line != state.problem_mark.line {
                message += " that begins in line \(state.context_mark.line + 1)"
            }
        }
        let text = line(mark.line, of: text)
        let isTabbed = text.prefix { $0 == " " || $0 == "\t" }.contains("\t")
        return YAMLProblem(
            mark: mark, message: message, lineText: text,
            hint: isTabbed ? "indent with spaces, not tabs" : nil)
    }
}
