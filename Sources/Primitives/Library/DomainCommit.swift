import Basics
import LuaRuntime
import Provisioning
import Records

private struct CommitArguments: DomainArguments {
    var domain = DomainReference()
    var image = ""
}

/// The primitive that copies a machine's disk into the image library.
func domainCommitDefinitions(_ environment: Environment) -> [Definition] {
    [
        .domain(
            "domain.commit",
            .changes(.machine) { arguments, call in
                let images = call.environment.images
                try call.environment.gate.changeLibrary("commit")
                _ = try call.domain(arguments.domain)
                if let image = call.run.expectedImage(arguments.image) {
                    if let image { throw images.taken(image.name, image.path ?? image.name) }
                } else {
                    try images.requireFree(arguments.image)
                }
                return call.makeImage(arguments.image)
            }, environment, CommitArguments.self,
            fields: [Field("image", \.image, .string, required: true, "The image's name in the library.")],
            grace: .seconds(10), returns: "string",
            doc: """
                Copies the boot disk into the image library as it is, with all it stands on, and returns the image's path. A guest \
                that runs stands still meanwhile, its file systems frozen where its agent answers. The copy is this machine's disk, \
                host keys and machine-id included: `limiq.image.bake` with it as `from` makes one that others may start from.
                """,
            example: """
                local limiq = require "limiq"
                limiq.domain.get("web-01"):commit "web-as-it-was"
                """
        ) { machine, arguments, request in
            try environment.gate.changeLibrary("commit")
            return .string(
                try machine.commit(
                    as: arguments.image, into: environment.images, cancellation: request.cancellation
                ) { environment.progress($0) })
        }
    ]
}
