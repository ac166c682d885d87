import Basics
import Digests
import DiskImages
import MachineSpec

/// A value that a field of a spec holds: compared as it is, and told in the words of a script.
public enum FieldValue: Hashable, Sendable {
    case number(UInt64)
    case flag(Bool)
    /// A text, an enum's word or a path, as a script writes it without its quotation marks.
    case text(String)
    case list([FieldValue])
    case forward(PortForward)
    /// A document that is kept as its digest only.
    case kept(String)
    /// The files of an image, by path, each kept as its digest only.
    case keptFiles([String: String])
    /// A value that is found in a domain and that no script can write: `5 processors in all`.
    case found(String)

    /// A number of a spec, which is checked to be none below 0.
    static func number(_ number: Int) -> FieldValue { .number(UInt64(clamping: number)) }

    /// An enum by the word a script writes.
    static func word(_ choice: some SpecChoice) -> FieldValue { .text(choice.word) }

    /// The value as text for machines: `qcow2`, `1024`, `8080→80/tcp`.
    public var text: String {
        switch self {
        case .number(let number): "\(number)"
        case .flag(let flag): "\(flag)"
        case .text(let text), .found(let text): text
        case .list(let members): members.map(\.text).joined(separator: ", ")
        case .forward(let forward): forward.text
        case .kept, .keptFiles: digest
        }
    }

    /// The value as text for a line of a plan: as `text`, and of a document so much that two can be told apart.
    public var short: String {
        switch self {
        case .text(""): "\"\""
        case .kept, .keptFiles: "(\(digest.prefix(8)))"
        default: text
        }
    }

    /// Whether the value has the text in it.
    func contains(_ part: String) -> Bool {
        switch self {
        case .number, .flag, .forward: false
        case .text(let text), .kept(let text), .found(let text): text.contains(part)
        case .list(let members): members.contains { $0.contains(part) }
        case .keptFiles(let files): files.contains { $0.key.contains(part) || $0.value.contains(part) }
        }
    }

    var isKept: Bool {
        switch self {
        case .kept, .keptFiles: true
        default: false
        }
    }

    /// The digest of a document without its salt; of one that has not been made a digest of, one of its own.
    private var digest: String {
        switch self {
        case .kept(let text):
            if text.hasPrefix(KeptDigest.prefix), let digest = text.split(separator: ":").last {
                return String(digest)
            }
            return KeptDigest.hash(Array(text.utf8))
        case .keptFiles(let files):
            let lines = files.sorted { $0.key < $1.key }.map { "\($0.key)\0\($0.value)\n" }
            return KeptDigest.hash(lines.flatMap { Array($0.utf8) })
        default: return ""
        }
    }
}

/// The value as text for a sentence: `"qcow2"`, `1024`.
extension FieldValue: CustomStringConvertible {
    public var description: String {
        switch self {
        case .text(let text): "\"\(text)\""
        case .list(let members): members.map(\.description).joined(separator: ", ")
        default: short
        }
    }
}

/// A value of a spec that is told as it is.
protocol FieldValued: Sendable {
    var fieldValue: FieldValue { get }
}

extension Bool: FieldValued { var fieldValue: FieldValue { .flag(self) } }
extension Int: FieldValued { var fieldValue: FieldValue { .number(self) } }
extension UInt16: FieldValued { var fieldValue: FieldValue { .number(UInt64(self)) } }
extension UInt64: FieldValued { var fieldValue: FieldValue { .number(self) } }
extension String: FieldValued { var fieldValue: FieldValue { .text(self) } }

extension SpecChoice {
    var fieldValue: FieldValue { .word(self) }
}
extension CloudInitSpec.Check: FieldValued {}
extension DiskBus: FieldValued {}
extension DiskFormat: FieldValued {}
extension Firmware: FieldValued {}
extension NICModel: FieldValued {}

extension PortForward {
    /// The forward as text: `8080→80/tcp`; with the address, where that is not the loopback's.
    public var text: String { "\(bind.map { "\($0):" } ?? "")\(host)→\(guest)/\(proto.rawValue)" }
}

/// The digest a record keeps in the place of a document that may hold secrets.
enum KeptDigest {
    static let prefix = "sha256:"

    static func hash(_ bytes: [UInt8]) -> String { hexadecimal(SHA256.hash(data: bytes)) }

    static func plain(_ bytes: [UInt8]) -> String { prefix + hash(bytes) }

    /// The digest of what could be guessed, with a salt.
    static func salted(_ bytes: [UInt8], _ salt: String) -> String {
        "\(prefix)\(salt):\(hash(Array("\(salt):".utf8) + bytes))"
    }
}
