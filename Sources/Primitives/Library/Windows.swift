import Basics
import GuestConfig
import Records

private struct PasswordArguments: Sendable {
    var password = Value.null
    var user = ""
    var isServer = false
}

/// The primitives of `windows.*`, for the recipe of an answer file: a script cannot look into a secret.
func windowsDefinitions(_ environment: Environment) -> [Definition] {
    let record = Record(
        "limiq.WindowsPassword", "", make: PasswordArguments.init,
        fields: [
            Field("password", \.password, .any, required: true, "A string or a secret."),
            Field("user", \.user, .string, required: true, "The account's name."),
            Field("is_server", \.isServer, .bool, required: true, "Whether it is for Windows Server."),
        ])
    return [
        Definition(
            "windows.password_problem", .pure, in: .inner, .positional, record, returns: "string?",
            doc: "What Windows has against a password; nil where it takes it.", example: ""
        ) { arguments, _ in
            let bytes = try Codec<[UInt8]>.bytes.decode(arguments.password, "password")
            let password = try utf8(bytes, named: "the password")
            guard !UnknownText.isIn(password) else { return .null }
            let problem = WindowsPassword.problem(
                password, user: arguments.user, isServer: arguments.isServer)
            return problem.map(Value.string) ?? .null
        }
    ]
}
