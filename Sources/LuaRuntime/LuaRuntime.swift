import Basics
import CLua
import CLuaRuntime

/// An embedding of Lua 5.4 whose scripts call Swift functions as if they were blocking.
///
/// It is not `Sendable`: the thread that calls `run` is the only one that touches Lua. No `deinit` does; `close` gives
/// the memory back.
public final class LuaRuntime {
    /// The interrupter, which can be called from any thread.
    public let interrupter: Interrupter
    /// The observer that is called on the thread of `run` at the beginning and the end of each call of a primitive.
    public var observer: (@Sendable (RequestEvent) -> Void)?

    let options: Options
    private let state: LuaThread
    private let scheduler: Scheduler

    /// - Throws: `Failure` where a file of the library's `runtime` folder cannot be read or is no Lua, or two primitives have one name.
    public init(options: Options, primitives: [Primitive]) throws(Failure) {
        self.options = options
        interrupter = try Interrupter(memoryLimit: options.memoryLimit)
        guard let state = limiq_open(interrupter.control) else {
            throw Failure(.memory, "no memory for a Lua state")
        }
        self.state = state
        let all = primitives + FilePrimitives.all(options)
        scheduler = Scheduler(
            state: state, interrupter: interrupter, primitives: all, ownPrimitives: primitives.count,
            options: options)
        lua_createtable(state, 0, 0)
        var names: Set<String> = []
        for (number, primitive) in all.enumerated() {
            guard names.insert(primitive.name).inserted else {
                lua_close(state)
                throw Failure(.internal, "two primitives are named \(primitive.name)")
            }
            limiq_register(state, primitive.name, Int32(number))
        }
        set("primitives", .list(primitives.map(\.name).sorted().map(Value.string)))
        set(
            "constants",
            .map(
                Map(options.constants.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: $0.value) }))
        )
        set("search", .list(options.search.map(Value.string)))
        set("library", .string(options.libraryFolder))
        do throws(Failure) {
            for name in [
                "errors", "inspect", "globals", "tasks", "waiting", "each", "modules", "io", "init",
            ] {
                try loadPrelude(name)
            }
        } catch {
            lua_close(state)
            throw error
        }
    }

    /// Ends the state and gives its memory back; nothing may be run after it.
    public func close() { lua_close(state) }

    /// Runs the file's text and every task it starts to their ends.
    ///
    /// - Returns: what the script returns; values that are no plain ones are `.null`.
    public func run(file: String) throws(ScriptError) -> [Value] {
        let text: [UInt8]
        do throws(Failure) { text = try fileBytes(file, atMost: ReadLimit.document) } catch {
            throw ScriptError(error)
        }
        let slash = file.lastIndex(of: "/")
        let folder = slash.map { $0 == file.startIndex ? "/" : String(file[..<$0]) } ?? "."
        let name = slash.map { String(file[file.index(after: $0)...]) } ?? file
        return try run(text, name: name, folder: folder)
    }

    /// Runs a text as if it were the file `name` of the current folder.
    public func run(source: String, name: String) throws(ScriptError) -> [Value] {
        try run(Array(source.utf8), name: name, folder: ".")
    }

    // MARK: the run

    private func run(_ text: [UInt8], name: String, folder: String) throws(ScriptError) -> [Value] {
        scheduler.observer = observer
        reserve(8, on: state)
        // main(text, name, folder) of the prelude is the body of the first task.
        guard let thread = newTask(running: "main") else {
            throw ScriptError(Failure(.internal, "the prelude has no main"))
        }
        Self.push(text, on: thread)
        Self.push(name, on: thread)
        Self.push(folder, on: thread)
        var outcome: Result<[Value], ScriptError> = .success([])
        scheduler.run(thread, arguments: 3) { status, count in
            outcome = self.outcome(thread, status, count)
        }
        return try outcome.get()
    }

    /// Makes a task's coroutine, and leaves it on the main state's stack.
    private func newTask(running function: String) -> LuaThread? {
        pushField(function)
        guard lua_type(state, -1) == LUA_TFUNCTION else {
            clua_pop(state, 1)
            return nil
        }
        pushField("create_task")
        lua_rotate(state, -2, 1)
        guard limiq_call(interrupter.control, state, 1, 1) == LUA_OK else { return nil }
        return lua_tothread(state, -1)
    }

    /// Reads the outcome of a task: (true, values…) or (false, error, traceback).
    private func outcome(_ thread: LuaThread, _ status: Int32, _ count: Int32) -> Result<[Value], ScriptError>
    {
        reserve(8, on: thread)
        let first = lua_gettop(thread) - count + 1
        guard status == LUA_OK else {
            return .failure(scriptError(thread, at: lua_gettop(thread), traceback: nil))
        }
        guard count > 0, lua_toboolean(thread, first) != 0 else {
            return .failure(scriptError(thread, at: first + 1, traceback: Self.text(thread, at: first + 2)))
        }
        var decoder = Decoder(thread)
        return .success(
            (1..<count).map { offset in
                do { return try decoder.value(at: first + offset) } catch { return .null }
            })
    }

    private func scriptError(_ thread: LuaThread, at index: Int32, traceback: String?) -> ScriptError {
        if limiq_is_failure(thread, index) != 0 {
            func field(_ name: String) -> String? {
                Self.push(name, on: thread)
                lua_rawget(thread, index)
                defer { clua_pop(thread, 1) }
                return Self.text(thread, at: -1)
            }
            let failure = Failure(
                word: field("code") ?? Failure.Code.script.rawValue,
                field("message") ?? "an error without a message",
                hint: field("hint"), resource: field("resource"), cause: field("cause"))
            return ScriptError(failure, location: field("where"), traceback: traceback ?? field("traceback"))
        }
        limiq_describe(interrupter.control, thread, index)
        let text = Self.text(thread, at: -1) ?? ""
        clua_pop(thread, 1)
        if text.hasSuffix("not enough memory"), interrupter.control.pointee.refused > 0 {
            return ScriptError(
                Failure(
                    .memory,
                    "the script used more than \(ByteSize(bytes: UInt64(options.memoryLimit))) of Lua memory",
                    hint: "see whether it keeps what it no longer needs, or raise the limit with --lua-memory"
                ),
                traceback: traceback)
        }
        let (location, message) = Self.position(of: text)
        let isSyntax = limiq_is_null(thread, index + 1) != 0
        return ScriptError(
            Failure(isSyntax ? .syntax : .script, message), location: location, traceback: traceback)
    }

    /// Takes `file:line: ` off the front of a message.
    static func position(of text: String) -> (location: String?, message: String) {
        let bytes = text.utf8
        var digits: String.Index?
        for index in bytes.indices {
            switch bytes[index] {
            case UInt8(ascii: "\n"): return (nil, text)
            case UInt8(ascii: ":"):
                let next = bytes.index(after: index)
                if let start = digits, start < index, next < bytes.endIndex, bytes[next] == UInt8(ascii: " ")
                {
                    return (String(text[..<index]), String(text[bytes.index(after: next)...]))
                }
                digits = next
            case UInt8(ascii: "0")...UInt8(ascii: "9"): break
            default: digits = nil
            }
        }
        return (nil, text)
    }

    // MARK: the table the prelude gets, at the bottom of the main state's stack

    private static let core: Int32 = 1

    private func set(_ field: String, _ value: Value) {
        reserve(4, on: state)
        Self.push(field, on: state)
        value.push(on: state)
        lua_rawset(state, Self.core)
    }

    private func pushField(_ field: String) {
        Self.push(field, on: state)
        lua_rawget(state, Self.core)
    }

    static func text(_ thread: LuaThread, at index: Int32) -> String? {
        guard lua_type(thread, index) == LUA_TSTRING else { return nil }
        var length = 0
        guard let start = lua_tolstring(thread, index, &length) else { return nil }
        return String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
    }

    private func loadPrelude(_ name: String) throws(Failure) {
        let text = try fileBytes("\(options.libraryFolder)/runtime/\(name).lua", atMost: ReadLimit.document)
        let status = text.withUnsafeBytes { bytes in
            luaL_loadbufferx(
                state, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count,
                "@<limiq>/runtime/\(name).lua", "t")
        }
        var failed = status != LUA_OK
        if !failed {
            lua_pushvalue(state, Self.core)
            failed = limiq_call(interrupter.control, state, 1, 0) != LUA_OK
        }
        if failed {
            throw Failure(
                .internal,
                "the library's runtime/\(name).lua does not work: \(Self.text(state, at: -1) ?? "no message")",
                hint: "install limiq again, program and library together")
        }
    }
}
