/// The kind of user-data or vendor-data by its first line, as cloud-init reads it (`INCLUSION_TYPES_MAP` in
/// `cloudinit/handlers/__init__.py`: lower-cased, white space before it does not count).
enum UserDataHeader: Equatable {
    case empty
    case cloudConfig
    /// The file is a script, MIME message, template, archive or include list.
    case other
    /// cloud-init would leave the file alone.
    case unknown(line: Int = 1, message: String, hint: String)

    private static let others = [
        "#!", "#include", "#cloud-config-archive", "#cloud-config-jsonp", "#cloud-boothook", "#part-handler",
    ]

    init(of text: String) {
        var scalars = text.unicodeScalars[...]
        if scalars.first == "\u{FEFF}" {
            self = .unknown(
                message: "begins with a byte order mark, and cloud-init then takes it for no known type",
                hint: "save it as UTF-8 without a BOM")
            return
        }
        scalars = scalars.drop { $0.properties.isWhitespace }
        let line = String(scalars.prefix { $0 != "\n" && $0 != "\r" })
        let first = line.lowercased()
        // MIME headers may come in any order, within the first 4096 bytes.
        let head = String(decoding: text.utf8.prefix(4096), as: UTF8.self).lowercased()
        if scalars.isEmpty {
            self = .empty
        } else if first.hasPrefix("## template: jinja") {
            self = Self.ofTemplate(text)
        } else if Self.others.contains(where: first.hasPrefix) || head.contains("mime-version:") {
            self = .other
        } else if first.hasPrefix("#cloud-config") {
            let rest = first.dropFirst("#cloud-config".count)
            // cloud-init looks at the beginning only: `#cloud-configs` passes, a typo or not.
            self = .cloudConfig
            if let next = rest.first, next.isLetter || next == "-" || next == "_" {
                self = .unknown(
                    message: "the first line is \"\(Self.shown(line))\"",
                    hint: "make the first line #cloud-config")
            }
        } else {
            self = .unknown(
                message:
                    "the first line is \"\(Self.shown(line))\", which cloud-init takes for no known type",
                hint: Self.hint(first, text))
        }
    }

    /// The kind of a template. It is rendered, and what comes of it has a header of its own; that may come of a
    /// statement.
    private static func ofTemplate(_ text: String) -> UserDataHeader {
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(
            String.init)
        let start = (lines.firstIndex { $0.lowercased().contains("## template: jinja") } ?? 0) + 1
        guard let index = lines[start...].firstIndex(where: { !$0.allSatisfy(\.isWhitespace) }),
            !lines[index].contains("{%"), !lines[index].contains("{{"), !lines[index].contains("{#"),
            case .unknown(_, let message, let hint) = UserDataHeader(
                of: lines[index...].joined(separator: "\n"))
        else { return .other }
        return .unknown(
            line: index + 1,
            message: message.replacing("the first line is", with: "the template's first line is"),
            hint: hint)
    }

    private static func hint(_ first: String, _ text: String) -> String {
        let letters = first.filter(\.isLetter)
        if letters == "cloudconfig" { return "write it without a space: #cloud-config" }
        if text.split(separator: "\n").contains(where: { $0.lowercased().hasPrefix("#cloud-config") }) {
            return "move the line #cloud-config to the top"
        }
        return "make the first line #cloud-config, or #! for a script"
    }

    private static func shown(_ line: String) -> String {
        line.count > 40 ? line.prefix(40) + "…" : line
    }
}
