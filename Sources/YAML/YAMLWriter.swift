import Basics
import CYaml
import FoundationEssentials

/// Writes a value as a YAML 1.1 document that PyYAML, which cloud-init reads with, reads back as the same value.
///
/// Block style; texts of several lines are literal blocks; a text that would be read as something else is quoted. A
/// secret is written as its text.
public func writeYAML(_ value: Value) -> String {
    let emitter = Emitter()
    emitter.document(value)
    return emitter.finish()
}

/// libyaml's emitter and the bytes it has written. Its failures are those of memory and of its caller's order.
private final class Emitter {
    private let emitter = UnsafeMutablePointer<yaml_emitter_t>.allocate(capacity: 1)
    private var written: [UInt8] = []

    init() {
        yaml_emitter_initialize(emitter)
        yaml_emitter_set_unicode(emitter, 1)
        // No folding: a line of a script stays a line.
        yaml_emitter_set_width(emitter, -1)
        yaml_emitter_set_output(
            emitter,
            { data, buffer, count in
                guard let data, let buffer else { return 0 }
                Unmanaged<Emitter>.fromOpaque(data).takeUnretainedValue()
                    .written.append(contentsOf: UnsafeBufferPointer(start: buffer, count: count))
                return 1
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        yaml_emitter_delete(emitter)
        emitter.deallocate()
    }

    func finish() -> String { String(decoding: written, as: UTF8.self) }

    func document(_ value: Value) {
        emit { yaml_stream_start_event_initialize($0, YAML_UTF8_ENCODING) }
        emit { yaml_document_start_event_initialize($0, nil, nil, nil, 1) }
        node(value)
        emit { yaml_document_end_event_initialize($0, 1) }
        emit { yaml_stream_end_event_initialize($0) }
    }

    private func emit(_ make: (UnsafeMutablePointer<yaml_event_t>) -> Int32) {
        var event = yaml_event_t()
        _ = make(&event)
        yaml_emitter_emit(emitter, &event)
    }

    private func node(_ value: Value) {
        switch value {
        case .null: scalar("null", YAML_PLAIN_SCALAR_STYLE)
        case .bool(let flag): scalar(flag ? "true" : "false", YAML_PLAIN_SCALAR_STYLE)
        case .int(let number): scalar("\(number)", YAML_PLAIN_SCALAR_STYLE)
        case .double(let number): scalar(float(number), YAML_PLAIN_SCALAR_STYLE)
        case .string(let text), .secret(let text): scalar(text, style(of: text))
        case .bytes(let bytes): binary(bytes)
        case .list(let members):
            emit {
                yaml_sequence_start_event_initialize(
                    $0, nil, nil, 1, members.isEmpty ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE)
            }
            for member in members { node(member) }
            emit { yaml_sequence_end_event_initialize($0) }
        case .map(let map):
            emit {
                yaml_mapping_start_event_initialize(
                    $0, nil, nil, 1, map.isEmpty ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE)
            }
            for entry in map.entries {
                scalar(entry.key, style(of: entry.key, isKey: true))
                node(entry.value)
            }
            emit { yaml_mapping_end_event_initialize($0) }
        }
    }

    /// `style` is a wish: libyaml takes double quotes where the text does not fit it.
    private func scalar(_ text: String, _ style: yaml_scalar_style_t, tag: String? = nil) {
        var text = text
        text.withUTF8 { bytes in
            var event = yaml_event_t()
            let tagBytes = tag.map { Array($0.utf8CString.map(UInt8.init(bitPattern:))) }
            _ = yaml_scalar_event_initialize(
                &event, nil, tagBytes, bytes.baseAddress, Int32(bytes.count), tag == nil ? 1 : 0,
                tag == nil ? 1 : 0, style)
            yaml_emitter_emit(emitter, &event)
        }
    }

    private func binary(_ bytes: [UInt8]) {
        scalar(
            Data(bytes).base64EncodedString(), YAML_DOUBLE_QUOTED_SCALAR_STYLE,
            tag: "tag:yaml.org,2002:binary")
    }

    /// YAML 1.1 wants a dot in a float: `1e+20` is a text to PyYAML.
    private func float(_ number: Double) -> String {
        if number.isNaN { return ".nan" }
        if number.isInfinite { return number < 0 ? "-.inf" : ".inf" }
        let text = "\(number)"
        guard let exponent = text.firstIndex(of: "e") else { return text }
        let mantissa = text[..<exponent]
        let power = text[text.index(after: exponent)...]
        return (mantissa.contains(".") ? mantissa : mantissa + ".0") + "e"
            + (power.hasPrefix("-") ? power : "+" + power.drop { $0 == "+" })
    }

    private func style(of text: String, isKey: Bool = false) -> yaml_scalar_style_t {
        if !isKey, text.contains("\n"), isPrintable(text), text.first != "\n", text.first != " ",
            !text.contains(" \n"), !text.contains("\t\n")
        {
            return YAML_LITERAL_SCALAR_STYLE
        }
        if case .string = resolveScalar(text) { return YAML_PLAIN_SCALAR_STYLE }
        return YAML_SINGLE_QUOTED_SCALAR_STYLE
    }

    private func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy {
            $0 == "\n" || $0 == "\t"
                || ($0.value >= 0x20 && $0.value != 0x7F && !(0x80...0x9F).contains($0.value)
                    && $0.value != 0x2028 && $0.value != 0x2029 && $0.value != 0xFEFF)
        }
    }
}
