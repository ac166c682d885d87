import Basics
import Records
import Synchronization

/// What the agent of a simulated guest keeps between two calls.
struct AgentState: Sendable {
    struct OpenFile: Sendable {
        var path: String
        var isWritten: Bool
        var offset = 0
    }

    var last: Int64 = 0
    var files: [Int64: OpenFile] = [:]
    /// The programs by number; `nil` for one that runs.
    var programs: [Int64: ProgramAnswer?] = [:]

    mutating func next() -> Int64 {
        last += 1
        return last
    }
}

/// The guest agent's protocol, as far as limiq speaks it
/// (https://qemu-project.gitlab.io/qemu/interop/qemu-ga-ref.html).
extension SimulatedGuest {
    /// - Returns: the reply; `nil` where no agent answers.
    func agent(_ text: String) throws(Failure) -> String? {
        guard hasAgent else { return nil }
        let command = try JSONReader.read(text, source: "")
        let name = command["execute"]?.string ?? ""
        return try jsonText(["return": try reply(to: name, command["arguments"]?.map ?? Map())])
    }

    private func reply(to command: String, _ arguments: Map) throws(Failure) -> Value {
        let handle = arguments["handle"]?.int ?? 0
        switch command {
        case "guest-ping", "guest-set-time": return [:]
        case "guest-get-osinfo": return ["id": "debian", "name": "Debian GNU/Linux", "version-id": "12"]
        case "guest-fsfreeze-freeze", "guest-fsfreeze-thaw": return 1
        case "guest-exec": return ["pid": .int(try begin(arguments))]
        case "guest-exec-status": return try status(arguments["pid"]?.int ?? 0)
        case "guest-file-open":
            return .int(try open(arguments["path"]?.string ?? "", mode: arguments["mode"]?.string ?? "r"))
        case "guest-file-read": return try read(handle, arguments["count"]?.int ?? 4096)
        case "guest-file-write":
            return try write(handle, Base64.decode(arguments["buf-b64"]?.string ?? "") ?? [])
        case "guest-file-close":
            state.withLock { $0.agent.files[handle] = nil }
            return [:]
        default: throw refusal(command, "The command \(command) has not been found")
        }
    }

    /// The failure in libvirt's words.
    private func refusal(_ command: String, _ words: String) -> Failure {
        Failure(
            .libvirt, "cannot ask the agent of \(name)", resource: name,
            cause: "internal error: unable to execute QEMU agent command '\(command)': \(words)")
    }

    // MARK: programs

    private func begin(_ arguments: Map) throws(Failure) -> Int64 {
        let words = [arguments["path"]?.string ?? ""] + (arguments["arg"]?.list ?? []).compactMap(\.string)
        let input = Base64.decode(arguments["input-data"]?.string ?? "") ?? []
        let (number, answer) = state.withLock { state in
            let number = state.agent.next()
            state.agent.programs[number] = .some(nil)
            return (number, state.script.answer)
        }
        startThread { [self] in
            let result = answer(words, input)
            state.withLock { $0.agent.programs[number] = .some(result) }
        }
        return number
    }

    private func status(_ number: Int64) throws(Failure) -> Value {
        guard let program = state.withLock({ $0.agent.programs[number] }) else {
            throw refusal("guest-exec-status", "PID \(number) does not exist")
        }
        guard let answer = program else { return ["exited": false] }
        return [
            "exited": true, "exitcode": .int(answer.code), "out-data": .string(Base64.encode(answer.output)),
            "err-data": .string(Base64.encode(answer.errors)),
        ]
    }

    // MARK: files

    /// The bytes of a file, those that cloud-init writes at each boot included.
    private func content(_ path: String) -> [UInt8]? {
        if let bytes = disk.files.withLock({ $0[path] }) { return bytes }
        switch path {
        case "/run/cloud-init/result.json" where state.withLock(\.isDone):
            let errors = state.withLock(\.script.cloudInitErrors).map(Value.string)
            let result: Value = [
                "v1": [
                    "datasource": "DataSourceNoCloud [seed=/dev/sr0][dsmode=net]", "errors": .list(errors),
                ]
            ]
            return (try? jsonText(result)).map { Array($0.utf8) }
        case "/run/cloud-init/enabled" where hasSeed, "/run/cloud-init/disabled" where !hasSeed,
            "/usr/bin/cloud-init":
            return []
        default: return nil
        }
    }

    private func open(_ path: String, mode: String) throws(Failure) -> Int64 {
        let isWritten = mode.hasPrefix("w")
        if !isWritten, content(path) == nil {
            throw refusal(
                "guest-file-open",
                "failed to open file '\(path)' (mode: '\(mode)'): No such file or directory")
        }
        if isWritten { disk.files.withLock { $0[path] = [] } }
        return state.withLock { state in
            let handle = state.agent.next()
            state.agent.files[handle] = AgentState.OpenFile(path: path, isWritten: isWritten)
            return handle
        }
    }

    private func read(_ handle: Int64, _ count: Int64) throws(Failure) -> Value {
        guard let file = state.withLock({ $0.agent.files[handle] }) else {
            throw refusal("guest-file-read", "handle '\(handle)' has not been found")
        }
        let bytes = (content(file.path) ?? []).dropFirst(file.offset)
        let part = bytes.prefix(Int(count))
        state.withLock { $0.agent.files[handle]?.offset += part.count }
        return [
            "count": .int(Int64(part.count)), "buf-b64": .string(Base64.encode(Array(part))),
            "eof": .bool(part.count == bytes.count),
        ]
    }

    private func write(_ handle: Int64, _ bytes: [UInt8]) throws(Failure) -> Value {
        guard let file = state.withLock({ $0.agent.files[handle] }), file.isWritten else {
            throw refusal("guest-file-write", "handle '\(handle)' has not been found")
        }
        if isFull() { throw refusal("guest-file-write", "failed to write to file: No space left on device") }
        disk.files.withLock { $0[file.path, default: []] += bytes }
        return ["count": .int(Int64(bytes.count)), "eof": false]
    }
}
