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
            let seconds =
                count > 1 && lua_isnumber(thread, first + 1) != 0 ? seconds(at: first + 1, thread) : nil
            clua_pop(thread, Int32(count))
            guard let other = tasks[id] else {
                pushAnswer(task) { lua_pushboolean($0, 1) }
                return true
            }
            wait(task, .task(id))
            other.joiners.append(task)
            if let seconds { timers.add(task, at: .now + seconds) }
            return false
        case LIMIQ_SLEEP:
            let seconds = skipsSleep ? .zero : seconds(at: first, thread)
            clua_pop(thread, Int32(count))
            wait(task, .timer)
            timers.add(task, at: .now + seconds)
            return false
        case LIMIQ_CANCEL:
            let other = tasks[Int(lua_tointegerx(thread, first, nil))]
            let message = text(at: first + 1, thread) ?? "cancelled"
            let kill = count > 2 && lua_toboolean(thread, first + 2) != 0
            clua_pop(thread, Int32(count))
            if let other { cancel(other, Failure(.cancelled, message), kill: kill) }
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

    /// (thread, arguments…)
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
        let spawned = start(coroutine, arguments: Int32(count) - 1)
        pushAnswer(task) { lua_pushinteger($0, lua_Integer(spawned.id)) }
        return true
    }

    func cancel(_ task: LuaTask, _ failure: Failure, kill: Bool) {
        if kill { task.killed = true }
        if task.isWaiting { abandon(task, failure) } else { task.pendingFailure = failure }
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
