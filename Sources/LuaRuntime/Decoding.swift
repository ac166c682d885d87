import Basics
import CLua
import CLuaRuntime

/// Reads values off the stack of a suspended coroutine, by calls that cannot raise.
struct Decoder {
    /// The reason why a value cannot cross, and where in it: innermost step first.
    struct Unfit: Error {
        var reason: String
        var hint: String?
        /// Whether it is about all of the value, not about one place.
        var isTooLarge = false
        var steps: [String] = []

        func inside(_ step: String) -> Unfit {
            var outer = self
            outer.steps.append(step)
            return outer
        }
    }

    /// The most tables inside tables.
    static let depthLimit = 100
    /// The most values one call may pass, and the most bytes of text in them. A table that is in several places counts in
    /// each: a few small ones stand for more than any memory holds.
    static let valueLimit = 2_000_000
    static let byteLimit = 256 << 20

    let thread: LuaThread
    private var ancestors: [UnsafeRawPointer] = []
    private var values = 0
    private var bytes = 0

    init(_ thread: LuaThread) { self.thread = thread }

    /// The top `count` values of the stack, which stay there.
    ///
    /// - Throws: `Failure` with code `bad_field` whose message begins with the path of what cannot cross.
    static func arguments(_ count: Int, of thread: LuaThread) throws(Failure) -> [Value] {
        guard count > 0 else { return [] }
        let first = lua_gettop(thread) - Int32(count) + 1
        var decoder = Decoder(thread)
        var values: [Value] = []
        values.reserveCapacity(count)
        for index in 0..<count {
            do throws(Unfit) {
                values.append(try decoder.value(at: first + Int32(index)))
            } catch {
                if error.isTooLarge { throw Failure(.badField, error.reason, hint: error.hint) }
                var path = ""
                for step in error.steps.reversed() {
                    path += path.isEmpty || step.hasPrefix("[") ? step : ".\(step)"
                }
                if path.count > 200 { path = "…\(path.suffix(200))" }
                if path.isEmpty {
                    path = "argument \(index + 1)"
                } else if count > 1 {
                    path = "argument \(index + 1): \(path)"
                }
                throw Failure(.badField, "\(path) \(error.reason)", hint: error.hint)
            }
        }
        return values
    }

    mutating func value(at index: Int32) throws(Unfit) -> Value {
        values += 1
        guard values <= Self.valueLimit else {
            throw Unfit(
                reason: "what it is given holds more than \(Self.valueLimit) values",
                hint: "a table that is in several places counts in each of them", isTooLarge: true)
        }
        switch lua_type(thread, index) {
        case LUA_TNIL: return .null
        case LUA_TBOOLEAN: return .bool(lua_toboolean(thread, index) != 0)
        case LUA_TNUMBER:
            if lua_isinteger(thread, index) != 0 { return .int(lua_tointegerx(thread, index, nil)) }
            return .double(lua_tonumberx(thread, index, nil))
        case LUA_TSTRING: return try string(at: index)
        case LUA_TTABLE: return try table(at: index)
        case LUA_TLIGHTUSERDATA where limiq_is_null(thread, index) != 0: return .null
        case LUA_TUSERDATA: return try secret(at: index)
        default:
            let type = String(cString: lua_typename(thread, lua_type(thread, index)))
            throw Unfit(
                reason: "is a \(type): only plain values reach a primitive",
                hint: "pass text, numbers, true or false, and tables of these")
        }
    }

    /// Reads what is a string already, and only that: `lua_tolstring` would change a number in place.
    private mutating func string(at index: Int32) throws(Unfit) -> Value {
        var length = 0
        guard let start = lua_tolstring(thread, index, &length) else { return .null }
        try count(length)
        let bytes = UnsafeRawBufferPointer(start: start, count: length)
        return String(validating: bytes, as: UTF8.self).map(Value.string) ?? .bytes(Array(bytes))
    }

    private mutating func count(_ length: Int) throws(Unfit) {
        bytes += length
        guard bytes <= Self.byteLimit else {
            throw Unfit(
                reason: "what it is given holds more than \(ByteSize(bytes: UInt64(Self.byteLimit))) of text",
                hint: "a text that is in several places counts in each of them", isTooLarge: true)
        }
    }

