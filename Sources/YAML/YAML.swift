import Basics

/// The language YAML 1.1 as cloud-init reads it, by PyYAML's own reader: what is right here is right there and means the
/// same, and what is wrong is wrong in the same place.
public enum YAML {
    /// The one document of a text; `.null` where there is none.
    ///
    /// - Parameter source: the file's name, for the message.
    /// - Throws: `Failure` with code `bad_yaml` and a message that gives line and column: for a syntax error, a key a map
    ///   has twice, an unknown tag, more than one document, aliases that expand beyond measure, or a whole number that
    ///   does not fit into 64 bits.
    public static func parse(_ text: String, source: String = "") throws(Failure) -> Value {
        do {
            return try reading(text) { (composer) throws(YAMLProblem) in
                guard try composer.nextDocument() != nil else { return .null }
                let root = try composer.document()
                // As cloud-init's reader, before it makes a value of the first.
                if let mark = try composer.nextDocument() {
                    throw YAMLProblem(
                        mark: mark, message: "a second document begins here, and only one can be read",
                        hint: "remove the line ---")
                }
                return try value(of: root)
            }
        } catch { throw error.failure(in: source) }
    }

    /// Every document of a text.
    ///
    /// - Throws: as `parse`.
    public static func documents(_ text: String, source: String = "") throws(Failure) -> [Value] {
        do {
            return try reading(text) { (composer) throws(YAMLProblem) in
                var values: [Value] = []
                while try composer.nextDocument() != nil { values.append(try value(of: composer.document())) }
                return values
            }
        } catch { throw error.failure(in: source) }
    }

    /// The one document of a text with the places of its values; a duplicate key and a second document are no errors here.
    public static func nodes(_ text: String) throws(YAMLProblem) -> YAMLText {
        try reading(text) { (composer) throws(YAMLProblem) in
            guard try composer.nextDocument() != nil else {
                return YAMLText(root: nil, duplicateKeys: [], second: nil)
            }
            let root = try composer.document()
            let second = try composer.nextDocument()
            var constructor = Constructor()
            do throws(YAMLProblem) {
                let node = try constructor.document(root)
                return YAMLText(root: node, duplicateKeys: constructor.duplicates, second: second)
            } catch {
                // The second document is what cloud-init's reader stops at.
                if second == nil { throw error }
                return YAMLText(root: nil, duplicateKeys: [], second: second)
            }
        }
    }

    private static func value(of root: RawNode) throws(YAMLProblem) -> Value {
        var constructor = Constructor()
        let node = try constructor.document(root)
        if let number = constructor.tooLarge {
            throw YAMLProblem(
                mark: number.mark, message: "\(number.text) does not fit into 64 bits",
                hint: "quote it: '\(number.text)'")
        }
        if let duplicate = constructor.duplicates.first { throw duplicate }
        return node.value
    }

    private static func reading<Result>(
        _ text: String, _ read: (inout Composer) throws(YAMLProblem) -> Result
    ) throws(YAMLProblem) -> Result {
        do {
            var composer = try Composer(text)
            return try read(&composer)
        } catch {
            var problem = error
            problem.lineText = line(problem.mark.line, of: text)
            throw problem
        }
    }

    /// A line of a text by its number from 1, without what ends it; empty beyond the end.
    private static func line(_ number: Int, of text: String) -> String {
        var line = String.UnicodeScalarView()
        var count = 1
        var last: Unicode.Scalar = " "
        for scalar in text.unicodeScalars {
            let isWithin = last == "\r" && scalar == "\n"
            last = scalar
            if scalar.isBreak {
                if !isWithin { count += 1 }
                if count > number { break }
            } else if count == number {
                line.append(scalar)
            }
        }
        return String(line)
    }
}
