import Basics
import CLua
import CLuaRuntime

/// The requests to the scheduler itself: what the prelude makes `spawn`, `join`, `sleep` and `require` of.
extension Scheduler {
    /// - Returns: whether the answer is on the task's stack already.
    func serveTasks(_ task: LuaTask, _ request: Int, _ count: Int) -> Bool {
        let thread = task.thread
        let first = lua_gettop(thread) - Int32(count) + 1
        switch request {
        case LIMIQ_SPAWN: return spawn(task, first, count)
        case LIMIQ_JOIN:
            let id = Int(lua_tointegerx(thread, first, nil))
            clua_pop(thread, Int32(count))
            guard let other = tasks[id] else {
                pushAnswer(task) { lua_pushboolean($0, 1) }
                return true
            }
            wait(task, .task(id))
            other.joiners.append(task)
            return false
        case LIMIQ_SLEEP:
            let seconds = skipsSleep ? .zero : seconds(at: first, thread)
            clua_pop(thread, Int32(count))
            wait(task, .timer)
            timers.add(task, at: .present + seconds)
            return false
        case LIMIQ_CANCEL:
            let other = tasks[Int(lua_tointegerx(thread, first, nil))]
            let message = text(at: first + 1, thread) ?? "cancelled"
            let kill = count > 2 && lua_toboolean(thread, first + 2) != 0
            clua_pop(thread, Int32(count))
            if let other { cancel(other, Failure(.cancelled, message), kill: kill) }
            pushAnswer(task, count: 0) { _ in }
            return true
        case LIMIQ_LIMIT:
            let seconds = seconds(at: first + 1, thread)
            if let other = tasks[Int(lua_tointegerx(thread, first, nil))] {
                limit(other, to: seconds, text(at: first + 2, thread) ?? "took too long")
            }
            clua_pop(thread, Int32(count))
            pushAnswer(task, count: 0) { _ in }
            return true
        case LIMIQ_AWAIT:
            let name = text(at: first, thread) ?? ""
            clua_pop(thread, Int32(count))
            wait(task, .announcement(name))
            return false
        case LIMIQ_ANNOUNCE:
            let name = text(at: first, thread) ?? ""
            clua_pop(thread, Int32(count))
            for other in tasks.values.sorted(by: { $0.id < $1.id }) {
                if case .announcement(name) = other.wait { answer(other, count: 0) { _ in } }
            }
            pushAnswer(task, count: 0) { _ in }
            return true
        default:
            clua_pop(thread, Int32(count))
            pushRefusal(task, Failure(.internal, "the scheduler knows no request \(request)"))
            return true
        }
    }

    /// Starts a task of the arguments on the stack: (thread, arguments…).
    private func spawn(_ task: LuaTask, _ first: Int32, _ count: Int) -> Bool {
        let thread = task.thread
        guard let coroutine = lua_tothread(thread, first), lua_checkstack(coroutine, Int32(count)) != 0 else {
            clua_pop(thread, Int32(count))
            pushRefusal(task, Failure(.internal, "this cannot be spawned"))
            return true
        }
        lua_xmove(thread, coroutine, Int32(count) - 1)
        reserve(1, on: state)
        lua_xmove(thread, state, 1)
        let spawned = start(coroutine, arguments: Int32(count) - 1, from: task)
        pushAnswer(task) { lua_pushinteger($0, lua_Integer(spawned.id)) }
        return true
    }

    // MARK: the end of a task

    /// Ends a task for good: the wait it is in and each later one raise, but those of its clean-up. With `kill` they do too.
    func cancel(_ task: LuaTask, _ failure: Failure, kill: Bool) {
        if kill { task.killed = true }
        if task.stop == nil { task.stop = failure }
        // It may compute.
        limiq_set_alarm(control, limiq_now(control) + Self.alarmDelay)
        guard task.isWaiting, kill || mayStop(task) else { return }
        task.hasStopped = true
        abandon(task, failure)
    }

    /// Whether the wait a task is in ends when the task is to stop.
    func mayStop(_ task: LuaTask) -> Bool {
        !task.hasStopped && limiq_is_cleaning_up(task.thread) == 0
    }

    private func limit(_ task: LuaTask, to time: Duration, _ message: String) {
        let nanoseconds =
            time.components.seconds * 1_000_000_000 + time.components.attoseconds / 1_000_000_000
        let limit = TimeLimit(
            task: task.id, deadline: limiq_now(control) + nanoseconds, message: message, outer: task.limit)
        task.limit = limit
        timers.add(.limit(limit), at: .present + time)
        limiq_set_alarm(control, limit.deadline)
    }

    /// Cancels what is bound by a time that is over, and some time later ends what still cleans up.
    func enforce(_ limit: TimeLimit) {
        let bound = tasks.values.filter { $0.isBound(by: limit) }.sorted { $0.id < $1.id }
        let isFirst = !limit.isOver
        limit.isOver = true
        for task in bound { cancel(task, Failure(.cancelled, limit.message), kill: !isFirst) }
        if isFirst, !bound.isEmpty { timers.add(.limit(limit), at: .present + TimeLimit.grace) }
    }

    private static let alarmDelay: Int64 = 50_000_000

    /// Puts the alarm off until it is needed again.
    func resetAlarm() {
        alarmsSeen = control.pointee.alarms
        let isStopping = tasks.values.contains { $0.stop != nil }
        let next =
            isStopping
            ? limiq_now(control) + Self.alarmDelay : tasks.values.compactMap { $0.deadline?.deadline }.min()
        limiq_reset_alarm(control, next ?? 0)
    }

    private func seconds(at index: Int32, _ thread: LuaThread) -> Duration {
        .seconds(min(max(lua_tonumberx(thread, index, nil), 0), 1e9))
    }

    private func text(at index: Int32, _ thread: LuaThread) -> String? {
        guard lua_type(thread, index) == LUA_TSTRING, let text = lua_tolstring(thread, index, nil) else {
            return nil
        }
        return String(cString: text)
    }
}
