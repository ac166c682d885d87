import Basics
import CLua

/// Marks that stand for what a plain table cannot say; each a key into Lua's registry.
enum Mark {
    /// `limiq.null`.
    static let null: StaticString = "limiq.null"
    /// The metatable of secrets.
    static let secret: StaticString = "limiq.secret"
    /// Weak map from a secret's handle to its text.
    static let secrets: StaticString = "limiq.secrets"
    /// The metatable of lists that came from Swift empty, so that they go back as lists.
    static let emptyList: StaticString = "limiq.empty_list"

    static func address(_ mark: StaticString) -> UnsafeRawPointer { UnsafeRawPointer(mark.utf8Start) }
}

extension LuaState {
    /// Nesting deeper than this is a mistake (a YAML or JSON document of people's own stays far below).
    private static let deepest = 200

    /// The value at an index of a coroutine that does not run.
    ///
    /// - Throws: `Failure` with code `bad_field` for what is no plain value: functions, userdata, tables that hold
    ///   themselves, tables with both a list and names, keys that are neither text nor 1…n.
    func value(_ index: Int32, of state: OpaquePointer) throws(Failure) -> Value {
        try value(lua_absindex(state, index), of: state, path: "", depth: 0)
    }

    private func value(
        _ index: Int32, of state: OpaquePointer, path: String, depth: Int
    ) throws(Failure) -> Value {
        switch lua_type(state, index) {
        case LUA_TNIL, LUA_TNONE: return .null
        case LUA_TBOOLEAN: return .bool(lua_toboolean(state, index) != 0)
        case LUA_TNUMBER:
            if lua_isinteger(state, index) != 0 { return .int(lua_tointegerx(state, index, nil)) }
            return .double(lua_tonumberx(state, index, nil))
        case LUA_TSTRING:
            let bytes = bytes(index, of: state)
            return String(validating: bytes, as: UTF8.self).map(Value.string) ?? .bytes(bytes)
        case LUA_TLIGHTUSERDATA: return .null
        case LUA_TTABLE: return try table(index, of: state, path: path, depth: depth)
        case let type:
            let name = String(cString: lua_typename(state, type))
            throw Failure(
                .badField, "\(path.isEmpty ? "the argument" : path) is a \(name), which is no plain value")
        }
    }

    private func table(
        _ index: Int32, of state: OpaquePointer, path: String, depth: Int
    ) throws(Failure) -> Value {
        guard depth < Self.deepest, lua_checkstack(state, 8) != 0 else {
            throw Failure(
                .badField, "\(shortened(path)) is nested more than \(Self.deepest) deep",
                hint: "a table that holds itself cannot be passed")
        }
        switch mark(index, of: state) {
        case .secret(let text): return .secret(text)
        case .emptyList where lua_rawlen(state, index) == 0: return .list([])
        case .null: return .null
        default: break
        }
        let count = Int(lua_rawlen(state, index))
        // A copy of keys and values made inside Lua, because `lua_next` may raise; on the main thread, because
        // nothing can be called on a suspended one.
        guard lua_checkstack(main, 8) != 0 else { throw Failure(.badField, "too many values") }
        lua_pushcclosure(main, limiq_flatten_function(), 0)
        lua_pushvalue(state, index)
        if state != main { lua_xmove(state, main, 1) }
        guard limiq_pcall(main, 1, 1) == LUA_OK else {
            limiq_pop(main, 1)
            throw Failure(.badField, "\(path) cannot be read")
        }
        defer { limiq_pop(main, 1) }
        let flat = lua_gettop(main)
        let pairs = Int(lua_rawlen(main, flat)) / 2
        if count == pairs { return try list(flat, count, path: path, depth: depth) }
        return try map(flat, pairs, path: path, depth: depth)
    }

