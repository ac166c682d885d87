import Basics
import YAML

/// The path to a place in a document, as a Lua script would write it: `users[1].name`, lists counted from 1.
package struct DocumentPath: Sendable, Equatable, CustomStringConvertible {
    package private(set) var description = ""

    package init() {}

    package func key(_ key: String) -> DocumentPath {
        let first = key.utf8.first
        let isName =
            first.map { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
            && key.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95
                    || $0 == 45
            }
        var path = self
        if isName {
            path.description += description.isEmpty ? key : ".\(key)"
        } else {
            path.description += "[\"\(key)\"]"
        }
        return path
    }

    /// The path to a place below this one.
    package func appending(_ other: DocumentPath) -> DocumentPath {
        var path = self
        let isName = other.description.first.map { $0 != "[" } ?? false
        path.description += (isName && !description.isEmpty ? "." : "") + other.description
        return path
    }

    /// Whether the path is this one's or leads on from there.
    package func isWithin(_ other: DocumentPath) -> Bool {
        guard description.hasPrefix(other.description) else { return false }
        let next = description.dropFirst(other.description.count).first
        return other.description.isEmpty || next == nil || next == "." || next == "["
    }

    package func member(_ index: Int) -> DocumentPath {
        var path = self
        path.description += "[\(index + 1)]"
        return path
    }
}

/// One way in which a document does not follow its schema.
package struct SchemaProblem: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case type(given: YAMLNode, wanted: [JSONSchema.InstanceType])
        case enumeration(given: YAMLNode)
        case unknownKey, other
        case missing(String)
        /// The value is taken still. The release that has deprecated it is named where the schema does.
        case deprecated(since: String?)
        /// The value breaks a `format` that a validator need not check.
        case format
    }

    package var kind: Kind
    package var path: DocumentPath
    package var mark: YAMLMark
    /// The complaint about the value at `path`, to stand behind it: `must be a list, not a text`.
    package var message: String
    package var hint: String?

    var isType: Bool {
        if case .type = kind { true } else { false }
    }

    var isEnumeration: Bool {
        if case .enumeration = kind { true } else { false }
    }

    package var isDeprecation: Bool {
        if case .deprecated = kind { true } else { false }
    }

    package var isError: Bool { !isDeprecation && kind != .format }
}
