import Basics
import JSONSchema

extension UserDataCheck {
    /// Checks what cloudbase-init reads, cloud-init's counterpart for Windows.
    mutating func checkForWindows(_ bytes: [UInt8]) {
        guard file == .userData, !bytes.isEmpty, CloudbaseInit.script(bytes) == nil else { return }
        if let (what, hint) = Self.foreignKind(bytes) {
            return error("is \(what), which cloudbase-init cannot read", hint: hint)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        if text.hasPrefix("#cloud-config") { return checkConfigForWindows(text) }
        if text.hasPrefix("Content-Type: multipart") { return checkMessageForWindows(text) }
        if CloudbaseInit.others.contains(where: text.trimmed().hasPrefix) || text.allSatisfy(\.isWhitespace) {
            return
        }
        error(
            "the first line is \"\((Self.firstLine(text) ?? "").prefix(40))\", which cloudbase-init takes for no known type",
            hint: "make it #ps1_sysnative for PowerShell, rem cmd for a batch file, or #cloud-config")
    }

    mutating func checkMessageForWindows(_ text: String) {
        let message = MIMEMessage(text)
        message.problems.forEach { report($0) }
        for inner in message.parts {
            begin(inner.filename)
            if inner.type == PartType.handler.rawValue { hasHandler = true }
            if inner.type == PartType.cloudConfig.rawValue {
                checkConfigForWindows(String(decoding: inner.payload, as: UTF8.self))
            } else if !CloudbaseInit.types.contains(inner.type), !hasHandler {
                warn("is of the type \(inner.type), which cloudbase-init does not know, and passes over")
            }
        }
        part = nil
    }

    mutating func checkConfigForWindows(_ text: String) {
        let (root, found) = CloudInitCheck.document(text, file: file)
        add(found)
        guard let root, root.value != .null else { return }
        guard case .map(let entries) = root.content else {
            return error("must be a map of keys and values", at: root.mark)
        }
        for entry in entries where !CloudbaseInit.keys.contains(entry.key) {
            let nearest = nearestName(to: entry.key, in: CloudbaseInit.keys.sorted())
            findings.append(
                finding(
                    nearest == nil ? .warning : .error, entry.mark,
                    "is no key of cloudbase-init's, which passes over it",
                    path: DocumentPath().key(entry.key),
                    hint: nearest.map { "did you mean \($0)?" }))
        }
    }
}
