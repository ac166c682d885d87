import Basics
import CLua

/// A request as an observer sees it: the one place for timing, logging and the event stream.
public enum RequestEvent: Sendable {
    case began(Request)
    case ended(Request, Result<[Value], Failure>)
}

/// An embedding of Lua 5.4 whose scripts call primitives written in Swift by yielding requests.
///
/// Not `Sendable`. `run` returns when the script and all it spawned have ended.
public final class LuaRuntime {
    public struct Options: Sendable {
        /// The folder with `limiq/` and `runtime/`: what `require "limiq.…"` finds.
        public var libraryFolder: String
        /// Searched after the script's own folder by `require`.
        public var searchPath: [String] = []
        /// Bytes Lua may hold before a script gets an error.
        public var memoryLimit = 512 << 20
        /// Threads that wait in primitives at once.
        public var workers = 256
        /// Takes what the script prints, on the thread of `run`.
        public var output: @Sendable ([UInt8]) -> Void = { _ in }
        public var observer: (@Sendable (RequestEvent) -> Void)?
        /// What `require "limiq.runtime".constants` holds.
        public var constants: Map = [:]

        public init(libraryFolder: String) { self.libraryFolder = libraryFolder }
    }

    private let lua: LuaState
    private let scheduler: Scheduler
    private let options: Options
    /// Keeps the prelude's table of functions.
    private let prelude: Int32
    public let interrupter: Interrupter

    /// - Throws: `Failure` where the library is not there or broken.
    public init(options: Options, primitives: [Primitive]) throws(Failure) {
        self.options = options
        lua = try LuaState(memoryLimit: options.memoryLimit)
        let wakeUp = Wake()
        interrupter = Interrupter(lua.control) { wakeUp.call() }
        scheduler = Scheduler(
            lua: lua, primitives: Dictionary(primitives.map { ($0.name, $0) }) { _, last in last },
            pool: WorkerPool(limit: options.workers), interrupter: interrupter, output: options.output,
            observer: options.observer)
        wakeUp.mailbox = scheduler.mailbox
        prelude = try Self.loadPrelude(into: lua, options, primitives)
    }

    /// Runs a file of Lua text.
    ///
    /// - Returns: what the script returns, as far as it is plain values.
    public func run(file: String) throws(ScriptError) -> [Value] {
        switch readFile(file) {
        case .failure(let reason):
            throw ScriptError(Failure(.notFound, "\(file): \(reason.text.lowercased())"))
        case .success(let source):
            return try run(source: source, chunk: "@\(file)")
        }
    }

    /// - Parameter name: what messages call it: `=limiq repl`, `@file.lua`.
    public func run(source: String, name: String) throws(ScriptError) -> [Value] {
        try run(source: Array(source.utf8), chunk: name)
    }

    private func run(source: [UInt8], chunk: String) throws(ScriptError) -> [Value] {
        let main = lua.main
        defer { lua_settop(main, 0) }
        guard let coroutine = lua_newthread(main) else {
            throw ScriptError(Failure(.outOfMemory, "no memory for a coroutine"))
        }
        lua_rawgeti(main, limiq_registry_index(), Int64(prelude))
        lua.push("main", on: main)
        lua_rawget(main, -2)
        if let complaint = lua.load(source.withoutShebang, name: chunk) {
            throw ScriptError(Failure(.script, complaint))
        }
        lua.push(folder(of: chunk), on: main)
        lua_xmove(main, coroutine, 3)
        limiq_pop(main, 1)
        return try scheduler.run()
    }

    /// What is wrong with a file's syntax: nothing, or `file:line: message`.
    public static func check(file: String) -> String? {
        switch readFile(file) {
        case .failure(let reason): return "\(file): \(reason.text.lowercased())"
        case .success(let source):
            do {
                let lua = try LuaState(memoryLimit: 512 << 20)
                defer { lua.close() }
                return lua.load(source.withoutShebang, name: "@\(file)")
            } catch {
                return "\(error)"
            }
        }
    }

    private func folder(of chunk: String) -> String {
        guard chunk.hasPrefix("@") else { return "." }
        let file = chunk.dropFirst()
        return file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
    }

    /// Runs `runtime/prelude.lua`, which takes the sandbox's shape and returns its functions.
    private static func loadPrelude(
        into lua: LuaState, _ options: Options, _ primitives: [Primitive]
    ) throws(Failure) -> Int32 {
        let path = options.libraryFolder + "/runtime/prelude.lua"
        let hint = "install limiq again"
        guard case .success(let source) = readFile(path) else {
            throw Failure(.hostNotAble, "limiq's Lua library is not at \(options.libraryFolder)", hint: hint)
        }
        let main = lua.main
        defer { lua_settop(main, 0) }
        if let complaint = lua.load(source, name: "=[limiq prelude]") {
            throw Failure(.hostNotAble, complaint, hint: hint)
        }
        var constants = options.constants
        constants["library"] = .string(options.libraryFolder)
        constants["search_path"] = .list(options.searchPath.map(Value.string))
        constants["primitives"] = .list(
            primitives.map { .string($0.name) }.sorted { $0.string ?? "" < $1.string ?? "" })
        lua.push(.map(constants), on: main)
        lua_pushlightuserdata(main, limiq_interrupt_address(lua.control))
        lua_pushlightuserdata(main, limiq_kill_address(lua.control))
        guard limiq_pcall(main, 3, 1) == LUA_OK else {
            throw Failure(.hostNotAble, lua.text(-1, of: main) ?? "the prelude fails", hint: hint)
        }
        for mark in [Mark.secret, Mark.secrets, Mark.emptyList] {
            lua.push(mark.description, on: main)
            lua_rawget(main, -2)
            lua_rawsetp(main, limiq_registry_index(), Mark.address(mark))
        }
        lua.push("limiq.null", on: main)
        lua_rawget(main, -2)
        lua_rawsetp(main, limiq_registry_index(), Mark.address(Mark.null) + 1)
        lua.push("limiq.null_metatable", on: main)
        lua_rawget(main, -2)
        lua_rawsetp(main, limiq_registry_index(), Mark.address(Mark.null))
        lua.push("raise_interrupted", on: main)
        lua_rawget(main, -2)
        lua_rawsetp(main, limiq_registry_index(), limiq_interrupt_address(lua.control))
        return luaL_ref(main, limiq_registry_index())
    }
}

/// Breaks the circle of the interrupter, which wakes the scheduler, and the scheduler, which knows the interrupter.
///
/// `@unchecked Sendable`: `mailbox` is set once, before the interrupter is given to any other thread.
private final class Wake: @unchecked Sendable {
    var mailbox: Mailbox<Scheduler.Message>?
    func call() { mailbox?.put(.interrupt) }
}

extension [UInt8] {
    /// A first line that begins with `#` is a comment for the system, as for the `lua` program; its line end stays.
    fileprivate var withoutShebang: [UInt8] {
        guard first == UInt8(ascii: "#") else { return self }
        return Array(drop { $0 != UInt8(ascii: "\n") })
    }
}
