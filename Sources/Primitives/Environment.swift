import Basics
import Provisioning

/// What the primitives of one run share.
public struct Environment: Sendable {
    public let state: StateFolder
    public let images: ImageLibrary
    /// `--no-host`: a script may not run programs of this machine.
    public var forbidsHostPrograms = false
    /// `--keep`: what a failed `up` made stays, for a look.
    public var keepsFailed = false
    /// Told of every step of what takes long.
    public var progress: @Sendable (Progress) -> Void = { _ in }
    /// The folder relative paths of the script are relative to.
    public var scriptFolder: String
    /// The host behind a URI, `nil` for the run's default one. Opened at the first call, then kept.
    public let hypervisor: @Sendable (_ uri: String?) throws(Failure) -> any Hypervisor

    public init(
        state: StateFolder, images: ImageLibrary, scriptFolder: String,
        hypervisor: @escaping @Sendable (_ uri: String?) throws(Failure) -> any Hypervisor
    ) {
        self.state = state
        self.images = images
        self.scriptFolder = scriptFolder
        self.hypervisor = hypervisor
    }

    /// What stands on images, as far as the run's own host can be asked.
    public func standsOn() throws(Failure) -> StandsOn {
        do throws(Failure) {
            return try StandsOn(state: state, on: try hypervisor(nil))
        } catch {
            // Disks are files: a machine that can run no guest has them too.
            return try StandsOn(state: state, on: nil)
        }
    }

    /// A path of the script as an absolute one: a relative path begins at the script's folder.
    public func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(scriptFolder)/\(path)"
    }
}
