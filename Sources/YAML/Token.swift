/// A word of a YAML text, as PyYAML divides it (`tokens.py`).
struct Token {
    enum Kind: Equatable {
        case streamStart, streamEnd, directive, documentStart, documentEnd
        case blockListStart, blockMapStart, blockEnd
        case flowListStart, flowListEnd, flowMapStart, flowMapEnd, flowEntry
        case blockEntry, key, value
        case alias, anchor, tag, scalar

        /// The token in a message.
        var words: String {
            switch self {
            case .streamStart: "the beginning"
            case .streamEnd: "the end of the text"
            case .directive: "a directive"
            case .documentStart: "---"
            case .documentEnd: "..."
            case .blockListStart, .blockEntry: "an entry of a list"
            case .blockMapStart, .key: "a key"
            case .blockEnd: "a line that is indented less"
            case .flowListStart: "["
            case .flowListEnd: "]"
            case .flowMapStart: "{"
            case .flowMapEnd: "}"
            case .flowEntry: "a comma"
            case .value: "a colon"
            case .alias: "an alias"
            case .anchor: "an anchor"
            case .tag: "a tag"
            case .scalar: "a text"
            }
        }
    }

    var kind: Kind
    var start: YAMLMark
    var end: YAMLMark
    /// A scalar's text, an anchor's name, the end of a tag, what a directive says.
    var text = ""
    /// The handle of a tag or of a `%TAG` directive: `!`, `!!`, `!name!`.
    var handle: String?
    /// The directive's name.
    var name = ""
    var isPlain = false
}
