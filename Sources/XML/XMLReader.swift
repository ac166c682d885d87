import Basics
import CXML

/// Reads XML 1.0 with namespaces by libxml2, which libvirt has in the process anyway.
public enum XMLReader {
    /// The initialisation of the parser, done once a process, before any thread parses.
    private static let initialised: Void = xmlInitParser()

    /// The root element. Nothing outside the text is fetched and no entity beyond XML's own five is expanded.
    ///
    /// - Throws: `Failure` with code `bad_field` that names the line of the first mistake.
    public static func parse(_ text: String) throws(Failure) -> XMLNode {
        _ = initialised
        let options = XML_PARSE_NONET.rawValue | XML_PARSE_NOERROR.rawValue | XML_PARSE_NOWARNING.rawValue
        xmlResetLastError()
        var copy = text
        let document = copy.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                xmlReadMemory($0.baseAddress, Int32(clamping: $0.count), nil, "UTF-8", Int32(options))
            }
        }
        guard let document else { throw failure() }
        defer { xmlFreeDoc(document) }
        guard let root = xmlDocGetRootElement(document) else {
            throw Failure(.badField, "the XML document is empty")
        }
        return node(root.pointee)
    }

    /// The node of an element. The parser caps the depth at 256, so recursion is safe.
    private static func node(_ element: _xmlNode) -> XMLNode {
        var node = XMLNode(name: string(element.name))
        if let namespace = element.ns { node.namespace = string(namespace.pointee.href) }
        var attribute = element.properties
        while let current = attribute {
            let prefix = current.pointee.ns?.pointee.prefix.map { string($0) + ":" } ?? ""
            node.attributes[prefix + string(current.pointee.name)] = value(of: current)
            attribute = current.pointee.next
        }
        var child = element.children
        while let current = child {
            switch current.pointee.type {
            case XML_ELEMENT_NODE: node.children.append(Self.node(current.pointee))
            case XML_TEXT_NODE, XML_CDATA_SECTION_NODE: node.text += string(current.pointee.content)
            default: break
            }
            child = current.pointee.next
        }
        return node
    }

    private static func value(of attribute: UnsafeMutablePointer<_xmlAttr>) -> String {
        var text = ""
        var part = attribute.pointee.children
        while let current = part {
            text += string(current.pointee.content)
            part = current.pointee.next
        }
        return text
    }

    private static func string(_ characters: UnsafePointer<xmlChar>?) -> String {
        characters.map { String(cString: $0) } ?? ""
    }

    private static func string(_ characters: UnsafeMutablePointer<xmlChar>?) -> String {
        characters.map { String(cString: $0) } ?? ""
    }

    private static func failure() -> Failure {
        guard let error = limiq_xml_last_error(), let message = error.pointee.message else {
            return Failure(.badField, "the text is not XML")
        }
        var words = String(cString: message)
        while let last = words.last, last.isNewline { words.removeLast() }
        return Failure(.badField, "the text is not XML: line \(error.pointee.line)", cause: words)
    }
}
