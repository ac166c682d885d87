import Basics
import CLua
import CLuaRuntime

/// A `lua_State *`: the main one or a coroutine's.
typealias LuaThread = OpaquePointer

// Values on their way to Lua. No memory limit is in force here, so nothing of this raises.

extension Value {
    /// Pushes the value; the stack needs room for one.
    func push(on thread: LuaThread) {
        switch self {
        case .null: limiq_push_null(thread)
        case .bool(let flag): lua_pushboolean(thread, flag ? 1 : 0)
        case .int(let number): lua_pushinteger(thread, number)
        case .double(let number): lua_pushnumber(thread, number)
        case .string(let text): LuaRuntime.push(text, on: thread)
        case .bytes(let bytes): LuaRuntime.push(bytes, on: thread)
        case .secret(let text):
            var text = text
            text.withUTF8 { utf8 in
                utf8.withMemoryRebound(to: CChar.self) { limiq_push_secret(thread, $0.baseAddress, $0.count) }
            }
        case .list(let members):
            reserve(3, on: thread)
            lua_createtable(thread, Int32(clamping: members.count), 0)
            if members.isEmpty { limiq_mark_list(thread) }
            for (index, member) in members.enumerated() {
                member.push(on: thread)
                lua_rawseti(thread, -2, lua_Integer(index + 1))
            }
        case .map(let map):
            reserve(3, on: thread)
            lua_createtable(thread, 0, Int32(clamping: map.count))
            for entry in map.entries {
                LuaRuntime.push(entry.key, on: thread)
                entry.value.push(on: thread)
                lua_rawset(thread, -3)
            }
        }
    }

    /// Pushes the value as a result or argument of its own, where `.null` is nil.
    func pushResult(on thread: LuaThread) {
        if case .null = self { lua_pushnil(thread) } else { push(on: thread) }
    }
}

/// Makes room on a stack for values to push.
func reserve(_ count: Int, on thread: LuaThread) {
    let fits = lua_checkstack(thread, Int32(clamping: count)) != 0
    precondition(fits, "no room on a Lua stack for \(count) values")
}

extension LuaRuntime {
    static func push(_ text: String, on thread: LuaThread) {
        var text = text
        text.withUTF8 { utf8 in
            utf8.withMemoryRebound(to: CChar.self) { _ = lua_pushlstring(thread, $0.baseAddress, $0.count) }
        }
    }

    static func push(_ bytes: [UInt8], on thread: LuaThread) {
        bytes.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { _ = lua_pushlstring(thread, $0.baseAddress, $0.count) }
        }
    }

    /// Pushes an error table; where it happened is added where it is raised.
    static func push(_ failure: Failure, on thread: LuaThread) {
        reserve(4, on: thread)
        lua_createtable(thread, 0, 7)
        for (field, text) in [
            ("code", failure.word), ("message", failure.message), ("hint", failure.hint),
            ("resource", failure.resource), ("cause", failure.cause),
        ] {
            guard let text else { continue }
            push(field, on: thread)
            push(text, on: thread)
            lua_rawset(thread, -3)
        }
        limiq_mark_failure(thread)
    }
}
