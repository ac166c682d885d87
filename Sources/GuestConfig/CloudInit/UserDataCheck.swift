import Basics
import DiskImages
import JSONSchema
import MachineSpec
import YAML

/// The check of user-data or vendor-data, whatever it is packed in: gzip, MIME messages, archives, templates. Each part is
/// taken for what cloud-init takes it for (`cloudinit/user_data.py` and `cloudinit/handlers`), and checked as such.
struct UserDataCheck {
    /// The most bytes that all of a file may be unpacked.
    private static let unpackedLimit = 16 << 20

    let file: SeedFile
    /// The meta-data's text: what a template can name of the instance.
    let metaData: () -> String
    private let system: CloudInitCheck.System
    let guest: GuestCloudInit?
    var findings: [CloudInitCheck.Finding] = []
    /// Whether the findings depend on the instance.
    var hasTemplate = false

    var part: CloudInitCheck.Part?
    private var count = 0
    private var room = Self.unpackedLimit
    /// Whether a handler of the user's own may take what cloud-init does not: it is in a part, or fetched.
    var hasHandler = false
    var hasInclude = false
    var isInArchive = false

    init(
        file: SeedFile, system: CloudInitCheck.System, guest: GuestCloudInit?,
        metaData: @escaping () -> String
    ) {
        self.file = file
        self.system = system
        self.guest = guest
        self.metaData = metaData
    }

    // MARK: - The whole file

    mutating func check(_ bytes: [UInt8]) {
        var bytes = bytes
        if bytes.starts(with: Gzip.mark) {
            guard let unpacked = unpack(bytes) else { return }
            bytes = unpacked
        }
        if system == .windows { return checkForWindows(bytes) }
        if let (what, hint) = Self.foreignKind(bytes) {
            return error("is \(what), which cloud-init cannot read", hint: hint)
        }
        guard UserDataHeader.isMessage(bytes) else {
            if system == .unknown, let kind = CloudbaseInit.script(bytes) {
                return warn("is \(kind), which cloudbase-init in a Windows runs, and cloud-init does not")
            }
            return check("text/x-not-multipart", bytes)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return error(
                "is not UTF-8, and cloud-init then reads nothing of it",
                hint: "give the parts that are not the Content-Transfer-Encoding base64")
        }
        check(MIMEMessage(text))
    }

    mutating func check(_ message: MIMEMessage) {
        message.problems.forEach { report($0) }
        for inner in message.parts {
            // A text that merely speaks of MIME.
            if !message.isBare { begin(inner.filename) }
            switch inner.encoding {
            case .badBase64:
                warn("is no base64, as its Content-Transfer-Encoding says, and cloud-init takes it as it is")
            case .unknown(let name):
                warn("has the Content-Transfer-Encoding \"\(name)\", which cloud-init leaves as it is")
            default: break
            }
            check(inner.type, inner.payload, isEightBit: inner.isEightBit)
        }
        part = nil
    }

    mutating func report(_ problem: MIMEMessage.Problem) {
        switch problem {
        case .noBoundary:
            error(
                "is a multipart message without a boundary, and cloud-init finds no part in it",
                hint: "Content-Type: multipart/mixed; boundary=\"…\"")
        case .boundaryNotFound(let boundary):
            error(
                "has no line \"--\(boundary.split(whereSeparator: \.isNewline).joined())\", which its Content-Type names as the boundary of its parts",
                hint: "begin each part with that line, at the first column")
        case .tooDeep: error("has messages in messages, too many to read")
        }
    }

    mutating func begin(_ name: String?) {
        count += 1
        part = .init(number: count, name: name)
    }

    mutating func unpack(_ bytes: [UInt8]) -> [UInt8]? {
        do throws(Gzip.Problem) {
            let unpacked = try Gzip.unpack(bytes, atMost: room)
            room -= unpacked.count
            return unpacked
        } catch {
            let hint = "pack it anew: gzip --best FILE"
            switch error {
            case .cutShort:
                self.error("is gzip that is cut short, and the guest cannot unpack it", hint: hint)
            case .corrupt: self.error("is gzip that is spoilt, and the guest cannot unpack it", hint: hint)
            case .tooLarge:
                self.error(
                    "unpacks to more than \(Self.unpackedLimit >> 20) MiB",
                    hint: "have the guest fetch what is large")
            }
            return nil
        }
    }

    /// What bytes are that are no text to cloud-init, and the way out.
    static func foreignKind(_ bytes: [UInt8]) -> (String, hint: String)? {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
            || bytes.count > 3 && bytes[0] != 0 && bytes[1] == 0 && bytes[2] != 0 && bytes[3] == 0
            || bytes.count > 3 && bytes[0] == 0 && bytes[1] != 0 && bytes[2] == 0 && bytes[3] != 0
        {
            return ("UTF-16", "save it as UTF-8")
        }
        guard let packing = Packing(Array(bytes.prefix(8))), packing != .gzip else { return nil }
        return ("compressed with \(packing.rawValue)", "compress it with gzip, or leave it as text")
    }

    // MARK: - A part

