import Basics
import CYaml

extension YAML {
    /// A value as one YAML document in block style: the same value gives the same text, and PyYAML's `safe_load`
    /// gives the value back. A secret is written as its text, bytes as `!!binary`.
    public static func write(_ value: Value) -> String {
        let emitter = Emitter()
        emitter.document(value)
        return emitter.text
    }
}

/// libyaml's emitter, writing into memory.
private final class Emitter {
    private final class Sink {
        var bytes: [UInt8] = []
    }

    private let emitter = UnsafeMutablePointer<yaml_emitter_t>.allocate(capacity: 1)
    private let sink = Sink()

    init() {
        precondition(yaml_emitter_initialize(emitter) == 1, "out of memory")
        // The sink outlives the emitter: both are this object's.
        yaml_emitter_set_output(
            emitter,
            { sink, bytes, count in
                guard let sink, let bytes else { return 0 }
                Unmanaged<Sink>.fromOpaque(sink).takeUnretainedValue().bytes
                    .append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
                return 1
            }, Unmanaged.passUnretained(sink).toOpaque())
        yaml_emitter_set_encoding(emitter, YAML_UTF8_ENCODING)
        yaml_emitter_set_unicode(emitter, 1)
        // No folding: a long key or command stays one line.
        yaml_emitter_set_width(emitter, -1)
    }

    deinit {
        yaml_emitter_delete(emitter)
        emitter.deallocate()
    }

    var text: String { String(decoding: sink.bytes, as: UTF8.self) }

    func document(_ value: Value) {
        emit { yaml_stream_start_event_initialize($0, YAML_UTF8_ENCODING) }
        emit { yaml_document_start_event_initialize($0, nil, nil, nil, 1) }
        node(value)
        emit { yaml_document_end_event_initialize($0, 1) }
        emit { yaml_stream_end_event_initialize($0) }
    }

    private func node(_ value: Value) {
        switch value {
        case .null: scalar("null", YAML_PLAIN_SCALAR_STYLE)
        case .bool(let flag): scalar(flag ? "true" : "false", YAML_PLAIN_SCALAR_STYLE)
        case .int(let number): scalar("\(number)", YAML_PLAIN_SCALAR_STYLE)
        case .double(let number): scalar(written(number), YAML_PLAIN_SCALAR_STYLE)
        case .string(let text), .secret(let text): scalar(text, style(of: text))
        case .bytes(let bytes):
            scalar(Base64.encode(bytes), YAML_PLAIN_SCALAR_STYLE, tag: "tag:yaml.org,2002:binary")
        case .list(let members):
            emit { yaml_sequence_start_event_initialize($0, nil, nil, 1, YAML_BLOCK_SEQUENCE_STYLE) }
            for member in members { node(member) }
            emit { yaml_sequence_end_event_initialize($0) }
        case .map(let map):
            emit { yaml_mapping_start_event_initialize($0, nil, nil, 1, YAML_BLOCK_MAPPING_STYLE) }
            for entry in map.entries {
                node(.string(entry.key))
                node(entry.value)
            }
            emit { yaml_mapping_end_event_initialize($0) }
        }
    }

    private func scalar(_ text: String, _ style: yaml_scalar_style_t, tag: String? = nil) {
        var text = text
        text.withUTF8 { bytes in
            // The emitter takes a NUL-terminated pointer or a length, but not a missing pointer.
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: bytes.count + 1) { copy in
                _ = copy.initialize(from: bytes)
                emit { event in
                    guard let tag else {
                        return yaml_scalar_event_initialize(
                            event, nil, nil, copy.baseAddress, Int32(bytes.count), 1, 1, style)
                    }
                    return tag.withCString(encodedAs: UTF8.self) { tag in
                        yaml_scalar_event_initialize(
                            event, nil, tag, copy.baseAddress, Int32(bytes.count), 0, 0, style)
                    }
                }
            }
        }
    }

    /// Every step can fail for want of memory only: the events come in the right order and the text is UTF-8.
    private func emit(_ initialize: (UnsafeMutablePointer<yaml_event_t>) -> Int32) {
        var event = yaml_event_t()
        precondition(initialize(&event) == 1, "libyaml refuses an event")
        precondition(yaml_emitter_emit(emitter, &event) == 1, "libyaml cannot write")
    }
}

/// The form PyYAML takes for a number with a point: an exponent needs both the point and its sign.
private func written(_ number: Double) -> String {
    if number.isNaN { return ".nan" }
    if number.isInfinite { return number < 0 ? "-.inf" : ".inf" }
    let text = "\(number)"
    guard !text.contains("."), let exponent = text.firstIndex(of: "e") else { return text }
    return "\(text[..<exponent]).0\(text[exponent...])"
}

/// How a text is written so that it is read back as itself, and can be read by a person.
private func style(of text: String) -> yaml_scalar_style_t {
    let scalars = text.unicodeScalars
    // What has no visible form, or is a line break to some readers, is written as an escape.
    let isVisible = scalars.allSatisfy { scalar in
        switch scalar.value {
        case 0x09, 0x0A, 0x20...0x7E: true
        case 0...0x9F, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF: false
        default: true
        }
    }
    if !isVisible { return YAML_DOUBLE_QUOTED_SCALAR_STYLE }
    if scalars.contains("\n") { return YAML_LITERAL_SCALAR_STYLE }
    return looksLikeText(text) ? YAML_PLAIN_SCALAR_STYLE : YAML_SINGLE_QUOTED_SCALAR_STYLE
}

/// No reader, whether of YAML 1.1 or 1.2, takes the bare word for anything but a text. Whether the punctuation in
/// it allows a bare word is libyaml's to know.
private func looksLikeText(_ text: String) -> Bool {
    guard Scalar.read(text) == .value(.string(text)), let first = text.utf8.first else { return false }
    switch first {
    // Dates, and numbers as YAML 1.2 writes them (`1e3`, `0o17`) or as a person reads them (`08`).
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
        return !text.utf8.allSatisfy { "0123456789abcdefABCDEFoOxXtTzZ_+-.: ".utf8.contains($0) }
    default:
        return !["y", "Y", "n", "N"].contains(text)
    }
}
