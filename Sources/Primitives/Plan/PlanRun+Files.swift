import Basics
import LuaRuntime
import Provisioning
import YAML

extension PlanRun {
    static let fileWays: [String: Way] = [
        "disk.overlay": { try $0.make($1, "disk", of: "backing_file") },
        "disk.create": { try $0.make($1, "disk", of: "size") },
        "iso.create": { try $0.make($1, "iso", of: "label", replaces: true) },
        "cidata.create": { try $0.make($1, "seed", replaces: true) },
        "disk.resize": { run, call in
            let path = try run.written(call.argument(0))
            if run.expected(path) == nil, let size = call.argument(1).string,
                let image = try DiskImage.inspect(path, run.environment.gate).first,
                image.virtualSize == (try ByteSize(parsing: size)).bytes
            {
                return .null
            }
            var step = PlanStep(action: .change, kind: "disk", name: path)
            step.parts = [.init(name: "size", detail: call.argument(1).string ?? "")]
            run.add(step, call.request)
            return .null
        },
        "disk.remove": { run, call in
            let path = try run.written(call.argument(0))
            try run.require(path)
            run.add(PlanStep(action: .remove, kind: "disk", name: path), call.request)
            run.expect(path, nil)
            return .null
        },
        "disk.info": { try $0.read($1) },
        "iso.list": { try $0.read($1) },
        "iso.read": { try $0.read($1) },
        "json.read": { try $0.read($1) },
        "yaml.read": { try $0.read($1) },
        "file.read": { run, call in
            guard let expected = run.expected(try run.path(call.argument(0))), let bytes = expected else {
                return try run.read(call)
            }
            return String(validating: bytes, as: UTF8.self).map(Value.string) ?? .bytes(bytes)
        },
        "file.exists": { run, call in
            guard let expected = run.expected(try run.path(call.argument(0))) else {
                return try call.perform()
            }
            return .bool(expected != nil)
        },
        "file.list": { _, call in try call.perform() },
        "file.write": { run, call in
            let path = try run.written(call.argument(0))
            let bytes: [UInt8] =
                switch call.argument(1) {
                case .bytes(let bytes): bytes
                case .secret(let text), .string(let text): Array(text.utf8)
                default: []
                }
            let present = run.expected(path) ?? (try? fileBytes(path, atMost: ReadLimit.bytes))
            guard present != bytes else { return .null }
            run.add(
                PlanStep(action: present == nil ? .make : .change, kind: "file", name: path), call.request)
            run.expect(path, bytes)
            return .null
        },
        "image.resolve": { run, call in
            let name = call.argument(0).string ?? ""
            switch run.expectedImage(name) {
            case .some(let image?): return .string(image.path ?? run.environment.images.place(of: name))
            case .some(nil) where run.isOffered(name): break
            case .some(nil): throw Failure(.notFound, "there is no image \(name)", resource: name)
            case nil:
                let known = try run.environment.images.list().first { $0.name == name }
                guard !name.contains("/"), let known, known.path == nil else { return try call.perform() }
            }
            run.add(PlanStep(action: .make, kind: "image", name: name), call.request)
            let path = run.environment.images.place(of: name)
            run.expectImage(name, run.environment.images.entry(name, at: path, like: path))
            return .string(path)
        },
        "image.list": { run, call in
            let expected = run.expectedImages
            var entries: [ImageLibrary.Entry] = []
            for var entry in try run.environment.images.list()
            where expected[entry.name]?.flatMap(\.self) == nil {
                if expected[entry.name] != nil {
                    guard entry.isCatalogued else { continue }
                    (entry.path, entry.format, entry.virtualSize) = (nil, nil, nil)
                }
                entries.append(entry)
            }
            entries += expected.values.compactMap(\.self)
            return .list(entries.sorted { $0.name < $1.name }.map(described))
        },
        "image.add": { run, call in
            let images = run.environment.images
            try run.environment.gate.changeLibrary("limiq.image.add")
            let arguments = try addRecord.decode(call.argument(0), at: "")
            _ = try arguments.checksum.map { try ImageChecksum(parsing: $0) }
            switch run.expectedImage(arguments.name) {
            case .some(let image?):
                throw images.taken(arguments.name, image.path ?? images.place(of: arguments.name))
            case .some(nil): break
            case nil: try images.requireFree(arguments.name)
            }
            let path: String
            var file = ""
            switch try arguments.source(run.environment) {
            case .file(let source) where run.expected(source).flatMap(\.self) != nil:
                // Made by then: in which format is known when it is.
                path = images.place(of: arguments.name)
                _ = run.guess()
            case .file(let source):
                path = try images.place(ofAdded: arguments.name, from: source)
                file = source
            case .address(let url):
                path = try images.place(ofAdded: arguments.name, url: url)
                _ = run.guess()
            }
            run.add(PlanStep(action: .make, kind: "image", name: arguments.name), call.request)
            run.expectImage(arguments.name, images.entry(arguments.name, at: path, like: file))
            return .string(path)
        },
        "image.remove": { run, call in
            let name = call.argument(0).string ?? ""
            try run.environment.gate.changeLibrary("limiq.image.remove")
            switch run.expectedImage(name) {
            case .some(_?): break
            case .some(nil): throw Failure(.notFound, "there is no image \(name) here", resource: name)
            case nil:
                _ = try run.environment.images.removable(name, unless: try run.environment.standsOn())
            }
            run.add(PlanStep(action: .remove, kind: "image", name: name), call.request)
            run.expectImage(name, nil)
            return .null
        },
        "ssh.keys": { run, call in
            let keys = SSHKeys(state: run.environment.state, gate: run.environment.gate).knownKeys(
                call.request.cancellation)
            guard keys.isEmpty else { return .list(keys.map(Value.string)) }
            run.makeKey(run.environment.state.sshKey, call)
            return .list([run.guess()])
        },
        "ssh.host_key": { run, call in
            let secret = run.environment.state.hostKeySecret
            if fileExists(secret) { return try call.perform() }
            run.makeKey(secret, call)
            return ["private": .secret(unknown), "public": run.guess()]
        },
        "host.run": { run, call in
            try run.environment.gate.program("limiq.host.run")
            let words = call.argument(0).list ?? []
            var step = PlanStep(action: .run, kind: "program", name: "this machine")
            step.parts = [
                .init(name: "runs", detail: words.map { shown($0) }.joined(separator: " "))
            ]
            run.add(step, call.request)
            return ["code": 0, "stdout": run.guess(), "stderr": ""]
        },
    ]

