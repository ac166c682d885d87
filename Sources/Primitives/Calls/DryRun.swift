import Basics
import GuestConfig
import ImageLibrary
import LuaRuntime
import MachineSpec
import Provisioning
import Records
import Synchronization

/// A script looked at without a touch of the world: it runs, but what its calls would do is answered as if it had been
/// done. Arguments are read as strictly as ever, machines are checked with their cloud-init files, and the script's own
/// files are read.
public final class DryRun: Sendable {
    /// A finding about the script.
    public struct Finding: Sendable, Hashable {
        public var isError: Bool
        /// The place in the script: `build-web.lua:9`
        public var location: String?
        /// The finding in one line.
        public var text: String
        public var hint: String?
        /// The machine it was found in first.
        public var machine: String?

        /// Whether two findings are the same: what is found in each of many machines is said once.
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

    let environment: Environment
    private let state = Mutex(State())

    public init(_ environment: Environment) { self.environment = environment }

    /// The findings, in the order they were found.
    public var findings: [Finding] { state.withLock(\.findings) }

    /// Whether an answer had to be made up: an error of the script behind it may come of that.
    public var isGuessing: Bool { state.withLock(\.isGuessing) }

    func guess() { state.withLock { $0.isGuessing = true } }

    private func report(_ finding: Finding) {
        state.withLock { if !$0.findings.contains(finding) { $0.findings.append(finding) } }
    }

    // MARK: - Primitives

    /// The primitives a script gets.
    ///
    /// - Parameter definitions: those of the library.
    func primitives(_ definitions: [Definition]) -> [Primitive] { definitions.map(primitive) }

    private func primitive(_ definition: Definition) -> Primitive {
        let name = definition.primitive.name
        let perform = definition.primitive.perform
        return Primitive(name, .inline) { [self] request in
            switch name {
            // A spec that is wrong is told, and the script goes on.
            case "vm.check": return [check(request.arguments.first ?? .null, request)]
            case "domain.define":
                let checked = check(request.arguments.first ?? .null, request)
                return [["name": checked["name"] ?? .null]]
            default: break
            }
            if let check = definition.check {
                return [try check(CheckedCall(run: self, request: request))]
            }
            switch definition.effect {
            case .pure, .reads(.files): return try perform(request)
            case .reads, .waits, .changes, .runsProgram:
                try definition.checkArguments(request.arguments)
                return [anything(of: definition.returns)]
            }
        }
    }

    /// An answer of a type that is as good as any.
    private func anything(of type: String) -> Value {
        guard !type.isEmpty else { return .null }
        guess()
        if type.hasSuffix("[]") { return [] }
        if type.hasPrefix("string") { return "unknown" }
        if type == "boolean" { return true }
        return type.hasPrefix("integer") || type.hasPrefix("number") ? 0 : [:]
    }

    /// The place where an image would be.
    func image(_ name: String) -> String {
        state.withLock { $0.images[name] } ?? environment.images.place(of: name)
    }

    func expectImage(_ name: String, _ path: String) { state.withLock { $0.images[name] = path } }

    // MARK: - Machines

    /// Looks at a machine's description.
    ///
    /// - Returns: the description, complete; where it cannot be read, an empty one of its name.
    @discardableResult
    public func check(_ value: Value, _ request: Request) -> Value {
        let codec = Codec<VMSpec>.vmSpec(environment)
        let spec: VMSpec
        do throws(Failure) {
            spec = try codec.decode(value, "spec")
            try spec.check(.none)
            let uri = request.arguments.count > 1 ? request.arguments[1].string : nil
            try environment.addressBook.note(spec, on: uri)
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

    /// Looks whether what an `up` waits for can come at all.
    func checkWay(_ spec: VMSpec, _ options: UpOptions, _ request: Request) {
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

    func report(_ findings: [CloudInitCheck.Finding], _ request: Request, machine: String? = nil) {
        for finding in findings {
            report(
                Finding(
                    isError: finding.severity == .error, location: request.location, text: finding.text,
                    hint: finding.hint, machine: machine))
        }
    }
}

/// A call of a script that is only looked at.
struct CheckedCall {
    let run: DryRun
    let request: Request

    var environment: Environment { run.environment }

    /// Notes that an answer is made up: an error of the script behind it may come of that.
    func guess() { run.guess() }

    func image(_ name: String) -> String { run.image(name) }

    func report(_ findings: [CloudInitCheck.Finding]) { run.report(findings, request) }

    /// The result of a program that nobody runs.
    var result: Value {
        guess()
        return ["code": 0, "stdout": "", "stderr": ""]
    }
}
