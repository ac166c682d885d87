import Basics
import CLua
import CLuaRuntime

extension LuaRuntime {
    /// Finds what is wrong with a file without running it: a syntax error, or each read and write of an undeclared global.
    ///
    /// - Returns: one error a place, in the order of the lines.
    /// - Throws: `Failure` where the file cannot be read.
    public static func check(file: String) throws(Failure) -> [ScriptError] {
        let name = file.lastIndex(of: "/").map { String(file[file.index(after: $0)...]) } ?? file
        return try check(text: try fileBytes(file, atMost: ReadLimit.document), name: name)
    }

    static func check(text: [UInt8], name: String) throws(Failure) -> [ScriptError] {
        // A state of its own, without a limit: what follows may raise on want of memory only.
        let interrupter = try Interrupter(memoryLimit: .max)
        guard let state = limiq_open(interrupter.control) else {
            throw Failure(.memory, "no memory for a Lua state")
        }
        defer { lua_close(state) }
        let globals = standardGlobals(state).union(declaredGlobals(text))
        let text = chunkText(text)
        let status = text.withUnsafeBytes { bytes in
            luaL_loadbufferx(
                state, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, "@\(name)", "t")
        }
        guard status == LUA_OK else {
            let (location, message) = position(of: Self.text(state, at: -1) ?? "")
            return [ScriptError(Failure(.syntax, message), location: location)]
        }
        var bytecode = Bytecode(dumping: state)
        return bytecode.globalUses().filter { !globals.contains($0.name) }.map { use in
            let nearest = nearestName(to: use.name, in: globals)
            let message =
                use.isWrite ? "write to the undeclared global \(use.name)" : "undeclared global \(use.name)"
            let hint = use.isWrite ? "declare it: local \(use.name)" : "declare it first: local \(use.name)"
            return ScriptError(
                Failure(.undeclaredGlobal, message, hint: nearest.map { "did you mean \($0)?" } ?? hint),
                location: "\(name):\(use.line)")
        }
    }

    /// The names a script finds: Lua's, and those the prelude adds.
    private static func standardGlobals(_ state: LuaThread) -> Set<String> {
        var names: Set<String> = ["require", "package", "io", "dofile", "loadfile", "warn"]
        lua_rawgeti(state, clua_registry(), lua_Integer(LUA_RIDX_GLOBALS))
        lua_pushnil(state)
        while limiq_next(state, -2) != 0 {
            if let name = text(state, at: -2) { names.insert(name) }
            clua_pop(state, 1)
        }
        clua_pop(state, 1)
        return names
    }

    /// The names in `rawset(_G, "name"`, the way to declare a global.
    private static func declaredGlobals(_ text: [UInt8]) -> Set<String> {
        var names: Set<String> = []
        let words = String(decoding: text, as: UTF8.self).split { !($0 == "_" || $0.isLetter || $0.isNumber) }
        for index in words.indices.dropLast(2) where words[index] == "rawset" && words[index + 1] == "_G" {
            names.insert(String(words[index + 2]))
        }
        return names
    }

    /// The text without a byte order mark, and with a first line that begins with # emptied.
    private static func chunkText(_ text: [UInt8]) -> ArraySlice<UInt8> {
        let rest = text.starts(with: [0xEF, 0xBB, 0xBF]) ? text.dropFirst(3) : text[...]
        return rest.first == UInt8(ascii: "#") ? rest.drop { $0 != UInt8(ascii: "\n") } : rest
    }
}

/// A reader of what `lua_dump` of Lua 5.4 writes (ldump.c), as far as the uses of globals need it. It is only for what
/// this process has just compiled: nothing is checked.
private struct Bytecode {
    struct Use {
        let name: String
        let line: Int
        let isWrite: Bool
    }

    /// The codes of instructions, by lopcodes.h.
    private static let getGlobal: UInt32 = 11
    private static let setGlobal: UInt32 = 15

    private var bytes: [UInt8] = []
    private var position = 0

    /// Dumps the function on the top of the stack.
    init(dumping state: LuaThread) {
        withUnsafeMutablePointer(to: &bytes) { target in
            _ = lua_dump(
                state,
                { _, chunk, count, target in
                    target?.assumingMemoryBound(to: [UInt8].self).pointee += UnsafeRawBufferPointer(
                        start: chunk, count: count)
                    return 0
                }, target, 0)
        }
    }

    mutating func globalUses() -> [Use] {
        // Signature, version, format, data, three sizes, an integer and a number; then a byte of upvalues.
        position = 4 + 1 + 1 + 6 + 3 + 8 + 8 + 1
        var uses: [Use] = []
        function(&uses)
        return uses.sorted { ($0.line, $0.name) < ($1.line, $1.name) }
    }

    private mutating func function(_ uses: inout [Use]) {
        _ = string()
        let firstLine = integer()
        _ = integer()
        position += 3
        let code = (0..<integer()).map { _ in instruction() }
        let constants = (0..<integer()).map { _ in constant() }
        position += 3 * integer()
        for _ in 0..<integer() { function(&uses) }

        let steps = (0..<integer()).map { _ in Int(Int8(bitPattern: byte())) }
        let absolute = (0..<integer()).map { _ in (at: integer(), line: integer()) }
        for _ in 0..<integer() {
            _ = string()
            _ = integer()
            _ = integer()
        }
        let upvalues = (0..<integer()).map { _ in string() }

        var line = firstLine
        var known = absolute[...]
        for (index, instruction) in code.enumerated() where index < steps.count {
            if steps[index] == -128, let next = known.popFirst() {
                line = next.line
            } else {
                line += steps[index]
            }
            let (a, b, c) = (
                Int(instruction >> 7 & 0xFF), Int(instruction >> 16 & 0xFF), Int(instruction >> 24)
            )
            switch instruction & 0x7F {
            case Self.getGlobal where upvalues[b] == "_ENV":
                uses.append(Use(name: constants[c] ?? "", line: line, isWrite: false))
            case Self.setGlobal where upvalues[a] == "_ENV":
                uses.append(Use(name: constants[b] ?? "", line: line, isWrite: true))
            default: break
            }
        }
    }

    private mutating func byte() -> UInt8 {
        defer { position += 1 }
        return bytes[position]
    }

    /// Reads a number of seven bits a byte, the highest first; the last one has its top bit set.
    private mutating func integer() -> Int {
        var value = 0
        while true {
            let next = byte()
            value = value << 7 | Int(next & 0x7F)
            if next & 0x80 != 0 { return value }
        }
    }

    private mutating func instruction() -> UInt32 {
        defer { position += 4 }
        return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: UInt32.self) }
    }

    private mutating func string() -> String? {
        let size = integer()
        guard size > 0 else { return nil }
        defer { position += size - 1 }
        return String(decoding: bytes[position..<position + size - 1], as: UTF8.self)
    }

    /// Reads a constant, and gives its text where it is one.
    private mutating func constant() -> String? {
        switch byte() {
        case 0x03, 0x13: position += 8
        case 0x04, 0x14: return string()
        default: break
        }
        return nil
    }
}
