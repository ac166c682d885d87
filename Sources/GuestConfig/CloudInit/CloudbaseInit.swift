/// The user-data that cloudbase-init takes, which does in a Windows what cloud-init does elsewhere
/// (https://cloudbase-init.readthedocs.io/en/latest/userdata.html).
enum CloudbaseInit {
    /// The keys of a cloud-config that it has plugins for.
    static let keys: Set<String> = [
        "groups", "hostname", "ntp", "runcmd", "set_hostname", "set_timezone", "timezone", "users",
        "write_files",
    ]

    /// The types of a message's parts.
    static let types: Set<String> = [
        "text/cloud-boothook", "text/cloud-config", "text/part-handler", "text/x-cfninitdata",
        "text/x-shellscript",
    ]

    /// The beginnings of what else it takes: scripts of other languages, templates, and certificates for WinRM.
    static let others = ["#!", "## template:", "-----BEGIN CERTIFICATE-----"]

    /// The kind of script of Windows' own that a file is; `nil` for none.
    static func script(_ bytes: [UInt8]) -> String? {
        let text = String(decoding: bytes.prefix(4096), as: UTF8.self).lowercased()
        let words = text.split(maxSplits: 2, whereSeparator: \.isWhitespace)
        if text.first?.isWhitespace ?? true { return nil }
        switch words[0] {
        case "#ps1", "#ps1_sysnative", "#ps1_x86": return "a PowerShell script"
        case "rem" where words.count > 1 && words[1] == "cmd": return "a batch file"
        default: break
        }
        let tags = ["<powershell>", "<script>", "</powershell>", "</script>"]
        return tags.contains(where: text.contains) && text.hasPrefix("<") ? "a script of EC2's form" : nil
    }
}
