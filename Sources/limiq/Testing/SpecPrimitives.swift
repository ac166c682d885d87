import Basics
import HostFiles
import LuaRuntime
import Records
import SimulatedHost

/// The primitives that `limiq.spec` is made of, for one file of specs.
struct SpecPrimitives: Sendable {
    let file: SpecFile
    let world: TestWorld
    let options: TestOptions
    /// The session of the file, whose machines on a real host go with their case.
    let session: Session

    func all() -> [Primitive] {
        [
            Primitive("spec.begin", .inline) { request in
                let name = request.arguments.first?.string ?? ""
                let runs = options.filter.map { name.lowercased().contains($0.lowercased()) } ?? true
                if runs {
                    file.begin(name)
                    world.begin()
                }
                return [.bool(runs)]
            },
            Primitive("spec.clear") { _ in
                let failure = session.throwAway({ file.log($0.prefix + $1) }) {
                    (machine, _) throws(Failure) in
                    try machine.remove(ofRun: session.lifetime.id)
                }
                if let failure { throw failure }
                try world.clear()
                return []
            },
            Primitive("spec.end", .inline) { request in
                let words = request.arguments.map { $0.string ?? "" }
                let outcome: SpecFile.Outcome =
                    switch words[1] {
                    case "passed": .passed
                    case "skipped": .skipped(words[2])
                    default: .failed(words[2])
                    }
                file.end(words[0], outcome)
                return []
            },
            Primitive("spec.is_real", .inline) { _ in [.bool(world.connect != nil)] },
            Primitive("spec.elapsed", .inline) { _ in [.double(world.elapsed / .seconds(1))] },
            Primitive("spec.question") { request in
                guard let question = world.questions.next(request.cancellation) else { return [.null] }
                return [
                    [
                        "id": .int(question.id), "host": .string(question.host),
                        "guest": .string(question.guest),
                        "words": .list(question.words.map(Value.string)),
                        "input": Codec.bytes.encode(question.input),
                    ]
                ]
            },
            Primitive("spec.answer", .inline) { request in
                world.questions.answer(
                    request.arguments.first?.int ?? 0, request.arguments.dropFirst().first ?? .null)
                return []
            },
            Primitive("spec.snapshot") { request in
                let words = request.arguments.map { $0.string ?? "" }
                return [try snapshot(words[0], words[1])]
            },
        ] + hosts() + SpecScripts(file: file, world: world, parent: session).primitives()
    }

    // MARK: hosts

    private func hosts() -> [Primitive] {
        [
            Primitive("spec.host", .inline) { request in
                let fields = try HostFields.record.decode(request.arguments.first ?? .map([:]), at: "")
                if let real = world.connect { return [.string(real)] }
                let uri = fields.uri ?? TestWorld.ownHost
                apply(fields, to: world.make(uri))
                return [.string(uri)]
            },
            Primitive("spec.set", .inline) { request in
                let host = try simulated(request)
                apply(try HostFields.record.decode(request.arguments[1], at: ""), to: host)
                return []
            },
            // It may ask a function of the spec.
            Primitive("spec.set_guest") { request in
                let fields = try GuestFields.record.decode(request.arguments[2], at: "")
                let (host, name) = (try simulated(request), try guest(request))
                host.setGuest(name, fields.applied(to: script(of: name, on: host)))
                return []
            },
            Primitive("spec.crash", .inline) { request in
                try simulated(request).crash(try guest(request))
                return []
            },
            Primitive("spec.calls", .inline) { request in
                [.list(try simulated(request).calls.map(Value.string))]
            },
        ]
    }

    private func simulated(_ request: Request) throws(Failure) -> SimulatedHypervisor {
        let uri = request.arguments.first?.string ?? ""
        guard let host = try world.host(uri) else {
            throw Failure(.hostNotAble, "\(uri) is a real host")
        }
        return host
    }

    /// The name of a domain that is there.
    private func guest(_ request: Request) throws(Failure) -> String {
        let name = request.arguments[1].string ?? ""
        let host = try simulated(request)
        guard try host.domain(name) != nil else {
            let names = try host.domains().map(\.name)
            throw Failure(
                .notFound, "there is no VM \(name) on \(host.uri)",
                hint: nearestName(to: name, in: names).map { "did you mean \($0)?" })
        }
        return name
    }

    private func script(of name: String, on host: SimulatedHypervisor) -> GuestScript {
        host.behaviour.withLock(\.guest)?(name) ?? GuestScript()
    }

    private func apply(_ fields: HostFields, to host: SimulatedHypervisor) {
        host.behaviour.withLock { behaviour in
            if let cpus = fields.cpus { behaviour.cpus = cpus }
            if let memory = fields.memory { behaviour.memoryMiB = memory.bytes >> 20 }
            if let isFull = fields.isFull { behaviour.isFull = isFull }
            guard fields.guests != nil || fields.asksScript || fields.asksPrograms else { return }
            let (questions, uri) = (world.questions, host.uri)
            behaviour.guest = { name in
                var script = fields.guests?.applied(to: GuestScript()) ?? GuestScript()
                if fields.asksScript {
                    let answer = questions.ask(.init(host: uri, guest: name))
                    if let own = try? GuestFields.record.decode(answer, at: "guests") {
                        script = own.applied(to: script)
                    }
                }
                if fields.asksPrograms {
                    script.answer = { words, input in
                        ProgramAnswer(
                            questions.ask(.init(host: uri, guest: name, words: words, input: input)))
                    }
                }
                return script
            }
        }
        if let isDown = fields.isDown { host.setGone(isDown) }
    }

    // MARK: snapshots

    /// - Returns: `null` where the text is what is kept; what is kept where it is not; `false` where nothing is.
    private func snapshot(_ name: String, _ text: String) throws(Failure) -> Value {
        let folder =
            file.path.hasSuffix(".lua") ? "\(file.path.dropLast(4)).snapshots" : "\(file.path).snapshots"
        let plain = name.lowercased().unicodeScalars.map { scalar in
            ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) ? Character(scalar) : "-"
        }
        let words = String(plain).split(separator: "-").joined(separator: "-")
        let path = "\(folder)/\(words).txt"
        let kept =
            fileExists(path)
            ? String(decoding: try fileBytes(path, atMost: ReadLimit.document), as: UTF8.self) : nil
        if kept == text { return .null }
        guard options.updatesSnapshots else { return kept.map(Value.string) ?? .bool(false) }
        try makeFolders(folder)
        try AtomicFile.write(path, existing: .replace) { (descriptor, _) throws(Failure) in
            try AtomicFile.write(Array(text.utf8), to: descriptor, path)
        }
        return .null
    }
}

extension ProgramAnswer {
    /// The answer as a spec gives it: a text, or `{ code, stdout, stderr }`; nothing for a program that ends well.
    init(_ value: Value) {
        func bytes(_ value: Value?) -> [UInt8] {
            switch value {
            case .string(let text), .secret(let text): Array(text.utf8)
            case .bytes(let bytes): bytes
            default: []
            }
        }
        guard value.map != nil else {
            self.init(output: bytes(value))
            return
        }
        self.init(
            code: value["code"]?.int ?? 0, output: bytes(value["stdout"]), errors: bytes(value["stderr"]))
    }
}
