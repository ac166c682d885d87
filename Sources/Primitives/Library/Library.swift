import Basics
import LuaRuntime

/// Every primitive of a run, by group.
///
/// - Parameters:
///   - parameters: what the caller gave.
///   - log: takes what `limiq.log` is told.
public func libraryDefinitions(
    _ environment: Environment, parameters: GivenParameters,
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
        + logDefinitions(log) + environmentDefinitions(environment)
        + paramsDefinitions(environment, parameters)
}

extension DryRun {
    /// The library's primitives, looked at.
    ///
    /// - Parameter parameters: what the caller gave.
    public func primitives(parameters: GivenParameters) -> [Primitive] {
        primitives(libraryDefinitions(environment, parameters: parameters) { _, _ in })
    }
}

extension PlanRun {
    /// The library's primitives, planned.
    ///
    /// - Parameter parameters: what the caller gave.
    public func primitives(parameters: GivenParameters) -> [Primitive] {
        primitives(libraryDefinitions(environment, parameters: parameters) { _, _ in })
    }
}
