import Basics
import Support
import Testing
import YAML

/// What a reader makes of a text that is to hold one document: its value, or the place where it stops.
enum ReadText: Equatable, CustomStringConvertible {
    case value(String)
    case stops(line: Int, column: Int)
    /// Python stops with an exception that names no place.
    case fails
    /// Two keys of a map are alike but for their type, and limiq's maps have room for one.
    case alikeKeys
    /// An escape stands for half a character, of which no file can be written.
    case halfCharacter

    var description: String {
        switch self {
        case .value(let value): "reads \(value)"
        case .stops(let line, let column): "stops at \(line):\(column)"
        case .fails: "fails"
        case .alikeKeys: "has keys that are alike"
        case .halfCharacter: "has half a character"
        }
    }

    /// Whether limiq may answer this where Python answers another.
    func agrees(with python: ReadText, duplicates: Int) -> Bool {
        switch python {
        case .value, .stops: self == python
        case .fails, .halfCharacter: if case .stops = self { true } else { false }
        case .alikeKeys: duplicates > 0
        }
    }
}

extension PyYAML {
    /// PyYAML's pure loader, with one thing added: an anchor's alias inside itself stops it, as no tree is so.
    private static let reader = """
        import datetime, re, struct, sys, yaml
        class Pair:
            def __init__(self, text, value): self.text, self.value = text, value
        class Alike(Exception): pass
        class Loader(yaml.SafeLoader):
            def compose_node(self, parent, index):
                if self.check_event(yaml.AliasEvent):
                    event = self.peek_event()
                    node = self.anchors.get(event.anchor)
                    if isinstance(node, yaml.CollectionNode) and node.end_mark is None:
                        raise yaml.composer.ComposerError(None, None, "circle", event.start_mark)
                return super().compose_node(parent, index)
            def construct_mapping(self, node, deep=False):
                made = super().construct_mapping(node, deep)
                texts = {}
                for key, _ in node.value:
                    value = self.construct_object(key)
                    texts[value] = key.value if isinstance(key, yaml.ScalarNode) else value
                if len(set(texts.values())) < len(texts): self.alike = True
                return {key: Pair(texts[key], value) for key, value in made.items()}
            def construct_set(self, node):
                data = {}
                yield data
                made = self.construct_mapping(node)
                data.update({key: Pair(pair.text, None) for key, pair in made.items()})
        Loader.add_constructor("tag:yaml.org,2002:set", Loader.construct_set)
        def shown(v):
            if v is None: return "n"
            if v is True: return "t"
            if v is False: return "f"
            if isinstance(v, int): return "i%d" % v if -2**63 <= v < 2**63 else "I"
            if isinstance(v, float): return "nan" if v != v else "d" + struct.pack(">d", v).hex()
            if isinstance(v, str): return "s" + v.encode().hex()
            if isinstance(v, bytes): return "b" + v.hex()
            if isinstance(v, (list, tuple)): return "[" + ",".join(map(shown, v)) + "]"
            if isinstance(v, dict): return "{" + ",".join(shown(p.text) + "=" + shown(p.value) for p in v.values()) + "}"
            return "D"
        def place(text, index):
            line = column = 0
            for i, c in enumerate(text[:index]):
                if c in "\\n\\x85\\u2028\\u2029" or c == "\\r" and text[i + 1:i + 2] != "\\n": line, column = line + 1, 0
                elif c != "\\ufeff": column += 1
            return line, column
        def read(text):
            loader = None
            try:
                loader = Loader(text)
                loader.alike = False
                value = "= " + shown(loader.get_single_data())
                return "alike" if loader.alike else value
            except UnicodeEncodeError: return "half"
            except yaml.reader.ReaderError as e: return "@ %d %d" % place(text, e.position)
            except yaml.MarkedYAMLError as e:
                # Only to the half of a character this reader goes.
                if re.search(r"\\\\[uU]0*[dD][89a-fA-F]", text): return "half"
                return "@ %d %d" % (e.problem_mark.line, e.problem_mark.column)
            except (ValueError, LookupError, TypeError, AttributeError, OverflowError): return "fails"
        for text in sys.stdin.buffer.read().decode().split("\\0"): print(read(text))
        """

    /// What PyYAML reads in each text, none of which has a NUL.
    static func read(_ texts: [String]) async throws -> [ReadText] {
        let result = try await command(
            "/usr/bin/python3", ["-c", reader], input: texts.joined(separator: "\0"))
        try #require(result.status == 0, "\(result.errors)")
        return result.lines.map { line in
            let words = line.split(separator: " ")
            switch (words.first, words.count) {
            case ("=", 2): return .value(String(words[1]))
            case ("@", 3): return .stops(line: (Int(words[1]) ?? 0) + 1, column: (Int(words[2]) ?? 0) + 1)
            case ("alike", _): return .alikeKeys
            case ("half", _): return .halfCharacter
            default: return .fails
            }
        }
    }
}

extension YAML {
    /// What limiq reads in a text, and how many keys it has twice.
    static func read(_ text: String) -> (read: ReadText, duplicates: Int) {
        do throws(YAMLProblem) {
            let read = try nodes(text)
            if let second = read.second { return (.stops(line: second.line, column: second.column), 0) }
            return (.value(read.root.map(shown) ?? "n"), read.duplicateKeys.count)
        } catch {
            return (.stops(line: error.mark.line, column: error.mark.column), 0)
        }
    }

    private static func shown(_ node: YAMLNode) -> String {
        switch node.content {
        case .timestamp: "D"
        case .largeNumber: "I"
        case .scalar(let value, _): PyYAML.shown(value)
        case .list(let members): "[" + members.map(shown).joined(separator: ",") + "]"
        case .map(let entries):
            "{"
                + entries.map { "\(PyYAML.shown(.string($0.key)))=\(shown($0.node))" }
                .joined(separator: ",") + "}"
        }
    }
}
