/// The kind of user-data or vendor-data by its first line, as cloud-init reads it (`type_from_starts_with` in
/// `cloudinit/handlers/__init__.py`: lower-cased, white space before it does not count).
enum UserDataHeader: Equatable {
    case empty
    case cloudConfig
    /// The file is a MIME message.
    case message
    /// The file is a script, template, archive or include list.
    case other(PartType)
    /// cloud-init would leave the file alone.
    case unknown(message: String, hint: String)

    init(of text: String) {
        self = Self.isMessage(text.utf8) ? .message : UserDataHeader(ofPart: text)
    }

    /// Whether a file is a MIME message: its headers may come in any order, within the first 4096 bytes.
    static func isMessage(_ bytes: some Collection<UInt8>) -> Bool {
        String(decoding: Array(bytes.prefix(4096)), as: UTF8.self).lowercased().contains("mime-version:")
    }

    /// The kind of a text that is no message, whatever it says of itself.
    init(ofPart text: String) {
        var scalars = text.unicodeScalars[...]
        if scalars.first == "\u{FEFF}" {
            self = .unknown(
                message: "begins with a byte order mark, and cloud-init then takes it for no known type",
                hint: "save it as UTF-8 without a BOM")
            return
        }
        scalars = scalars.drop { $0.properties.isWhitespace }
        guard !scalars.isEmpty else {
            self = .empty
            return
        }
        let line = String(scalars.prefix { $0 != "\n" && $0 != "\r" })
        let first = line.lowercased()
        switch PartType(header: first) {
        case .cloudConfig:
            let rest = first.dropFirst("#cloud-config".count)
            // cloud-init looks at the beginning only: `#cloud-configs` passes, a typo or not.
            self = .cloudConfig
            if let next = rest.first, next.isLetter || next == "-" || next == "_" {
                self = .unknown(
                    message: "the first line is \"\(Self.shown(line))\"",
                    hint: "make the first line #cloud-config")
            }
        case let type?: self = .other(type)
        case nil:
            if let kind = CloudbaseInit.script(Array(text.utf8)) {
                self = .unknown(
                    message: "is \(kind), which cloudbase-init in a Windows runs, and cloud-init does not",
                    hint: "guest_os = \"windows\" for a Windows; else begin a script with #!/bin/sh")
                return
            }
            self = .unknown(
                message:
                    "the first line is \"\(Self.shown(line))\", which cloud-init takes for no known type",
                hint: Self.hint(first, text))
        }
    }

    private static func hint(_ first: String, _ text: String) -> String {
        let letters = first.filter(\.isLetter)
        if letters == "cloudconfig" { return "write it without a space: #cloud-config" }
        if text.split(whereSeparator: \.isNewline).contains(where: {
            $0.lowercased().hasPrefix("#cloud-config")
        }) {
            return "move the line #cloud-config to the top"
        }
        return "make the first line #cloud-config, or #! for a script"
    }

    private static func shown(_ line: String) -> String {
        line.count > 40 ? line.prefix(40) + "…" : line
    }
}
