/// A node of a YAML text, or the beginning or end of something that holds nodes.
struct Event {
    enum Kind: Equatable {
        case streamStart, streamEnd, documentStart, documentEnd
        case alias, scalar, listStart, listEnd, mapStart, mapEnd
    }

    var kind: Kind
    var mark: YAMLMark
    /// The name of the node's own anchor, and of an alias the anchor it stands for.
    var anchor: String?
    /// The tag, resolved (`tag:yaml.org,2002:str`), or `!`; `nil` where the text has none.
    var tag: String?
    var text = ""
    /// Whether a scalar's text says what type it is.
    var isImplicit = false
}
