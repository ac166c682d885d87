import Basics
import FoundationEssentials

/// A field in which a VM and the spec it is to follow differ.
public struct SpecDifference: Sendable, Equatable {
    /// As in a script: `disks[1].size_gib`.
    public var path: String
    /// What the VM has; `nil` where it has none.
    public var current: String?
    /// What the spec says; `nil` where it says nothing.
    public var wanted: String?

    public init(path: String, current: String?, wanted: String?) {
        self.path = path
        self.current = current
        self.wanted = wanted
    }

    /// In the order of the paths.
    static func between(_ current: VMSpec, _ wanted: VMSpec) -> [SpecDifference] {
        let left = leaves(of: current)
        let right = leaves(of: wanted.withDigests(like: current))
        return Set(left.keys).union(right.keys).sorted().compactMap { path in
            left[path] == right[path]
                ? nil : SpecDifference(path: path, current: left[path], wanted: right[path])
        }
    }

    private static func leaves(of spec: VMSpec) -> [String: String] {
        guard let data = try? JSONEncoder().encode(spec),
            let tree = try? JSONDecoder().decode(Tree.self, from: data)
        else { return [:] }
        var result: [String: String] = [:]
        tree.collect("", into: &result)
        return result
    }
}

extension SpecDifference: CustomStringConvertible {
    public var description: String {
        switch (current, wanted) {
        case (let current?, _) where current.hasPrefix("\"sha256:"): "\(path) is another"
        case (let current?, let wanted?): "\(path) is \(current), the script says \(wanted)"
        case (let current?, nil): "\(path) is \(current), the script has none"
        case (nil, let wanted): "\(path) is not set, the script says \(wanted ?? "nil")"
        }
    }
}

/// A JSON document, to be taken apart.
private enum Tree: Decodable {
    case leaf(String)
    case list([Tree])
    case object([String: Tree])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let object = try? container.decode([String: Tree].self) {
            self = .object(object)
        } else if let list = try? container.decode([Tree].self) {
            self = .list(list)
        } else if let flag = try? container.decode(Bool.self) {
            self = .leaf("\(flag)")
        } else if let number = try? container.decode(UInt64.self) {
            self = .leaf("\(number)")
        } else {
            self = .leaf("\"\(try container.decode(String.self))\"")
        }
    }

    func collect(_ path: String, into result: inout [String: String]) {
        switch self {
        case .leaf(let text): result[path] = text
        case .list(let members):
            for (index, member) in members.enumerated() {
                member.collect("\(path)[\(index + 1)]", into: &result)
            }
        case .object(let fields):
            for (name, field) in fields {
                field.collect(path.isEmpty ? name : "\(path).\(name)", into: &result)
            }
        }
    }
}
