import Basics
import Support
import Testing

/// Debian's PyYAML, the reader cloud-init uses, as an oracle.
enum PyYAML {
    private static let program = """
        import struct, sys, yaml
        def shown(v):
            if v is None: return "n"
            if v is True: return "t"
            if v is False: return "f"
            if isinstance(v, int): return "i%d" % v
            if v != v: return "nan"
            if isinstance(v, float): return "d" + struct.pack(">d", v).hex()
            if isinstance(v, str): return "s" + v.encode("utf-8", "surrogatepass").hex()
            if isinstance(v, bytes): return "b" + v.hex()
            if isinstance(v, list): return "[" + ",".join(map(shown, v)) + "]"
            if isinstance(v, dict): return "{" + ",".join(shown(k) + "=" + shown(x) for k, x in v.items()) + "}"
            return type(v).__name__
        for text in sys.stdin.buffer.read().decode().split("\\0"):
            try: print(shown(yaml.safe_load(text)))
            except (yaml.YAMLError, ValueError): print("error")
        """

    /// What `yaml.safe_load` makes of each text, in the notation of `shown(_:)`, or `error`.
    static func load(_ texts: [String]) async throws -> [String] {
        let result = try await command(
            "/usr/bin/python3", ["-c", program], input: texts.joined(separator: "\0"))
        #expect(result.status == 0, "\(result.errors)")
        return result.lines
    }

    /// A value in the notation the oracle prints.
    static func shown(_ value: Value) -> String {
        switch value {
        case .null: "n"
        case .bool(let flag): flag ? "t" : "f"
        case .int(let number): "i\(number)"
        case .double(let number) where number.isNaN: "nan"
        case .double(let number):
            "d" + hex((0..<8).map { UInt8(truncatingIfNeeded: number.bitPattern >> UInt64(56 - 8 * $0)) })
        case .string(let text), .secret(let text): "s" + hex(Array(text.utf8))
        case .bytes(let bytes): "b" + hex(bytes)
        case .list(let members): "[" + members.map(shown).joined(separator: ",") + "]"
        case .map(let map):
            "{" + map.entries.map { "s\(hex(Array($0.key.utf8)))=\(shown($0.value))" }.joined(separator: ",")
                + "}"
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
