import Basics

/// Every primitive of a run, by group.
///
/// - Parameters:
///   - overrides: what `--set` gave.
///   - log: takes what `limiq.log` is told.
public func libraryDefinitions(
    _ environment: Environment, overrides: [String: String],
    log: @escaping @Sendable (LogLevel, String) -> Void
) -> [Definition] {
    diskDefinitions(environment) + cidataDefinitions(environment) + isoDefinitions(environment)
        + vmDefinitions(environment) + domainDefinitions(environment)
        + imageDefinitions(environment) + sshKeysDefinitions(environment)
        + fileDefinitions(environment) + hostDefinitions(environment) + connectDefinitions(environment)
        + yamlDefinitions(environment) + base64Definitions(environment) + jsonDefinitions(environment)
        + logDefinitions(log) + environmentDefinitions() + paramsDefinitions(overrides)
}

private struct URIArgument: Sendable {
    var uri = ""
}

private func connectDefinitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "host.connect", .positional,
            Record(
                "limiq.host.connect", "", make: { URIArgument() },
                fields: [
                    Field("uri", \.uri, .string, required: true, "libvirt's name of the host.")
                ]),
            doc: "Opens another host; `limiq.connect` is what scripts call.",
            example: "local node = limiq.connect \"qemu+ssh://node2/system\""
        ) { arguments, _ in
            _ = try environment.hypervisor(arguments.uri).domains()
            return .null
        }
    ]
}