    /// Checks a part by its type.
    ///
    /// - Parameter isEightBit: characters beyond ASCII stand in a message as they are.
    mutating func check(_ declared: String, _ payload: [UInt8], isEightBit: Bool = false) {
        var (type, payload) = (declared, payload)
        if PartType.compressed.contains(type), !isInArchive {
            guard payload.starts(with: Gzip.mark) else {
                return error(
                    "is no gzip, as its type says, and cloud-init then reads nothing of \(file.rawValue)",
                    hint: "give it the type of what it is")
            }
            guard let unpacked = unpack(payload) else { return }
            (type, payload) = ("text/plain", unpacked)
        } else if part != nil, payload.starts(with: Gzip.mark), type.hasPrefix("text/") {
            return error(
                "is gzip, and cloud-init does not unpack the type \(type)",
                hint: "Content-Type: application/gzip")
        }
        if part != nil, let (what, hint) = Self.foreignKind(payload), type.hasPrefix("text/") {
            return error("is \(what), which cloud-init cannot read", hint: hint)
        }
        let lossy = String(decoding: payload, as: UTF8.self)
        var known = PartType(rawValue: type)
        var header: UserDataHeader?
        if PartType.undecided.contains(type), !isInArchive {
            header = UserDataHeader(ofPart: lossy)
            switch header {
            case .cloudConfig?: known = .cloudConfig
            case .other(let found)?: known = found
            default: break
            }
        }
        guard known != nil || header != nil else { return checkUnknown(type, lossy) }
        guard let text = String(validating: payload, as: UTF8.self) else {
            if known == nil, case .unknown? = header, payload.contains(0) {
                return error("is no text", hint: "make the first line #cloud-config, or #! for a script")
            }
            return error(
                "is not UTF-8"
                    + (isEightBit ? " to cloud-init: characters beyond ASCII stand in the message" : ""),
                hint: isEightBit ? "give the part the Content-Transfer-Encoding base64" : nil)
        }
        if isEightBit, lossy.contains("\\u") {
            warn(
                "has characters beyond ASCII, for which cloud-init writes \\u and their numbers",
                hint: "give the part the Content-Transfer-Encoding base64")
        }
        if known != .script, case .unknown(let message, let hint)? = header {
            return error(message, hint: hint)
        }
        if let known { check(known, text, isDeclared: header == nil) }
    }

    mutating func check(_ type: PartType, _ text: String, isDeclared: Bool) {
        switch type {
        case .cloudConfig: checkCloudConfig(text)
        case .archive where !isInArchive: checkArchive(text)
        case .include where !isInArchive, .includeOnce where !isInArchive: checkInclude(text)
        case .archive, .include, .includeOnce: checkUnknown(type.rawValue, text)
        case .patch: checkPatch(text)
        case .script, .scriptPerBoot, .scriptPerInstance, .scriptPerOnce: checkScript(text)
        case .bootHook:
            // As it is written to a file: without the header.
            checkScript(
                text.dropping("#cloud-boothook").map { String($0.drop(while: \.isWhitespace)) } ?? text)
        case .handler: hasHandler = true
        case .template: checkTemplate(text)
        }
    }

    mutating func checkUnknown(_ type: String, _ text: String) {
        guard !hasHandler, !text.allSatisfy(\.isWhitespace) else { return }
        if isInArchive, PartType(rawValue: type) != nil {
            return error("is of the type \(type), which cloud-init does not open in an archive")
        }
        // What is before the slash tells little.
        func name(_ type: String) -> String { String(type.drop { $0 != "/" }.dropFirst()) }
        let known = PartType.allCases.map(\.rawValue) + PartType.compressed.sorted()
        if let nearest = nearestName(to: name(type), in: known.map(name)),
            let nearest = known.first(where: { name($0) == nearest })
        {
            error(
                "is of the type \(type), which cloud-init does not know, and passes over",
                hint: "did you mean \(nearest)?")
        } else {
            warn("is of the type \(type), which cloud-init does not know, and passes over")
        }
    }

    // MARK: - Findings

    static func firstLine(_ text: String) -> Substring? {
        text.drop(while: \.isWhitespace).split(maxSplits: 1, whereSeparator: \.isNewline).first
    }

    func finding(
        _ severity: CloudInitCheck.Severity, _ mark: YAMLMark, _ message: String,
        path: DocumentPath = DocumentPath(), hint: String? = nil
    ) -> CloudInitCheck.Finding {
        var finding = CloudInitCheck.Finding(severity, file: file, at: mark, path: path, message, hint: hint)
        finding.part = part
        return finding
    }

    mutating func add(_ found: [CloudInitCheck.Finding]) {
        findings += found.map { finding in
            var finding = finding
            finding.part = part
            return finding
        }
    }

    mutating func error(
        _ message: String, hint: String? = nil, at mark: YAMLMark = YAMLMark(line: 1, column: 1)
    ) {
        findings.append(finding(.error, mark, message, hint: hint))
    }

    mutating func warn(
        _ message: String, hint: String? = nil, at mark: YAMLMark = YAMLMark(line: 1, column: 1)
    ) {
        findings.append(finding(.warning, mark, message, hint: hint))
    }
}
