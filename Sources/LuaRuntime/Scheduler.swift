import Basics
import CLua
import CLuaRuntime

/// Runs the tasks of one script on the calling thread and performs what they ask for.
///
/// It is not `Sendable`: one thread at a time. Other threads reach it through the mailbox.
final class Scheduler {
    enum Message: Sendable {
        case answer(task: Int, ticket: UInt64, Result<[Value], Failure>)
        case interrupted
    }

    let state: LuaThread
    let control: UnsafeMutablePointer<limiq_control>
    let mailbox: Mailbox<Message>
    let requests: RequestsInFlight
    let primitives: [Primitive]
    /// The number of the program's primitives: the others, behind them, are the runtime's own.
    let ownPrimitives: Int
    let workers: WorkerPool
    let output: @Sendable (OutputStream, UnsafeRawBufferPointer) -> Void
    let skipsSleep: Bool
    var observer: (@Sendable (RequestEvent) -> Void)?

    var tasks: [Int: LuaTask] = [:]
    var timers = Timers()
    private var ready: [LuaTask] = []
    private var readyHead = 0
    private var lastTask = 0
    private var lastEvent: UInt64 = 0
    private var lastTicket: UInt64 = 0
    /// The messages about interrupts taken in this run: there may be one on its way.
    private var interruptsSeen: Int32 = 0
    /// The alarms seen in this run.
    var alarmsSeen: Int32 = 0
    /// The number of requests whose answer a task waits for.
    private var outstanding = 0
    /// The table, on the main state's stack, that keeps the coroutines of tasks alive.
    private static let anchors: Int32 = 2

    init(
        state: LuaThread, interrupter: Interrupter, primitives: [Primitive], ownPrimitives: Int,
        options: LuaRuntime.Options
    ) {
        self.state = state
        control = interrupter.control
        mailbox = interrupter.mailbox
        requests = interrupter.requests
        self.primitives = primitives
        self.ownPrimitives = ownPrimitives
        workers = options.workers
        output = options.output
        skipsSleep = options.skipsSleep
    }

    // MARK: the loop

    /// Runs the task on the top of the main state's stack, a coroutine with `arguments` values on its own, and every
    /// task it starts, to their ends. `finished` looks at the first one's results on its stack.
    func run(_ thread: LuaThread, arguments: Int32, finished: (_ status: Int32, _ results: Int32) -> Void) {
        limiq_arrive(control)
        requests.update { $0.isRunning = true }
        defer {
            requests.update { $0.isRunning = false }
            limiq_leave(control)
            while mailbox.next(before: .present) != nil {}
        }
        lastTask = 0
        interruptsSeen = 0
        let main = start(thread, arguments: arguments, from: nil)
        var rounds = 0
        while !tasks.isEmpty {
            rounds += 1
            if control.pointee.alarms != alarmsSeen { resetAlarm() }
            if ready.isEmpty || rounds % 32 == 0 { takeMessages() }
            guard let task = nextReady() else { continue }
            if let (status, results) = step(task) {
                if task === main { finished(status, results) }
                end(task)
                // The main task sees the others out, unless it was stopped dead.
                if task === main, status != LUA_OK {
                    for other in tasks.values {
                        cancel(other, Failure(.interrupted, "interrupted"), kill: true)
                    }
                }
            }
        }
        ready.removeAll()
        readyHead = 0
    }

    private func nextReady() -> LuaTask? {
        guard readyHead < ready.count else { return nil }
        let task = ready[readyHead]
        readyHead += 1
        if readyHead == ready.count || readyHead > 1024 {
            ready.removeFirst(readyHead)
            readyHead = 0
        }
        return task
    }

    /// Takes what has come; blocks where no task could run without it.
    private func takeMessages() {
        while let event = timers.removeDue(.present) {
            switch event {
            case .limit(let limit): enforce(limit)
            case .wait(let task, _):
                if case .request = task.wait {
                    if let ending = task.ending { abandon(task, ending, graceIsOver: true) }
                } else {
                    answer(task, count: 0) { _ in }
                }
            }
        }
        while readyHead == ready.count {
            let message: Message?
            if let deadline = timers.next {
                message = mailbox.next(before: deadline)
            } else if outstanding > 0 || control.pointee.interrupts > interruptsSeen {
                message = mailbox.next()
            } else {
                return breakDeadlock()
            }
            guard let message else { return }
            take(message)
        }
        while let message = mailbox.next(before: .present) { take(message) }
    }

