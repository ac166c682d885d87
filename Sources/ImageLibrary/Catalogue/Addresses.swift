/// Whether a text is the address of a file that curl may fetch.
func isAddress(_ text: String) -> Bool {
    ["https://", "http://"].contains(where: text.lowercased().hasPrefix)
}
