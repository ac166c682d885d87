import Basics
import LuaRuntime
import Provisioning

private struct NameArgument: Sendable {
    var name = ""
}

/// `limiq.image`.
func imageDefinitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "image.resolve", .positional,
            Record("limiq.image.resolve", "", make: { NameArgument() }, fields: [
                Field("name", \.name, .path, required: true, "A name of the library, or a path.")
            ]),
            grace: .seconds(10), returns: "string",
            doc: """
                A local image file by its name: what lies in `cloud-images/`, else what can be fetched or built. \
                Scripts write `limiq.image "debian-12"`.
                """,
            example: "local base = limiq.image \"debian-12\""
        ) { arguments, request in
            let name = arguments.name.contains("/") ? environment.absolute(arguments.name) : arguments.name
            return .string(try environment.images.resolve(name, request.cancellation) { environment.progress($0) })
        }
    ]
}