    private func take(_ message: Message) {
        switch message {
        case .answer(let id, let ticket, let result):
            guard let task = tasks[id], task.ticket == ticket, case .request = task.wait else { return }
            outstanding -= 1
            if var ending = task.ending {
                reportEnd(of: task, Failure(.cancelled, "cancelled"))
                task.ending = nil
                // What it says of its undoing.
                if case .failure(let failure) = result { ending.hint = failure.hint }
                task.cancellation = Cancellation()
                return refuse(task, ending)
            }
            switch result {
            case .success(let values):
                reportEnd(of: task, nil)
                answer(task, count: values.count) { thread in
                    for value in values { value.pushResult(on: thread) }
                }
            case .failure(let failure):
                reportEnd(of: task, failure)
                refuse(task, failure)
            }
        case .interrupted:
            // Those that run or are ready get the error at their next wait, or where they compute for long.
            interruptsSeen += 1
            let interrupts = control.pointee.interrupts
            for task in tasks.values.sorted(by: { $0.id < $1.id }) where task.isWaiting {
                guard interrupts >= 2 || (interrupts == 1 && !task.isShielded && mayStop(task)) else {
                    continue
                }
                task.hasStopped = true
                abandon(task, Failure(.interrupted, "interrupted"))
            }
        }
    }

    private func breakDeadlock() {
        guard let task = tasks.values.filter(\.isWaiting).min(by: { $0.id < $1.id }) else { return }
        let waits = tasks.values.sorted { $0.id < $1.id }.map { task in
            switch task.wait {
            case .task(let other): "task \(task.id) for task \(other)"
            case .announcement(let name): "task \(task.id) for \(name)"
            default: "task \(task.id)"
            }
        }
        abandon(
            task,
            Failure(
                .deadlock, "every task waits for another: \(waits.joined(separator: ", "))",
                hint: "task 1 is the script itself, the others are numbered as they were spawned"))
    }

    // MARK: tasks

    /// Makes a task of the coroutine on the top of the main state's stack, which is taken from there.
    func start(_ thread: LuaThread, arguments: Int32, from other: LuaTask?) -> LuaTask {
        lastTask += 1
        lua_rawseti(state, Self.anchors, lua_Integer(lastTask))
        let task = LuaTask(
            id: lastTask, thread: thread, argumentCount: arguments,
            isShielded: other.map { $0.isShielded || limiq_is_cleaning_up($0.thread) != 0 } ?? false,
            limit: other?.limit)
        tasks[task.id] = task
        ready.append(task)
        return task
    }

    private func end(_ task: LuaTask) {
        tasks[task.id] = nil
        lua_settop(task.thread, 0)
        lua_pushnil(state)
        lua_rawseti(state, Self.anchors, lua_Integer(task.id))
        var isLate = false
        if let limit = task.limit, limit.task == task.id {
            isLate = limit.isOver || limit.deadline <= limiq_now(control)
            limit.hasEnded = !isLate
        }
        for joiner in task.joiners {
            guard case .task(task.id) = joiner.wait else { continue }
            answer(joiner, count: 2) {
                lua_pushboolean($0, 1)
                lua_pushboolean($0, isLate ? 1 : 0)
            }
        }
    }

    /// Resumes a task until it waits or ends.
    /// - Returns: the status and number of results of one that has ended.
    private func step(_ task: LuaTask) -> (Int32, Int32)? {
        for _ in 0..<100 {
            tell(task)
            var results: Int32 = 0
            let status = limiq_resume(control, task.thread, nil, task.argumentCount, &results)
            task.hasStopped = control.pointee.has_stopped != 0
            task.patience = control.pointee.patience
            task.killed = control.pointee.killed != 0
            if control.pointee.output_length > 0 { writeOutput() }
            guard status == LUA_YIELD else { return (status, results) }
            if !serve(task, Int(results)) { return nil }
        }
        // Enough in a row: timers and other tasks want their turn.
        ready.append(task)
        return nil
    }

    /// Tells the code inside Lua of the task that is to run.
    private func tell(_ task: LuaTask) {
        let limit = task.deadline
        if let clock = LeapingClock.current { control.pointee.ahead = Int64(clock.leapt / .nanoseconds(1)) }
        control.pointee.task = Int64(task.id)
        control.pointee.base = task.thread
        control.pointee.cancelled = task.stop == nil ? 0 : 1
        control.pointee.deadline = limit?.deadline ?? 0
        control.pointee.shielded = task.isShielded ? 1 : 0
        control.pointee.has_stopped = task.hasStopped ? 1 : 0
        control.pointee.patience = task.patience
        control.pointee.killed = task.killed ? 1 : 0
        if let message = task.stop?.message ?? limit?.message { limiq_set_cancelled_text(control, message) }
    }

    /// Sees to the request a task has just made.
    /// - Returns: whether the answer is on its stack already.
    private func serve(_ task: LuaTask, _ count: Int) -> Bool {
        let request = Int(control.pointee.request)
        if request == LIMIQ_FLUSH {
            clua_pop(task.thread, Int32(count))
            task.argumentCount = 0
            return true
        }
        return request == LIMIQ_PERFORM ? perform(task, count) : serveTasks(task, request, count)
    }

    // MARK: waits

    func wait(_ task: LuaTask, _ wait: LuaTask.Wait) {
        task.ticket = nextTicket()
        task.wait = wait
    }

    private func nextTicket() -> UInt64 {
        lastTicket += 1
        return lastTicket
    }

