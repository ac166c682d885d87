import Basics
import CLua

/// Resumes coroutines and performs what they ask for, on the one thread that calls `run`.
///
/// A plain class, not `Sendable`: exclusion by structure. Other threads reach it through its mailbox alone.
final class Scheduler {
    enum Message: Sendable {
        case answer(task: Int, wait: Int, Result<[Value], Failure>)
        case interrupt
    }

    let mailbox = Mailbox<Message>()
    private let lua: LuaState
    private let primitives: [String: Primitive]
    private let pool: WorkerPool
    private let interrupter: Interrupter
    private let output: @Sendable ([UInt8]) -> Void
    private let observer: (@Sendable (RequestEvent) -> Void)?

    private var tasks: [Int: ScriptTask] = [:]
    private var lastTask = 0
    private var ready: [(task: ScriptTask, answer: Answer)] = []
    private var timers = Timers()
    /// Requests on the pool whose answers are to come.
    private var outstanding = 0
    /// What the main task returned.
    private var result: Result<[Value], ScriptError>?

    init(
        lua: LuaState, primitives: [String: Primitive], pool: WorkerPool, interrupter: Interrupter,
        output: @escaping @Sendable ([UInt8]) -> Void, observer: (@Sendable (RequestEvent) -> Void)?
    ) {
        self.lua = lua
        self.primitives = primitives
        self.pool = pool
        self.interrupter = interrupter
        self.output = output
        self.observer = observer
    }

    /// Runs the coroutine on top of the main stack, and all it spawns, to its end.
    func run() throws(ScriptError) -> [Value] {
        let main = adopt(lua.main)
        ready.append((main, .start))
        while result == nil {
            let batch = ready
            ready.removeAll(keepingCapacity: true)
            for (task, answer) in batch where result == nil {
                resume(task, answer)
            }
            if result != nil || !ready.isEmpty { continue }
            if outstanding == 0, timers.nearest == nil, interrupter.level == 0 {
                endDeadlock()
                continue
            }
            let message: Message?
            if let nearest = timers.nearest {
                message = mailbox.next(before: nearest)
            } else {
                message = mailbox.next()
            }
            if let message { take(message) }
            fireTimers()
        }
        for task in tasks.values { luaL_unref(lua.main, limiq_registry_index(), task.reference) }
        tasks = [:]
        return try (result ?? .success([])).get()
    }

    /// Takes the coroutine on top of a stack as a new task.
    private func adopt(_ state: OpaquePointer) -> ScriptTask {
        let thread = lua_tothread(state, -1)
        let reference = luaL_ref(state, limiq_registry_index())
        lastTask += 1
        // The prelude only ever hands over coroutines.
        guard let thread else { preconditionFailure("the prelude spawned what is no coroutine") }
        let task = ScriptTask(id: lastTask, thread: thread, reference: reference)
        tasks[lastTask] = task
        return task
    }

    // MARK: Running Lua

    private func resume(_ task: ScriptTask, _ answer: Answer) {
        task.wait = .none
        task.waitNumber += 1
        let thread = task.thread
        var arguments: Int32 = 0
        var answer = answer
        if interrupter.level >= 2, case .start = answer {} else if interrupter.level >= 2 { answer = .kill }
        switch answer {
        case .start: arguments = lua_gettop(thread) - 1
        case .values(let values):
            lua_pushboolean(thread, 1)
            for value in values { lua.push(value, on: thread) }
            arguments = Int32(values.count + 1)
        case .failure(let failure):
            lua_pushboolean(thread, 0)
            lua.push(failure.code.rawValue, on: thread)
            for text in [failure.message, failure.hint, failure.resource, failure.cause] {
                if let text { lua.push(text, on: thread) } else { lua_pushnil(thread) }
            }
            arguments = 6
        case .kill:
            lua_pushlightuserdata(thread, limiq_kill_address(lua.control))
            arguments = 1
        }
        interrupter.arm(for: task)
        var results: Int32 = 0
        let status = lua.armed { lua_resume(thread, lua.main, arguments, &results) }
        interrupter.disarm(after: task)
        switch status {
        case LUA_YIELD: request(task, results)
        case LUA_OK: end(task, results: results)
        default: died(task)
        }
    }

    private func end(_ task: ScriptTask, results: Int32) {
        if task.id == 1 { result = outcome(of: task, results) }
        forget(task)
    }

