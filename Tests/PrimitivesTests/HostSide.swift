import Basics
import Glibc
import HostFiles
import ImageLibrary
import LuaRuntime
import Support
import Testing

@testable import Primitives

/// The catalogue that comes with limiq.
let shippedCatalogue = CatalogueFiles(
    shipped: "\(repository)/stdlib/images/catalogue.yaml", own: nil)

/// A script's folder of its own and the primitives that work on this machine, without Lua and without a hypervisor.
final class HostSide: Sendable {
    private let scratch: ScratchFolder
    var folder: String { scratch.path }
    let environment: Environment

    init(gate: Gate = .open) throws {
        scratch = try ScratchFolder()
        let folder = scratch.path
        environment = Environment(
            state: StateFolder(root: folder + "/state"),
            images: ImageLibrary(
                state: StateFolder(root: folder + "/state"), builders: folder, catalogue: shippedCatalogue),
            scriptFolder: folder, gate: gate
        ) { _ throws(Failure) in
            throw Failure(.hostNotAble, "there is no hypervisor in this test")
        }
    }

    deinit { scratch.remove() }

    /// Performs the primitive of this name; its first answer.
    func call(
        _ name: String, _ arguments: Value..., in definitions: (Environment) -> [Definition],
        cancellation: Cancellation = Cancellation()
    ) throws -> Value {
        try HostSide.call(name, arguments, in: definitions(environment), cancellation: cancellation)
    }

    static func call(
        _ name: String, _ arguments: [Value], in definitions: [Definition],
        cancellation: Cancellation = Cancellation()
    ) throws -> Value {
        let definition = try #require(definitions.first { $0.primitive.name == name })
        let request = Request(name: name, arguments: arguments, cancellation: cancellation)
        return try #require(try definition.primitive.perform(request).first)
    }
}

/// The failure a call must end in.
func failure(_ body: () throws -> Value, at location: SourceLocation = #_sourceLocation) -> Failure {
    do {
        let value = try body()
        Issue.record("answered \(value)", sourceLocation: location)
    } catch let failure as Failure { return failure } catch {
        Issue.record("threw \(error)", sourceLocation: location)
    }
    return Failure(word: "none", "")
}
