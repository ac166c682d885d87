import Basics

/// Changes documents a little, so that some are right still and some are not.
public struct Mutator {
    private var random: SeededGenerator
    /// The keys of objects, by the key an object stands at.
    private var keys: [String: [String]] = [:]
    /// What may stand at a key, besides what documents have there.
    private let values: Map
    /// What may stand nowhere or anywhere.
    private let anything: [Value]
    /// What documents have at each key.
    private var seen: [String: [Value]] = [:]

    /// - Parameters:
    ///   - documents: what keys and values are learnt from.
    ///   - parts: has `values`, lists by keys, and `anything`, a list.
    public init(seed: UInt64, documents: [Value], parts: Value) {
        random = SeededGenerator(state: seed)
        values = parts["values"]?.map ?? Map()
        anything = parts["anything"]?.list ?? []
        for document in documents { learn(document, "") }
    }

    /// Learns what stands where.
    public mutating func learn(_ value: Value, _ key: String) {
        for member in value.list ?? [] { learn(member, key) }
        for entry in value.map?.entries ?? [] {
            if keys[key]?.contains(entry.key) != true { keys[key, default: []].append(entry.key) }
            if seen[entry.key]?.contains(entry.value) != true {
                seen[entry.key, default: []].append(entry.value)
            }
            learn(entry.value, entry.key)
        }
    }

    public mutating func int(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }

    public mutating func pick<Choice>(_ choices: [Choice]) -> Choice? {
        choices.randomElement(using: &random)
    }

    private mutating func value(for key: String) -> Value {
        let listed = values[key]?.list ?? []
        switch int(0..<10) {
        case 0: return pick(anything) ?? .null
        case 1...6 where !listed.isEmpty: return pick(listed) ?? .null
        default: return pick(seen[key] ?? listed) ?? pick(anything) ?? .null
        }
    }

    /// A value with one thing in it changed: a member set to another, added, left out, misspelt or twice.
    public mutating func changed(_ value: Value, at key: String = "") -> Value {
        switch value {
        case .map(let map) where !map.isEmpty && int(0..<8) > 0:
            var entries = map.entries
            let index = int(0..<entries.count)
            entries[index].value = changed(entries[index].value, at: entries[index].key)
            return .map(Map(entries))
        case .map(let map):
            var entries = map.entries
            switch int(0..<8) {
            case 0 where !entries.isEmpty: entries.remove(at: int(0..<entries.count))
            case 1 where !entries.isEmpty: entries[int(0..<entries.count)].value = pick(anything) ?? .null
            case 2 where !entries.isEmpty: entries[int(0..<entries.count)].key += "x"
            default:
                let added = pick(keys[key] ?? []) ?? "x"
                if map[added] == nil { entries.append(.init(key: added, value: self.value(for: added))) }
            }
            return .map(Map(entries))
        case .list(var members) where !members.isEmpty && int(0..<8) > 0:
            let index = int(0..<members.count)
            switch int(0..<8) {
            case 0: members.append(members[index])
            case 1: members.remove(at: index)
            case 2: members[index] = pick(anything) ?? .null
            default: members[index] = changed(members[index], at: key)
            }
            return .list(members)
        default: return self.value(for: key)
        }
    }

    /// A text with a few characters changed.
    public mutating func spoilt(_ text: String) -> String {
        var scalars = Array(text.unicodeScalars)
        for _ in 0..<int(1..<3) {
            let place = int(0..<scalars.count + 1)
            switch int(0..<4) {
            case 0 where place < scalars.count: scalars.remove(at: place)
            case 1 where place < scalars.count: scalars[place] = pick(Self.characters) ?? " "
            case 2: scalars.removeSubrange(place..<min(scalars.count, place + int(1..<6)))
            default: scalars.insert(pick(Self.characters) ?? " ", at: place)
            }
        }
        return scalars.reduce(into: "") { $0.unicodeScalars.append($1) }
    }

    private static let characters: [Unicode.Scalar] = [
        " ", " ", "\n", "\t", ":", "-", "'", "\"", "#", "[", "]", "{", "}", ",", "&", "*", "|", ">", "%", "@",
        "é", "0",
    ]
}
