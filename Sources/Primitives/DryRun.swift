import Basics
import LuaRuntime
import Provisioning
import Synchronization

/// A script looked at without a touch of the world: it runs, but what its calls would do is answered as if it had been
/// done. Arguments are read as strictly as ever, VMs are checked with their cloud-init files, and the script's own
/// files are read.
public final class DryRun: Sendable {
    /// Something to say of the script.
    public struct Finding: Sendable, Hashable {
        public var isError: Bool
        /// `build-web.lua:9`
        public var location: String?
        /// One line.
        public var text: String
        public var hint: String?
        /// The VM it was found in first.
        public var machine: String?

        /// What is found in each of many VMs is said once.
        public static func == (left: Self, right: Self) -> Bool {
            left.location == right.location && left.text == right.text
        }

        public func hash(into hasher: inout Hasher) {
            hasher.combine(location)
            hasher.combine(text)
        }
    }

    private struct State {
        var findings: [Finding] = []
        var isGuessing = false
        /// The files of the images that were added, by name.
        var images: [String: String] = [:]
    }

    private let environment: Environment
    private let state = Mutex(State())

    public init(_ environment: Environment) { self.environment = environment }

    /// In the order they were found.
    public var findings: [Finding] { state.withLock(\.findings) }

    /// An answer had to be made up: an error of the script behind it may come of that.
    public var isGuessing: Bool { state.withLock(\.isGuessing) }

    private func guess() { state.withLock { $0.isGuessing = true } }

    private func report(_ finding: Finding) {
        state.withLock { if !$0.findings.contains(finding) { $0.findings.append(finding) } }
    }

    // MARK: - Primitives

    /// Their answer is the path they are given.
    private static let making: Set<String> = ["disk.overlay", "disk.create", "iso.create"]

    /// The primitives a script gets.
    ///
    /// - Parameter overrides: what `--set` gave.
    public func primitives(overrides: [String: String]) -> [Primitive] {
        libraryDefinitions(environment, overrides: overrides) { _, _ in }.map(primitive)
    }

    private func primitive(_ definition: Definition) -> Primitive {
        let name = definition.primitive.name
        let perform = definition.primitive.perform
        return Primitive(name, .inline) { [self] request in
            switch name {
            case "vm.check": return [check(request.arguments.first ?? .null, request)]
            case "domain.define":
                let checked = check(request.arguments.first ?? .null, request)
                return [["name": checked["name"] ?? .null]]
            case "cidata.create":
                let arguments = try cidataRecord.decode(request.arguments.first ?? .null, at: "")
                report(CloudInitCheck.check(arguments.spec), request)
                return [.string(try environment.writing(arguments.path))]
            case "vm.up":
                checkWay(try upRecord(environment).decode(positional: request.arguments), request)
                return [try answer(definition, request.arguments)]
            default: break
            }
            switch definition.effect {
            case .pure, .reads(.files): return try perform(request)
            case .reads, .waits, .changes, .runsProgram:
                try definition.checkArguments(request.arguments)
                return [try answer(definition, request.arguments)]
            }
        }
    }

    private func answer(_ definition: Definition, _ arguments: [Value]) throws(Failure) -> Value {
        let first = arguments.first ?? .null
        switch definition.primitive.name {
        case let name where Self.making.contains(name):
            return .string(try environment.writing(first["path"]?.string ?? ""))
        case "image.resolve": return try imagePath(first.string ?? "")
        case "image.add": return .string(try imagePath(ofAdded: first))
        case "domain.screenshot": return .string(try environment.writing(arguments[1].string ?? ""))
        case "image.iso": return try isoPath(first.string ?? "")
        case "ssh.keys": return ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI limiq-check"]
        case "ssh.host_key":
            return [
                "private": .secret("unknown\n"),
                "public": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI limiq-check",
            ]
        case "vm.up":
            var report = UpReport()
            report.changed = true
            return value(of: report)
        case "vm.forward": return "127.0.0.1:1"
        case "host.info":
            guess()
            return [
                "uri": first == .null ? "unknown" : first, "hostname": "unknown", "cpus": 1,
                "memory_mib": 1024,
                "domains": [:],
            ]
        case "domain.get": return ["name": first]
        case "domain.exec", "host.run":
            if definition.primitive.name == "host.run" { try environment.gate.program("limiq.host.run") }
            guess()
            return ["code": 0, "stdout": "", "stderr": ""]
        case "file.write":
            // What it wrote may be read again.
            guess()
            return .null
        default: break
        }
        guard !definition.returns.isEmpty else { return .null }
        guess()
        switch definition.returns {
        case let type where type.hasSuffix("[]"): return []
        case let type where type.hasPrefix("string"): return "unknown"
        case "boolean": return true
        case let type where type.hasPrefix("integer") || type.hasPrefix("number"): return 0
        default: return [:]
        }
    }

    /// Where an image would be.
    private func imagePath(_ name: String) throws(Failure) -> Value {
        if name.contains("/") { return .string(try environment.reading(name)) }
        let added = state.withLock { $0.images[name] }
        return .string(added ?? environment.images.place(of: name))
    }

    private func imagePath(ofAdded options: Value) throws(Failure) -> String {
        let arguments = try addRecord.decode(options, at: "")
        let path: String
        switch try arguments.source(environment) {
        case .file(let source) where fileExists(source):
            path = try environment.images.place(ofAdded: arguments.name, from: source)
        case .file:
            // The script may get it first.
            path = environment.images.place(of: arguments.name)
            guess()
        case .address(let url):
            path = try environment.images.place(ofAdded: arguments.name, url: url)
            guess()
        }
        state.withLock { $0.images[arguments.name] = path }
        return path
    }

    private func isoPath(_ name: String) throws(Failure) -> Value {
        if name.contains("/") { return .string(try environment.reading(name)) }
        return .string("\(environment.state.isos)/\(name).iso")
    }

    // MARK: - Machines

    /// Looks at a VM's description.
    ///
    /// - Returns: it complete; where it cannot be read, an empty one of its name.
    @discardableResult
    public func check(_ value: Value, _ request: Request) -> Value {
        let codec = Codec<VMSpec>.vmSpec(environment)
        let spec: VMSpec
        do throws(Failure) {
            spec = try codec.decode(value, "spec")
            try spec.check(.none)
        } catch {
            let name = value["name"]?.string
            report(
                Finding(
                    isError: true, location: request.location, text: error.message, hint: error.hint,
                    machine: name))
            // So that the script goes on with another of the name.
            guess()
            return codec.encode(VMSpec(name: name ?? "vm"))
        }
        report(spec.cloudInitFindings, request, machine: spec.name)
        return codec.encode(spec)
    }

    /// Whether what an `up` waits for can come at all.
    private func checkWay(_ arguments: UpArguments, _ request: Request) {
        let (spec, options) = (arguments.vm.spec, (arguments.options ?? UpChoices()).options(environment))
        // A description that could not be read has no nics.
        guard options.start, !isGuessing else { return }
        do throws(Failure) {
            try spec.checkWay(to: options.goal(for: spec))
        } catch {
            report(
                Finding(
                    isError: true, location: request.location, text: error.message, hint: error.hint,
                    machine: spec.name))
        }
    }

    private func report(_ findings: [CloudInitCheck.Finding], _ request: Request, machine: String? = nil) {
        for finding in findings {
            report(
                Finding(
                    isError: finding.severity == .error, location: request.location, text: finding.text,
                    hint: finding.hint, machine: machine))
        }
    }
}
