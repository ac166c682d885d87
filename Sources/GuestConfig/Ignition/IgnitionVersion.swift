import Basics

/// The version of Ignition's specification that a configuration is written in, one that a released Ignition takes.
struct IgnitionVersion: Sendable {
    /// The version as it stands in the configuration.
    let text: String
    /// Its minor number, by which its keys are known; those of the next version are in its experiments.
    let minor: Int

    /// The minor number of the newest version, which Ignition 2.26 brought.
    static let newestMinor = 6
    /// The experiment that Debian 12's Ignition, 2.14, takes; each ends with the release of its version.
    private static let debianExperiment = 4

    static let example = "ignition = { ignition = { version = \"3.4.0\" } }"

    /// - Throws: `Failure` with code `bad_field` where there is none, or none that a released Ignition takes.
    init(of root: Map) throws(Failure) {
        guard let ignition = root["ignition"] else {
            throw Failure(.badField, "ignition.ignition is missing", hint: Self.example)
        }
        switch ignition["version"] {
        case .string(let version)?: try self.init(version)
        case nil: throw Failure(.badField, "ignition.ignition.version is missing", hint: Self.example)
        case let other?:
            throw Failure(
                .badField,
                "ignition.ignition.version must be a string, not a \(IgnitionReport.kind(other))",
                hint: Self.example)
        }
    }

    private init(_ version: String) throws(Failure) {
        let numbers = version.prefix { $0 != "-" }
        let parts = numbers.split(separator: ".", omittingEmptySubsequences: false).map { UInt16($0) }
        let suffix = version.dropFirst(numbers.count)
        guard parts.count == 3, let major = parts[0], let minor = parts[1], let patch = parts[2],
            suffix.isEmpty || suffix == "-experimental"
        else {
            throw Failure(
                .badField, "ignition.ignition.version \(version.inQuotes) is not a version",
                hint: "such as \"3.4.0\"")
        }
        guard major == 3 else {
            throw Failure(
                .badField, "ignition.ignition.version is \(version), and limiq knows 3.0.0 and newer",
                hint: "butane writes version 3")
        }
        (text, self.minor) = (version, Int(minor))
        let isExperiment = !suffix.isEmpty
        let newest = Self.newestMinor + (isExperiment ? 1 : 0)
        guard patch == 0, self.minor <= newest else {
            throw Failure(
                .badField,
                "ignition.ignition.version is \(version), which Ignition does not take: "
                    + "its newest is 3.\(Self.newestMinor).0",
                hint: "version = \"3.\(min(self.minor, Self.newestMinor)).0\"")
        }
        guard !isExperiment || self.minor == newest || isOldExperiment else {
            throw Failure(
                .badField,
                "ignition.ignition.version is \(version), which Ignition takes no more since 3.\(minor).0 is out",
                hint: "version = \"3.\(minor).0\"")
        }
    }

    /// Whether it is an experiment that an Ignition in use takes, and newer ones do not.
    var isOldExperiment: Bool { text.hasSuffix("-experimental") && minor == Self.debianExperiment }
}
