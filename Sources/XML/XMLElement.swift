/// An XML element to be written: the one way this project makes XML, so that nothing is ever pasted into it
/// unescaped.
public struct XMLElement: Sendable {
    private let name: String
    private var attributes: [(name: String, value: String)]
    private var children: [XMLElement]
    private var text: String?

    /// - Parameters:
    ///   - attributes: in this order; one whose value is `nil` is left out.
    ///   - children: in this order; `nil` is left out.
    public init(
        _ name: String, _ attributes: KeyValuePairs<String, String?> = [:],
        _ children: [XMLElement?] = []
    ) {
        self.name = name
        self.attributes = attributes.compactMap { name, value in value.map { (name, $0) } }
        self.children = children.compactMap(\.self)
        text = nil
    }

    public init(_ name: String, _ attributes: KeyValuePairs<String, String?> = [:], text: String) {
        self.name = name
        self.attributes = attributes.compactMap { name, value in value.map { (name, $0) } }
        children = []
        self.text = text
    }

    /// Makes the element of one that was read, to be written again. Characters between an element's children are left
    /// out.
    public init(_ node: XMLNode) { self.init(node, within: nil) }

    /// - Parameter namespace: the URI of the parent's namespace.
    private init(_ node: XMLNode, within namespace: String?) {
        name = node.name
        attributes =
            (node.namespace == namespace ? [] : [("xmlns", node.namespace ?? "")])
            + node.attributes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        children = node.children.map { XMLElement($0, within: node.namespace) }
        text = node.children.isEmpty && !node.text.isEmpty ? node.text : nil
    }

    /// Sets the text or an attribute of an element within this one, which is made at the end where it is not there.
    ///
    /// - Parameters:
    ///   - path: the names of the elements, `iotune/total_iops_sec`.
    ///   - attribute: `nil` for the text.
    ///   - value: `nil` for none.
    public mutating func set(_ path: String, _ attribute: String? = nil, _ value: String? = nil) {
        set(path.split(separator: "/")[...], attribute, value)
    }

    private mutating func set(_ path: ArraySlice<Substring>, _ attribute: String?, _ value: String?) {
        if let next = path.first {
            let index = children.firstIndex { $0.name == next } ?? children.endIndex
            if index == children.endIndex { children.append(XMLElement(String(next))) }
            children[index].set(path.dropFirst(), attribute, value)
        } else if let attribute {
            attributes.removeAll { $0.name == attribute }
            if let value { attributes.append((attribute, value)) }
        } else {
            text = value
        }
    }

    /// The element as one that was read.
    public var node: XMLNode {
        XMLNode(
            name: name, attributes: Dictionary(attributes.map { ($0.name, $0.value) }) { $1 },
            children: children.map(\.node), text: text ?? "")
    }

    /// The element as text, indented by two spaces a level.
    public var xml: String {
        var output = ""
        write(to: &output, indent: "")
        return output
    }

    private func write(to output: inout String, indent: String) {
        output += indent + "<" + name
        for (name, value) in attributes { output += " \(name)=\"\(Self.escaped(value))\"" }
        if let text {
            output += ">" + Self.escaped(text) + "</\(name)>\n"
        } else if children.isEmpty {
            output += "/>\n"
        } else {
            output += ">\n"
            for child in children { child.write(to: &output, indent: indent + "  ") }
            output += indent + "</\(name)>\n"
        }
    }

    /// The text with what is special to XML 1.0 (section 2.4) escaped. White space other than a blank is written as a
    /// reference, or a reader would turn it into a blank in an attribute (section 3.3.3). Characters XML cannot hold at
    /// all (section 2.2) become U+FFFD.
    private static func escaped(_ text: String) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"": output += "&quot;"
            case "\t", "\n", "\r": output += "&#\(scalar.value);"
            case "\u{0}"..<" ", "\u{FFFE}", "\u{FFFF}": output += "\u{FFFD}"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }
}
