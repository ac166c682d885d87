import Basics
import Provisioning
import Records

/// The primitive that keeps a folder of a guest in step with one of this machine.
func domainSyncDefinitions(_ environment: Environment) -> [Definition] { [sync(environment)] }

private struct SyncChoices: Sendable {
    var watch = false
    var delete = false
    var exclude: [String] = []
    var user: String?

    var options: SyncOptions {
        var options = SyncOptions()
        (options.deletes, options.exclude, options.user) = (delete, exclude, user)
        return options
    }
}

private struct SyncArguments: DomainArguments {
    var domain = DomainReference()
    var from = ""
    var to = ""
    var options: SyncChoices?
}

private let syncOptions = Record(
    "limiq.SyncOptions", "How a folder is kept in step.", make: SyncChoices.init,
    fields: [
        Field(
            "watch", \.watch, .bool,
            "Go on after each change here, until the call is cancelled; a guest that restarts is waited for."),
        Field("delete", \.delete, .bool, "Remove from the guest's folder what is not in the one here."),
        Field(
            "exclude", \.exclude, .list(of: .string),
            "Patterns of what is left out, and left alone in the guest: a name (`*.log`), the end of a path (`a/b`), a "
                + "path from the top (`/build`); `node_modules/` is a folder only, `**` any path."),
        Field("user", \.user, .string, "By ssh as this user; the one of the cloud-config where left out."),
    ])

private func sync(_ environment: Environment) -> Definition {
    .domain(
        "domain.sync",
        .changes(.machine) { arguments, call in
            _ = try call.environment.reading(arguments.from)
            _ = try call.change(arguments.domain, "gets files", arguments.from, arguments.to)
            return answer(SyncReport())
        }, environment, SyncArguments.self,
        fields: [
            Field("from", \.from, .path, required: true, "A folder of this machine."),
            Field("to", \.to, .path, required: true, "The guest's, from `/` on; made where it is not there."),
            Field("options", \.options, .record(syncOptions), "How it is kept in step."),
        ],
        // What was begun in the guest is taken back.
        grace: .seconds(5), returns: "{ sent: integer, removed: integer }",
        doc: """
            Makes a folder of the guest the same as one of this machine, and says how many files were sent and removed. What \
            is the same in time, size and mode is not sent again; a file is replaced when it has arrived whole. By ssh, with \
            rsync where both ends have it; by the agent, as root, where no ssh server is reached. With `watch` it goes on, \
            in a task of its own where there is more to do: `task:cancel()` ends it, and so do `limiq.timeout` and Ctrl-C.
            """,
        example: """
            local limiq = require "limiq"
            local vm = limiq.domain.get("web-01")
            print(vm:sync("site", "/srv/www", { delete = true, exclude = { "node_modules", "*.log" } }).sent)
            local watching = limiq.spawn(function() vm:sync("site", "/srv/www", { watch = true }) end)
            limiq.sleep "10m"
            watching:cancel()
            """,
        check: { _, _ in answer(SyncReport()) }
    ) { machine, arguments, request in
        let source = try environment.reading(arguments.from)
        let choices = arguments.options ?? SyncChoices()
        if choices.watch {
            try machine.keepInStep(
                source, to: arguments.to, choices.options, cancellation: request.cancellation)
        }
        return answer(
            try machine.sync(source, to: arguments.to, choices.options, cancellation: request.cancellation))
    }
}

private func answer(_ report: SyncReport) -> Value {
    ["sent": .int(Int64(report.sent)), "removed": .int(Int64(report.removed))]
}
