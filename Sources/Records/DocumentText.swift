import Basics

/// The text of bytes that is to be taken apart.
///
/// - Throws: `Failure` with code `bad_field` for one that is too long or not UTF-8.
package func document(_ bytes: [UInt8]) throws(Failure) -> String {
    guard bytes.count <= ReadLimit.document else {
        throw Failure(
            .badField,
            "the text is longer than the \(ByteSize(bytes: UInt64(ReadLimit.document))) a document may have")
    }
    return try utf8(bytes, named: "the text")
}

/// The text of bytes.
///
/// - Throws: `Failure` with code `bad_field` that gives the place of the first byte that is not UTF-8.
package func utf8(_ bytes: [UInt8], named name: String) throws(Failure) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    var rest = bytes.makeIterator()
    var decoder = UTF8()
    var place = (line: 1, column: 1)
    while case .scalarValue(let scalar) = decoder.decode(&rest) {
        place = scalar == "\n" ? (place.line + 1, 1) : (place.line, place.column + 1)
    }
    throw Failure(
        .badField,
        "\(name) is not UTF-8: the first wrong byte is in line \(place.line), column \(place.column)")
}