    /// Notes a file that a run would write, with what is not known before.
    func writeFile(_ value: Value, _ call: PlannedCall) throws(Failure) -> Value {
        let path = try written(value)
        let isThere = expected(path).map { $0 != nil } ?? fileExists(path)
        add(PlanStep(action: isThere ? .change : .make, kind: "file", name: path), call.request)
        expect(path, [])
        return .string(path)
    }

    /// Whether a publisher has the image.
    private func isOffered(_ name: String) -> Bool {
        ((try? environment.images.list()) ?? []).contains { $0.name == name && $0.isCatalogued }
    }

    private func path(_ value: Value) throws(Failure) -> String {
        try environment.reading(value.string ?? "")
    }

    private func written(_ value: Value) throws(Failure) -> String {
        try environment.writing(value.string ?? "")
    }

    private func makeKey(_ path: String, _ call: PlannedCall) {
        guard expected(path) == nil else { return }
        add(PlanStep(action: .make, kind: "key", name: path), call.request)
        expect(path, [])
    }

    private func require(_ path: String) throws(Failure) {
        let isThere = expected(path).map { $0 != nil } ?? fileExists(path)
        guard isThere else { throw Failure(.notFound, "\(path) is not there", resource: path) }
    }

    private func make(
        _ call: PlannedCall, _ kind: String, of detail: String? = nil, replaces: Bool = false
    ) throws(Failure) -> Value {
        let arguments = call.argument(0)
        let path = try written(arguments["path"] ?? .null)
        let isThere = expected(path).map { $0 != nil } ?? fileExists(path)
        guard replaces || !isThere else {
            throw Failure(.diskExists, "\(path) is there already", resource: path)
        }
        var step = PlanStep(action: isThere ? .change : .make, kind: kind, name: path)
        if let detail, let text = arguments[detail]?.string {
            step.parts = [.init(name: detail, detail: text)]
        }
        add(step, call.request)
        expect(path, [])
        return .string(path)
    }

    /// Reads what is there; what a run would have made by then is not.
    private func read(_ call: PlannedCall) throws -> Value {
        let path = try path(call.argument(0))
        guard let expected = expected(path) else { return try call.perform() }
        guard let bytes = expected else { throw Failure(.notFound, "\(path) is not there") }
        switch call.request.name {
        case "json.read" where !bytes.isEmpty:
            let name = call.argument(0).string ?? path
            return try JSONReader.read(try utf8(bytes, named: name), source: name)
        case "yaml.read" where !bytes.isEmpty:
            let name = call.argument(0).string ?? path
            return try YAML.parse(try utf8(bytes, named: name), source: name)
        default: _ = guess()
        }
        switch call.request.name {
        case "iso.list": return []
        case "disk.info", "json.read", "yaml.read": return [:]
        default: return .string(Self.unknown)
        }
    }
}