    /// Pushes an answer and lets the task run on.
    func answer(_ task: LuaTask, count: Int = 1, _ push: (LuaThread) -> Void) {
        pushAnswer(task, count: count, push)
        task.wait = .none
        ready.append(task)
    }

    func pushAnswer(_ task: LuaTask, count: Int = 1, _ push: (LuaThread) -> Void) {
        reserve(count + 4, on: task.thread)
        let top = lua_gettop(task.thread)
        lua_pushboolean(task.thread, 1)
        push(task.thread)
        task.argumentCount = lua_gettop(task.thread) - top
    }

    private func refuse(_ task: LuaTask, _ failure: Failure) {
        pushRefusal(task, failure)
        task.wait = .none
        ready.append(task)
    }

    func pushRefusal(_ task: LuaTask, _ failure: Failure) {
        reserve(4, on: task.thread)
        lua_pushboolean(task.thread, 0)
        LuaRuntime.push(failure, on: task.thread)
        task.argumentCount = 2
    }

    /// Ends a task's wait with an error: at once, or where a request has something to undo, when it has or its time of
    /// grace is over. An answer that comes after that is dropped. Who is ended a second time goes on with its undoing, unless
    /// it is to stop at once.
    func abandon(_ task: LuaTask, _ failure: Failure, graceIsOver: Bool = false) {
        if case .request = task.wait {
            task.cancellation.cancel()
            if task.grace > .zero, !graceIsOver, !task.killed, control.pointee.interrupts < 2 {
                guard task.ending == nil else { return }
                task.ending = failure
                timers.add(task, at: .present + task.grace)
                return
            }
            task.ending = nil
            outstanding -= 1
            reportEnd(of: task, Failure(.cancelled, "cancelled"))
            task.cancellation = Cancellation()
        }
        task.ticket = nextTicket()
        refuse(task, failure)
    }

    // MARK: primitives

    private func perform(_ task: LuaTask, _ count: Int) -> Bool {
        let number = Int(control.pointee.primitive)
        let primitive = primitives[number]
        let isObserved = observer != nil && number < ownPrimitives
        let isInline = primitive.execution == .inline
        let request: Request
        do throws(Failure) {
            let location = !isInline || isObserved ? control.pointee.requester.flatMap(Self.location) : nil
            request = Request(
                name: primitive.name, arguments: try Decoder.arguments(count, of: task.thread),
                location: location, task: task.id, cancellation: task.cancellation)
        } catch {
            clua_pop(task.thread, Int32(count))
            pushRefusal(
                task, Failure(error.code, "\(primitive.name): \(error.message)", hint: error.hint))
            return true
        }
        clua_pop(task.thread, Int32(count))
        if isObserved { reportBeginning(of: task, request) }
        guard isInline else {
            wait(task, .request)
            task.grace = primitive.grace
            outstanding += 1
            let (id, ticket, mailbox, requests) = (task.id, task.ticket, mailbox, requests)
            requests.update { $0.cancellations[ticket] = request.cancellation }
            workers.run(lane: primitive.lane(request.arguments)) {
                let result = Self.result(of: primitive, request)
                requests.update { $0.cancellations[ticket] = nil }
                mailbox.put(.answer(task: id, ticket: ticket, result))
            }
            return false
        }
        switch Self.result(of: primitive, request) {
        case .success(let values):
            if isObserved { reportEnd(of: task, nil) }
            pushAnswer(task, count: values.count) { thread in
                for value in values { value.pushResult(on: thread) }
            }
        case .failure(let failure):
            if isObserved { reportEnd(of: task, failure) }
            pushRefusal(task, failure)
        }
        return true
    }

    private static func result(of primitive: Primitive, _ request: Request) -> Result<[Value], Failure> {
        do {
            return .success(try primitive.perform(request))
        } catch let failure as Failure {
            return .failure(failure.masked)
        } catch {
            return .failure(Failure(.internal, "\(primitive.name): \(error)"))
        }
    }

    static func location(of thread: LuaThread) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let start = buffer.baseAddress, limiq_where(thread, start, buffer.count) != 0 else {
                return nil
            }
            return String(cString: start)
        }
    }

    private func reportBeginning(of task: LuaTask, _ request: Request) {
        lastEvent += 1
        let event = RequestEvent(id: lastEvent, request: request, phase: .began)
        observer?(event)
        task.began = (event, .present)
    }

    private func reportEnd(of task: LuaTask, _ failure: Failure?) {
        guard let (event, start) = task.began else { return }
        task.began = nil
        let phase = RequestEvent.Phase.ended(.present - start, failure)
        observer?(RequestEvent(id: event.id, request: event.request, phase: phase))
    }

    // MARK: output

    func writeOutput() {
        var position = 0
        var stream: Int32 = 0
        var bytes: UnsafePointer<CChar>?
        var length = 0
        while limiq_take_output(control, &position, &stream, &bytes, &length) != 0 {
            output(stream == 2 ? .error : .standard, UnsafeRawBufferPointer(start: bytes, count: length))
        }
    }
}