    private func list(
        _ flat: Int32, _ count: Int, path: String, depth: Int
    ) throws(Failure) -> Value {
        if count == 0 { return .map(Map()) }
        var members = [Value?](repeating: nil, count: count)
        for pair in 0..<count {
            lua_rawgeti(main, flat, Int64(2 * pair + 1))
            lua_rawgeti(main, flat, Int64(2 * pair + 2))
            defer { limiq_pop(main, 2) }
            let key = Int(lua_tointegerx(main, -2, nil))
            guard lua_isinteger(main, -2) != 0, key >= 1, key <= count else {
                throw mixed(path)
            }
            members[key - 1] = try value(
                lua_gettop(main), of: main, path: "\(path)[\(key)]", depth: depth + 1)
        }
        return .list(members.compactMap { $0 })
    }

    private func map(_ flat: Int32, _ count: Int, path: String, depth: Int) throws(Failure) -> Value {
        var entries: [Map.Entry] = []
        entries.reserveCapacity(count)
        for pair in 0..<count {
            lua_rawgeti(main, flat, Int64(2 * pair + 1))
            lua_rawgeti(main, flat, Int64(2 * pair + 2))
            defer { limiq_pop(main, 2) }
            guard let key = text(-2, of: main) else { throw mixed(path) }
            let inner = path.isEmpty ? key : "\(path).\(key)"
            entries.append(
                Map.Entry(
                    key: key,
                    value: try value(lua_gettop(main), of: main, path: inner, depth: depth + 1)))
        }
        // Lua's own order changes from run to run.
        entries.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        return .map(Map(entries))
    }

    private func mixed(_ path: String) -> Failure {
        Failure(
            .badField,
            "\(path.isEmpty ? "the table" : path) has keys that make neither a list (1 to n) nor a table of names"
        )
    }

    private func shortened(_ path: String) -> String {
        path.isEmpty ? "the table" : path.count > 60 ? "\(path.prefix(60))…" : path
    }

    private enum Marking {
        case none, null
        case secret(String)
        case emptyList
    }

    private func mark(_ index: Int32, of state: OpaquePointer) -> Marking {
        guard lua_getmetatable(state, index) != 0 else { return .none }
        defer { limiq_pop(state, 1) }
        func isMetatable(_ mark: StaticString) -> Bool {
            lua_rawgetp(state, limiq_registry_index(), Mark.address(mark))
            defer { limiq_pop(state, 1) }
            return lua_rawequal(state, -1, -2) != 0
        }
        if isMetatable(Mark.secret) {
            lua_rawgetp(state, limiq_registry_index(), Mark.address(Mark.secrets))
            lua_pushvalue(state, index)
            lua_rawget(state, -2)
            defer { limiq_pop(state, 2) }
            return .secret(text(-1, of: state) ?? "")
        }
        if isMetatable(Mark.emptyList) { return .emptyList }
        if isMetatable(Mark.null) { return .null }
        return .none
    }

    /// Pushes a value onto a coroutine's stack.
    func push(_ value: Value, on state: OpaquePointer, nested: Bool = false) {
        lua_checkstack(state, 6)
        switch value {
        case .null:
            if nested { pushMark(Mark.null, on: state) } else { lua_pushnil(state) }
        case .bool(let flag): lua_pushboolean(state, flag ? 1 : 0)
        case .int(let number): lua_pushinteger(state, number)
        case .double(let number): lua_pushnumber(state, number)
        case .string(let text), .secret(let text): push(text, on: state)
        case .bytes(let bytes): push(bytes, on: state)
        case .list(let members):
            limiq_new_table(state, Int32(clamping: members.count), 0)
            for (index, member) in members.enumerated() {
                push(member, on: state, nested: true)
                lua_rawseti(state, -2, Int64(index + 1))
            }
            if members.isEmpty {
                lua_rawgetp(state, limiq_registry_index(), Mark.address(Mark.emptyList))
                lua_setmetatable(state, -2)
            }
        case .map(let map):
            limiq_new_table(state, 0, Int32(clamping: map.count))
            for entry in map.entries {
                push(entry.key, on: state)
                push(entry.value, on: state, nested: true)
                lua_rawset(state, -3)
            }
        }
    }

    /// Pushes what the prelude registered under a mark; `null` is kept with its metatable's key doubled.
    private func pushMark(_ mark: StaticString, on state: OpaquePointer) {
        lua_rawgetp(state, limiq_registry_index(), Mark.address(mark) + 1)
    }
}
