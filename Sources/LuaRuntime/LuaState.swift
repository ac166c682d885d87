import Basics
import CLua

/// The interpreter's state: its allocator with a limit, its libraries, and the calls Swift may make.
///
/// Not `Sendable`: it lives on the scheduler's thread. Only calls that cannot raise are used here (the third letter of each
/// function's line in the Lua 5.4 manual, section 4.6), or calls that raise for want of memory alone, which the
/// allocator rules out while Swift runs.
final class LuaState {
    let main: OpaquePointer
    let control: UnsafeMutablePointer<limiq_control>

    /// - Parameter memoryLimit: bytes Lua may hold.
    init(memoryLimit: Int) throws(Failure) {
        control = .allocate(capacity: 1)
        control.initialize(to: limiq_control())
        control.pointee.limit = memoryLimit
        guard let state = lua_newstate(limiq_allocate, control) else {
            throw Failure(.hostNotAble, "there is no memory for a Lua state")
        }
        main = state
        limiq_set_control(state, control)
        limiq_set_hook(state)
        lua_pushcclosure(state, limiq_open_function(), 0)
        guard limiq_pcall(state, 0, 0) == LUA_OK else {
            throw Failure("internal", "Lua's libraries do not open: \(text(-1, of: state) ?? "?")")
        }
    }

    /// Ends the state. Called once, by the runtime, never from a `deinit`.
    func close() {
        limiq_set_pending(control, 0)
        lua_close(main)
        control.deallocate()
    }

    /// Lets the allocator refuse while `body` runs Lua.
    func armed<Result>(_ body: () -> Result) -> Result {
        control.pointee.armed = 1
        defer { control.pointee.armed = 0 }
        return body()
    }

    /// Compiles a chunk of text on top of the main stack; bytecode is refused.
    ///
    /// - Parameter name: as Lua wants it: `@file` or `=what`.
    /// - Returns: the compiler's complaint, `nil` where the function is on the stack.
    func load(_ source: [UInt8], name: String) -> String? {
        let status = source.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { chars in
                luaL_loadbufferx(main, chars.baseAddress, chars.count, name, "t")
            }
        }
        guard status != LUA_OK else { return nil }
        defer { limiq_pop(main, 1) }
        return text(-1, of: main) ?? "it does not compile"
    }

    /// The text of a string at an index, as far as it is UTF-8.
    func text(_ index: Int32, of state: OpaquePointer) -> String? {
        guard lua_type(state, index) == LUA_TSTRING else { return nil }
        return String(decoding: bytes(index, of: state), as: UTF8.self)
    }

    func bytes(_ index: Int32, of state: OpaquePointer) -> [UInt8] {
        var count = 0
        guard let pointer = lua_tolstring(state, index, &count) else { return [] }
        return Array(UnsafeRawBufferPointer(start: pointer, count: count))
    }

    func push(_ text: String, on state: OpaquePointer) {
        var text = text
        text.withUTF8 { push($0, on: state) }
    }

    func push(_ bytes: [UInt8], on state: OpaquePointer) {
        bytes.withUnsafeBufferPointer { push($0, on: state) }
    }

    private func push(_ buffer: UnsafeBufferPointer<UInt8>, on state: OpaquePointer) {
        buffer.withMemoryRebound(to: CChar.self) {
            _ = lua_pushlstring(state, $0.baseAddress ?? UnsafePointer(bitPattern: 1), $0.count)
        }
    }
}
