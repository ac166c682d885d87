/// A text that is the same as another only where its code units are: to Swift `é` is one character and `e` with an accent
/// behind it the same one, and to what reads a document they are two keys.
package struct ExactText: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (left: Self, right: Self) -> Bool { left.text.isExactly(right.text) }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension String {
    /// Whether two texts are the same, code unit by code unit.
    package func isExactly(_ other: String) -> Bool {
        // The first is quick where they differ, as most do.
        self == other && utf8.elementsEqual(other.utf8)
    }
}
