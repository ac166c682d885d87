import Basics
import Provisioning
import Records

/// The primitives that copy files into guests and out of them, and the way in for who runs ssh by himself.
func domainCopyDefinitions(_ environment: Environment) -> [Definition] {
    [copyIn(environment), copyOut(environment), sshCommand(environment)]
}

private struct CopyChoices: Sendable {
    var delete = false
    var exclude: [String] = []
    var user: String?

    var options: CopyOptions {
        var options = CopyOptions()
        (options.deletes, options.exclude, options.user) = (delete, exclude, user)
        return options
    }
}

private struct CopyArguments: DomainArguments {
    var domain = DomainReference()
    var from = ""
    var to = ""
    var options: CopyChoices?
}

private let copyOptions = Record(
    "limiq.CopyOptions", "How files are copied.", make: CopyChoices.init,
    fields: [
        Field(
            "delete", \.delete, .bool,
            "Remove from the folder what its source does not have; by ssh, with rsync at both ends."),
        Field(
            "exclude", \.exclude, .list(of: .string), "Patterns of names that are left out: `{ \"*.tmp\" }`."),
        Field("user", \.user, .string, "By ssh as this user; the one of the cloud-config where left out."),
    ])

private func fields(_ from: String, _ to: String) -> [Field<CopyArguments>] {
    [
        Field("from", \.from, .path, required: true, from), Field("to", \.to, .path, required: true, to),
        Field("options", \.options, .record(copyOptions), "How they are copied."),
    ]
}

private let rules = """
    The rules are cp(1)'s: into a folder that is there, under the source's name, else to that name itself; `site/.` is what \
    is in the folder, so that the same call again changes nothing. Modes and times are kept, links stay links. By ssh, with \
    rsync where both ends have it; by the agent, as root, where no ssh server is reached.
    """

private func copyIn(_ environment: Environment) -> Definition {
    .domain(
        "domain.copy_in",
        .changes(.machine) { arguments, call in
            _ = try call.environment.reading(arguments.from)
            return try call.change(arguments.domain, "gets files", arguments.from, arguments.to)
        }, environment, CopyArguments.self,
        fields: fields("A file or folder of this machine.", "The guest's path."),
        doc: "Copies a file or a folder of this machine into the guest. \(rules)",
        example: """
            local limiq = require "limiq"
            limiq.domain.get("web-01"):copy_in("site/.", "/srv/www", { exclude = { "*.tmp" } })
            """
    ) { machine, arguments, request in
        let source = try environment.reading(arguments.from)
        // What a link's or a folder's end says is lost where a path is resolved.
        let suffix = arguments.from.hasSuffix("/.") ? "/." : arguments.from.hasSuffix("/") ? "/" : ""
        try machine.copyIn(
            source.hasSuffix(suffix) ? source : source + suffix, to: arguments.to,
            (arguments.options ?? CopyChoices()).options, cancellation: request.cancellation)
        return .null
    }
}

private func copyOut(_ environment: Environment) -> Definition {
    .domain(
        "domain.copy_out",
        .changes(.machine) { arguments, call in
            _ = try call.domain(arguments.domain)
            return try call.make(arguments.to, "file", replaces: true)
        }, environment, CopyArguments.self,
        fields: fields("A file or folder of the guest.", "This machine's path."),
        doc: "Copies a file or a folder of the guest to this machine. \(rules)",
        example: """
            local limiq = require "limiq"
            limiq.domain.get("web-01"):copy_out("/var/log/nginx/.", "logs")
            """
    ) { machine, arguments, request in
        let target = try environment.writing(arguments.to)
        let suffix = arguments.to.hasSuffix("/") && !target.hasSuffix("/") ? "/" : ""
        try machine.copyOut(
            arguments.from, to: target + suffix, (arguments.options ?? CopyChoices()).options,
            cancellation: request.cancellation)
        return .null
    }
}

private struct SSHOptions: Sendable {
    var user: String?
}

private struct SSHArguments: DomainArguments {
    var domain = DomainReference()
    var options: SSHOptions?
}

private func sshCommand(_ environment: Environment) -> Definition {
    let options = Record(
        "limiq.SSHCommandOptions", "As whom.", make: SSHOptions.init,
        fields: [
            Field("user", \.user, .string, "The guest's user; the one of the cloud-config where left out.")
        ])
    return .domain(
        "domain.ssh_command", .reads(.machine) { try $1.ask($0.domain) }, environment, SSHArguments.self,
        fields: [Field("options", \.options, .record(options), "As whom.")], returns: "string[]",
        doc:
            "The words that run ssh into the guest, with its port, keys and host keys; a command for it may follow.",
        example: """
            local limiq = require "limiq"
            local words = limiq.domain.get("web-01"):ssh_command()
            words[#words + 1] = "uptime"
            print(limiq.host.run(words).stdout)
            """
    ) { machine, arguments, _ in
        try environment.gate.program("domain:ssh_command")
        return .list(try machine.requireSSH(user: arguments.options?.user).words().map(Value.string))
    }
}
