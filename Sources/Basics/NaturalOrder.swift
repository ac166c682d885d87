/// Whether one name comes before another as a person counts: `web-2` before `web-10`.
public func comesBefore(_ left: String, _ right: String) -> Bool {
    let (a, b) = (Array(left.utf8), Array(right.utf8))
    var (i, j) = (0, 0)
    while i < a.count, j < b.count {
        let (first, second) = (figures(a, from: i), figures(b, from: j))
        guard !first.isEmpty, !second.isEmpty else {
            if a[i] != b[j] { return a[i] < b[j] }
            (i, j) = (i + 1, j + 1)
            continue
        }
        // Of numbers without zeros before them the longer is the larger.
        let (x, y) = (first.drop { $0 == UInt8(ascii: "0") }, second.drop { $0 == UInt8(ascii: "0") })
        if x.count != y.count { return x.count < y.count }
        if !x.elementsEqual(y) { return x.lexicographicallyPrecedes(y) }
        (i, j) = (first.endIndex, second.endIndex)
    }
    if a.count - i != b.count - j { return a.count - i < b.count - j }
    return a.lexicographicallyPrecedes(b)
}

/// The figures that stand in a text from a place on.
private func figures(_ text: [UInt8], from start: Int) -> ArraySlice<UInt8> {
    text[start...].prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
}
