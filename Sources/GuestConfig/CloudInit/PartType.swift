/// A type of user-data or of a part of it that cloud-init does something with, by its MIME type (`INCLUSION_TYPES_MAP` in
/// `cloudinit/handlers/__init__.py`).
enum PartType: String, CaseIterable {
    case cloudConfig = "text/cloud-config"
    case archive = "text/cloud-config-archive"
    case patch = "text/cloud-config-jsonp"
    case script = "text/x-shellscript"
    case scriptPerBoot = "text/x-shellscript-per-boot"
    case scriptPerInstance = "text/x-shellscript-per-instance"
    case scriptPerOnce = "text/x-shellscript-per-once"
    case bootHook = "text/cloud-boothook"
    case handler = "text/part-handler"
    case template = "text/jinja2"
    case include = "text/x-include-url"
    case includeOnce = "text/x-include-once-url"

    /// The beginnings of texts, in lower case, longest first where one begins another.
    private static let headers: [(String, PartType)] = [
        ("#cloud-config-archive", .archive), ("#cloud-config-jsonp", .patch), ("#cloud-config", .cloudConfig),
        ("#cloud-boothook", .bootHook), ("#part-handler", .handler), ("## template: jinja", .template),
        ("#include-once", .includeOnce), ("#include", .include), ("#!", .script),
    ]

    /// The type of a text by its beginning, white space before it left out.
    ///
    /// - Parameter first: its first line, in lower case.
    init?(header first: String) {
        guard let found = Self.headers.first(where: { first.hasPrefix($0.0) }) else { return nil }
        self = found.1
    }

    /// The types of parts that cloud-init unpacks, to look at what is in them (`DECOMP_TYPES` in `cloudinit/user_data.py`).
    static let compressed: Set<String> = [
        "application/gzip", "application/gzip-compressed", "application/gzipped", "application/x-compress",
        "application/x-compressed", "application/x-gunzip", "application/x-gzip",
        "application/x-gzip-compressed",
    ]

    /// The types of parts whose content tells what they are.
    static let undecided: Set<String> = ["text/plain", "text/x-not-multipart", "text/x-shellscript"]
}