    /// The main task returns true and its values, or false and the parts of an error.
    private func outcome(of task: ScriptTask, _ results: Int32) -> Result<[Value], ScriptError> {
        let thread = task.thread
        let first = lua_gettop(thread) - results + 1
        if lua_toboolean(thread, first) != 0 {
            var values: [Value] = []
            for index in stride(from: first + 1, through: lua_gettop(thread), by: 1) {
                do {
                    values.append(try lua.value(index, of: thread))
                } catch {
                    values.append(.null)
                }
            }
            return .success(values)
        }
        func part(_ offset: Int32) -> String? { lua.text(first + offset, of: thread) }
        let failure = Failure(
            Failure.Code(rawValue: part(1) ?? "script"), part(2) ?? "unknown error", hint: part(3),
            resource: part(4), cause: part(5))
        return .failure(ScriptError(failure, location: part(6), traceback: part(7)))
    }

    /// A task's body catches every error: what comes here is the second interrupt, or no memory for the catching.
    private func died(_ task: ScriptTask) {
        let failure: Failure
        if interrupter.level > 0 {
            failure = Failure(.interrupted, "interrupted")
        } else {
            failure = Failure(
                .outOfMemory, lua.text(-1, of: task.thread) ?? "the script ended without an error")
        }
        result = .failure(ScriptError(failure))
        forget(task)
    }

    private func forget(_ task: ScriptTask) {
        luaL_unref(lua.main, limiq_registry_index(), task.reference)
        tasks[task.id] = nil
    }

    // MARK: Requests

    /// What a task yielded: the token, a name, arguments.
    private func request(_ task: ScriptTask, _ results: Int32) {
        let thread = task.thread
        let first = lua_gettop(thread) - results + 1
        guard let name = lua.text(first + 1, of: thread) else {
            return answer(task, .failure(Failure("internal", "a request without a name")))
        }
        if name.utf8.first == UInt8(ascii: "@") {
            builtin(name, task, first + 2)
            return
        }
        var arguments: [Value] = []
        do {
            for index in stride(from: first + 2, through: lua_gettop(thread), by: 1) {
                arguments.append(try lua.value(index, of: thread))
            }
        } catch {
            limiq_pop(thread, results)
            return answer(task, .failure(error))
        }
        limiq_pop(thread, results)
        perform(name, arguments, task)
    }

    private func perform(_ name: String, _ arguments: [Value], _ task: ScriptTask) {
        guard let primitive = primitives[name] else {
            return answer(task, .failure(Failure(.notFound, "there is no primitive \(name)")))
        }
        if let pending = task.cancellation, primitive.execution == .pooled {
            task.cancellation = nil
            return answer(task, .failure(pending))
        }
        let request = Request(
            name: name, arguments: arguments, task: task.id, cancellation: Cancellation())
        switch primitive.execution {
        case .inline:
            observer?(.began(request))
            let outcome = Self.outcome(of: primitive, request)
            observer?(.ended(request, outcome))
            switch outcome {
            case .success(let values): answer(task, .values(values))
            case .failure(let failure): answer(task, .failure(failure))
            }
        case .pooled:
            task.wait = .request(request.cancellation, grace: primitive.grace)
            outstanding += 1
            let number = task.waitNumber
            let id = task.id
            pool.run { [mailbox, observer] in
                observer?(.began(request))
                let outcome = Self.outcome(of: primitive, request)
                observer?(.ended(request, outcome))
                mailbox.put(.answer(task: id, wait: number, outcome))
            }
        }
    }

    private static func outcome(of primitive: Primitive, _ request: Request) -> Result<[Value], Failure> {
        do {
            return .success(try primitive.perform(request))
        } catch let failure as Failure {
            return .failure(failure)
        } catch {
            return .failure(Failure("internal", "limiq.\(request.name) failed", cause: "\(error)"))
        }
    }

    private func answer(_ task: ScriptTask, _ answer: Answer) {
        ready.append((task, answer))
    }

