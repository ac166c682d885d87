extension String {
    /// The text that follows a prefix; `nil` where it does not begin so.
    package func dropping(_ prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}

extension StringProtocol {
    /// The text without blanks, tabs and line ends at either side.
    package func trimmed() -> String {
        let blanks: Set<Character> = [" ", "\t", "\r", "\n", "\r\n"]
        var rest = Substring(self)
        while let first = rest.first, blanks.contains(first) { rest.removeFirst() }
        while let last = rest.last, blanks.contains(last) { rest.removeLast() }
        return String(rest)
    }
}
