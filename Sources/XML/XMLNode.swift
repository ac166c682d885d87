/// An element of an XML document that has been read: plain values, no handle to the parser.
public struct XMLNode: Sendable, Equatable {
    /// The local name: `vm` of `<limiq:vm>`.
    public var name: String
    /// The URI of the element's namespace, `nil` where it is in none.
    public var namespace: String?
    /// The attributes by name as written, with its prefix where it has one.
    public var attributes: [String: String]
    /// The elements directly within, in the document's order.
    public var children: [XMLNode]
    /// The characters directly within, white space as written; not those of the children.
    public var text: String

    public init(
        name: String, namespace: String? = nil, attributes: [String: String] = [:], children: [XMLNode] = [],
        text: String = ""
    ) {
        self.name = name
        self.namespace = namespace
        self.attributes = attributes
        self.children = children
        self.text = text
    }

    /// Every element at a path of names below this one (`devices/disk/source`), in the document's order.
    public func all(_ path: String) -> [XMLNode] {
        var found = [self]
        for step in path.split(separator: "/") {
            found = found.flatMap { node in node.children.filter { $0.name == step } }
        }
        return found
    }

    /// The first element at a path of names below this one.
    public func first(_ path: String) -> XMLNode? { all(path).first }
}