    /// The scheduler's own requests, which the prelude makes.
    private func builtin(_ name: String, _ task: ScriptTask, _ first: Int32) {
        let thread = task.thread
        defer { limiq_pop(thread, lua_gettop(thread) - first + 3) }
        switch name {
        case "@spawn":
            lua_pushvalue(thread, first)
            let spawned = adopt(thread)
            // The spawner first: it writes down the number before the task can end.
            answer(task, .values([.int(Int64(spawned.id))]))
            ready.append((spawned, .start))
        case "@task": answer(task, .values([.int(Int64(task.id))]))
        case "@park":
            if task.isWoken {
                task.isWoken = false
                answer(task, .values([]))
            } else if !tellCancellation(task) {
                task.wait = .park
            }
        case "@wake":
            if let other = tasks[Int(lua_tointegerx(thread, first, nil))] {
                if case .park = other.wait { settle(other, .values([])) } else { other.isWoken = true }
            }
            answer(task, .values([]))
        case "@sleep":
            if tellCancellation(task) { return }
            task.wait = .sleep
            addTimer(task, after: .seconds(lua_tonumberx(thread, first, nil)))
        case "@cancel":
            if let other = tasks[Int(lua_tointegerx(thread, first, nil))] {
                cancel(other, Failure(.cancelled, "the task was cancelled"))
            }
            answer(task, .values([]))
        case "@output":
            output(lua.bytes(first, of: thread))
            answer(task, .values([]))
        case "@read":
            switch readFile(lua.text(first, of: thread) ?? "") {
            case .success(let bytes): answer(task, .values([.bytes(bytes)]))
            case .failure(let reason): answer(task, .values([.null, .string(reason.text)]))
            }
        case "@names":
            answer(task, .values([.list(fileNames(lua.text(first, of: thread) ?? "").map(Value.string))]))
        default:
            answer(task, .failure(Failure("internal", "there is no request \(name)")))
        }
    }

    // MARK: Waits that end

    private func tellCancellation(_ task: ScriptTask) -> Bool {
        guard let failure = task.cancellation else { return false }
        task.cancellation = nil
        answer(task, .failure(failure))
        return true
    }

    private func addTimer(_ task: ScriptTask, after duration: Duration) {
        timers.add(.init(due: .now + duration, task: task.id, wait: task.waitNumber))
    }

    /// Ends a wait: the task is resumed in its turn.
    private func settle(_ task: ScriptTask, _ answer: Answer) {
        task.wait = .none
        task.waitNumber += 1
        ready.append((task, answer))
    }

    private func take(_ message: Message) {
        switch message {
        case .answer(let id, let number, let outcome):
            outstanding -= 1
            guard let task = tasks[id], task.waitNumber == number else { return }
            if case .ending(let failure) = task.wait { return settle(task, .failure(failure)) }
            switch outcome {
            case .success(let values): settle(task, .values(values))
            case .failure(let failure): settle(task, .failure(failure))
            }
        case .interrupt:
            for task in tasks.values.sorted(by: { $0.id < $1.id }) { interrupt(task) }
        }
    }

    /// The first interrupt is told to each task once; at the second nothing is waited for any more.
    private func interrupt(_ task: ScriptTask) {
        if interrupter.level >= 2 {
            if case .none = task.wait { return }
            return settle(task, .kill)
        }
        guard !task.sawInterrupt else { return }
        if case .none = task.wait { return }
        task.sawInterrupt = true
        cancel(task, Failure(.interrupted, "interrupted"))
    }

    private func cancel(_ task: ScriptTask, _ failure: Failure) {
        switch task.wait {
        case .none: task.cancellation = failure
        case .park, .sleep: settle(task, .failure(failure))
        case .ending: break
        case .request(let cancellation, let grace):
            task.wait = .ending(failure)
            addTimer(task, after: grace)
            cancellation.cancel()
        }
    }

    private func fireTimers() {
        while let entry = timers.takeDue(at: .now) {
            guard let task = tasks[entry.task], task.waitNumber == entry.wait else { continue }
            switch task.wait {
            case .sleep: settle(task, .values([]))
            case .ending(let failure): settle(task, .failure(failure))
            case .none, .park, .request: break
            }
        }
    }

    /// Every task waits for another one. The youngest is told, so that those who wait for it learn of it by its error.
    private func endDeadlock() {
        for task in tasks.values.sorted(by: { $0.id > $1.id }) {
            if case .park = task.wait {
                settle(
                    task,
                    .failure(
                        Failure("deadlock", "every task waits for another one, so none can go on")))
                return
            }
        }
        result = .failure(ScriptError(Failure("internal", "no task can go on")))
    }
}