    private mutating func secret(at index: Int32) throws(Unfit) -> Value {
        var length = 0
        guard let start = limiq_to_secret(thread, index, &length) else {
            throw Unfit(reason: "is a userdata: only plain values reach a primitive")
        }
        try count(length)
        guard
            let text = String(validating: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
        else { throw Unfit(reason: "is a secret that is not UTF-8 text") }
        Secrets.remember(text)
        return .secret(text)
    }

    // MARK: tables

    private mutating func table(at index: Int32) throws(Unfit) -> Value {
        guard let identity = lua_topointer(thread, index) else { return .null }
        if ancestors.contains(identity) { throw Unfit(reason: "contains itself") }
        guard ancestors.count < Self.depthLimit else {
            throw Unfit(reason: "is nested deeper than \(Self.depthLimit) tables")
        }
        guard lua_checkstack(thread, 6) != 0 else { throw Unfit(reason: "is too large") }
        let top = lua_gettop(thread)
        ancestors.append(identity)
        defer {
            ancestors.removeLast()
            lua_settop(thread, top)
        }

        var entries: [Map.Entry] = []
        var list: [Value] = []
        var keys = (count: 0, least: lua_Integer.max, greatest: lua_Integer.min, inOrder: true)
        lua_pushnil(thread)
        while limiq_next(thread, index) != 0 {
            if lua_type(thread, -2) == LUA_TSTRING {
                guard keys.count == 0 else { throw Self.mixed }
                guard case .string(let key) = try string(at: top + 1) else {
                    throw Unfit(reason: "has a name that is not UTF-8 text")
                }
                entries.append(.init(key: key, value: try member(at: top + 2, step: Self.step(key))))
            } else if lua_isinteger(thread, -2) != 0 {
                guard entries.isEmpty else { throw Self.mixed }
                let key = lua_tointegerx(thread, -2, nil)
                keys.count += 1
                keys.least = min(keys.least, key)
                keys.greatest = max(keys.greatest, key)
                if keys.inOrder, key == keys.count {
                    list.append(try member(at: top + 2, step: "[\(key)]"))
                } else {
                    keys.inOrder = false
                }
            } else {
                let type = String(cString: lua_typename(thread, lua_type(thread, -2)))
                throw Unfit(reason: "has a \(type) as a key", hint: "keys are names, or 1, 2, 3 … in a list")
            }
            lua_settop(thread, top + 1)
        }
        if keys.count > 0 {
            return .list(keys.inOrder ? list : try reordered(index, keys.count, keys.least, keys.greatest))
        }
        if entries.isEmpty, limiq_is_marked_list(thread, index) != 0 { return .list([]) }
        // Bytewise, so that the same table gives the same map whatever its insertion order was.
        entries.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        return .map(Map(entries))
    }

    private mutating func member(at index: Int32, step: @autoclosure () -> String) throws(Unfit) -> Value {
        do throws(Unfit) { return try value(at: index) } catch { throw error.inside(step()) }
    }

    /// Reads a list whose members lie in the table's hash part.
    private mutating func reordered(
        _ index: Int32, _ count: Int, _ least: lua_Integer, _ greatest: lua_Integer
    ) throws(Unfit) -> [Value] {
        let top = lua_gettop(thread)
        guard least == 1, greatest == count else {
            var missing: lua_Integer = 1
            while lua_rawgeti(thread, index, missing) != LUA_TNIL {
                lua_settop(thread, top)
                missing += 1
            }
            throw Unfit(
                reason: "has a member [\(greatest)] but none at [\(missing)]",
                hint:
                    "a list counts from 1 without holes (limiq.null stands for nothing); a number as a name is "
                    + "written [\"\(greatest)\"]")
        }
        var members: [Value] = []
        members.reserveCapacity(count)
        for key in 1...lua_Integer(count) {
            lua_rawgeti(thread, index, key)
            members.append(try member(at: top + 1, step: "[\(key)]"))
            lua_settop(thread, top)
        }
        return members
    }

    private static let mixed = Unfit(
        reason: "has both names and list members", hint: "make it one or the other")

    /// The key as a script would write it.
    private static func step(_ key: String) -> String {
        let isName =
            key.utf8.first.map { !(48...57).contains($0) } ?? false
            && key.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95
            }
        return isName ? key : "[\"\(key)\"]"
    }
}
