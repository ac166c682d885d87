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
        /// The machines it was found in.
        public var machines: [String] = []

        /// Whether two findings are the same: what is found in each of many machines is said once, of them all.
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
        var imageNames: [String] = []
    }

    let environment: Environment
    /// The files of a spec that must be there.
    private let files: VMSpec.Files
    private let state = Mutex(State())

    /// - Parameter files: a script may make those that its machines are to have, before it asks for them.
    public init(_ environment: Environment, files: VMSpec.Files = .none) {
        self.environment = environment
        self.files = files
    }

    /// The findings, in the order they were found.
    public var findings: [Finding] { state.withLock(\.findings) }

    /// Whether an answer had to be made up: an error of the script behind it may come of that.
    public var isGuessing: Bool { state.withLock(\.isGuessing) }

    func guess() { state.withLock { $0.isGuessing = true } }

    private func report(_ finding: Finding) {
        state.withLock { state in
            guard let index = state.findings.firstIndex(of: finding) else {
                return state.findings.append(finding)
            }
            for machine in finding.machines where !state.findings[index].machines.contains(machine) {
                state.findings[index].machines.append(machine)
            }
        }
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
        if type.hasPrefix("string") { return .string(UnknownText.ofCheck) }
        if type == "boolean" { return true }
        return type.hasPrefix("integer") || type.hasPrefix("number") ? 0 : [:]
    }

    /// The place where an image would be.
    func image(_ name: String) -> String {
        state.withLock { $0.images[name] } ?? environment.images.place(of: name)
    }

    func expectImage(_ name: String, _ path: String) { state.withLock { $0.images[name] = path } }

    /// The names of the images that the script has asked the library for, in their order.
    public var imageNames: [String] { state.withLock(\.imageNames) }

    /// Notes that the script wants an image, and tells of a name that is most likely another's, of one that is not known
    /// here, and of an image that gets no updates any more.
    fileprivate func lookAt(image name: String, _ request: Request) throws(Failure) {
        let isMade = state.withLock { state in
            if !state.imageNames.contains(name) { state.imageNames.append(name) }
            return state.images[name] != nil
        }
        guard !isMade else { return }
        let images = environment.images
        var finding = Finding(isError: false, location: request.location, text: "")
        do { _ = try images.locked(name) } catch {
            (finding.isError, finding.text, finding.hint) = (true, error.message, error.hint)
            return report(finding)
        }
        if try !images.isKnown(name) {
            let nearest = images.nearest(name)
            finding.isError = nearest != nil
            finding.text = "there is no image \(name)" + (nearest == nil ? " here" : "")
            finding.hint =
                nearest.map { "did you mean \($0)?" }
                ?? "the catalogue has none of this name: limiq image list --available"
        } else if let complaint = try images.describe(name)?.complaint() {
            finding.text = "image \(name): \(complaint)"
        } else {
            return
        }
        report(finding)
    }

    // MARK: - Machines

    /// Looks at a machine's description.
    ///
    /// - Returns: the description, complete; where it cannot be read, an empty one of its name.
    @discardableResult
    public func check(_ value: Value, _ request: Request) -> Value {
        let codec = Codec<VMSpec>.vmSpec(environment)
        let name = value["name"]?.string
        let reading = DescriptionReading(value, codec)
        var failures = reading.failures
        // What is left out of a spec says nothing of the rest together.
        if let spec = reading.spec, failures.isEmpty {
            failures = spec.faults(files)
            let uri = request.arguments.count > 1 ? request.arguments[1].string : nil
            do throws(Failure) { try environment.addressBook.note(spec, on: uri) } catch {
                failures.append(error)
            }
        }
        for failure in failures {
            report(
                Finding(
                    isError: true, location: request.location, text: failure.message, hint: failure.hint,
                    machines: name.map { [$0] } ?? []))
        }
        if let spec = reading.spec {
            report(spec.guestFindings(environment.cloudInit(of: spec)), request, machine: spec.name)
        }
        guard let spec = reading.spec, failures.isEmpty else {
            // So that the script goes on with another of the name.
            guess()
            return codec.encode(VMSpec(name: name ?? "vm"))
        }
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
                    machines: [spec.name]))
        }
    }

    func report(_ findings: [GuestFinding], _ request: Request, machine: String? = nil) {
        for finding in findings {
            report(
                Finding(
                    isError: finding.isError, location: request.location, text: finding.text,
                    hint: finding.hint, machines: machine.map { [$0] } ?? []))
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

    func report(_ findings: [GuestFinding]) { run.report(findings, request) }

    /// Looks at the name of an image that the script wants from the library.
    func lookAt(image name: String) throws(Failure) { try run.lookAt(image: name, request) }

    /// The result of a program that nobody runs.
    var result: Value {
        guess()
        return ["code": 0, "stdout": "", "stderr": ""]
    }
}
