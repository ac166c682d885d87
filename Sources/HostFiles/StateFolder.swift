import Basics
import Glibc

/// The folder where limiq keeps images and what it makes for machines.
public struct StateFolder: Sendable, Equatable {
    /// The absolute path.
    public let root: String

    public init(root: String) { self.root = root }

    /// Finds the folder: `LIMIQ_HOME`, else `/var/lib/limiquantix` for root, else `$XDG_DATA_HOME/limiquantix`
    /// (`~/.local/share/limiquantix`).
    ///
    /// - Throws: `Failure` where a variable holds a relative path or there is no home folder.
    public init(
        environment: (String) -> String? = { getenv($0).map { String(cString: $0) } }, uid: UInt32 = geteuid()
    ) throws(Failure) {
        if let home = environment("LIMIQ_HOME"), !home.isEmpty {
            guard home.hasPrefix("/") else {
                throw Failure(.badField, "LIMIQ_HOME is \"\(home)\", not an absolute path")
            }
            root = home
        } else if uid == 0 {
            root = "/var/lib/limiquantix"
        } else if let data = environment("XDG_DATA_HOME"), data.hasPrefix("/") {
            root = data + "/limiquantix"
        } else if let home = environment("HOME"), home.hasPrefix("/") {
            root = home + "/.local/share/limiquantix"
        } else {
            throw Failure(.hostNotAble, "there is no home folder to keep state in", hint: "set LIMIQ_HOME")
        }
    }

    /// The folder of images by name: `NAME.qcow2`, `NAME.img`, `NAME.raw`.
    public var cloudImages: String { root + "/cloud-images" }
    public var isos: String { root + "/isos" }
    public var machines: String { root + "/vms" }
    public var runs: String { root + "/runs" }
    /// The file of how long machines have taken to come up.
    public var times: String { root + "/times.json" }
    /// The root of libvirt's embedded driver, which limiq 0.1.0 had in the place of `PrivateDaemons`.
    package var embed: String { root + "/embed" }
    /// The path of limiq's own key pair, made where the caller has none.
    public var sshKey: String { root + "/ssh/id_ed25519" }
    /// The path of the secret that the host keys of guests are derived from.
    public var hostKeySecret: String { root + "/ssh/host_key_secret" }

    /// The folder of one machine.
    public func machine(_ name: String) -> String { "\(machines)/\(name)" }
}
