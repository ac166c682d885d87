import Basics
import LuaRuntime

/// Every primitive of a run, by group.
///
/// - Parameters:
///   - overrides: what `--set` gave.
///   - log: takes what `limiq.log` is told.
public func libraryDefinitions(
    _ environment: Environment, overrides: [String: String],
    log: @escaping @Sendable (LogLevel, String) -> Void
) -> [Definition] {
    diskDefinitions(environment) + cidataDefinitions(environment, log: log) + isoDefinitions(environment)
        + vmDefinitions(environment) + networkDefinitions(environment) + domainDefinitions(environment)
        + imageDefinitions(environment) + bakeDefinitions(environment) + warmDefinitions(environment)
        + domainCommitDefinitions(environment) + domainCloneDefinitions(environment)
        + inventoryDefinitions(environment) + sshKeysDefinitions(environment)
        + fileDefinitions(environment) + hostDefinitions(environment) + connectDefinitions(environment)
        + yamlDefinitions(environment) + base64Definitions(environment) + jsonDefinitions(environment)
        + windowsDefinitions(environment)
        + logDefinitions(log) + environmentDefinitions(environment) + paramsDefinitions(overrides)
}

extension DryRun {
    /// The library's primitives, looked at.
    ///
    /// - Parameter overrides: what `--set` gave.
    public func primitives(overrides: [String: String]) -> [Primitive] {
        primitives(libraryDefinitions(environment, overrides: overrides) { _, _ in })
    }
}

extension PlanRun {
    /// The library's primitives, planned.
    ///
    /// - Parameter overrides: what `--set` gave.
    public func primitives(overrides: [String: String]) -> [Primitive] {
        primitives(libraryDefinitions(environment, overrides: overrides) { _, _ in })
    }
}
