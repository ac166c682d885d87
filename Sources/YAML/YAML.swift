import Basics

/// The language YAML 1.1 as cloud-init reads it: libyaml finds the structure, and a plain scalar means what it means to
/// PyYAML's `SafeLoader`, so that a check here and the guest agree.
public enum YAML {
    /// The one document of a text; `.null` where there is none.
    ///
    /// - Parameter source: the file's name, for the message.
    /// - Throws: `Failure` with code `bad_yaml` and a message that gives line and column: for a syntax error, a key a map
    ///   has twice, an unknown tag, more than one document, or aliases that expand beyond measure.
    public static func parse(_ text: String, source: String = "") throws(Failure) -> Value {
        let stream = try parsed(text, source)
        guard let first = stream.documents.first else { return .null }
        if stream.documents.count > 1 {
            let mark = stream.documents[1].mark
            throw Failure(
                .badYAML,
                "\(source.isEmpty ? "the text" : source) holds \(stream.documents.count) documents, not one: the second "
                    + "begins at line \(mark.line)")
        }
        return first.value
    }

    /// Every document of a text.
    ///
    /// - Throws: as `parse`.
    public static func documents(_ text: String, source: String = "") throws(Failure) -> [Value] {
        try parsed(text, source).documents.map(\.value)
    }

    /// Every document with the places of its values; a duplicate key is no error here.
    public static func nodes(_ text: String) throws(YAMLProblem) -> YAMLStream {
        var reader = Reader(text)
        return try reader.read()
    }

    private static func parsed(_ text: String, _ source: String) throws(Failure) -> YAMLStream {
        let stream: YAMLStream
        do { stream = try nodes(text) } catch { throw error.failure(in: source) }
        if let duplicate = stream.duplicateKeys.first { throw duplicate.failure(in: source) }
        return stream
    }
}
