import Basics
import Glibc

/// The gate to what a script may reach of this host. Whatever touches a file, a program, a variable, a host or a
/// machine for a script asks here first.
public struct Gate: Sendable {
    /// The gate without bounds: a script may do what its caller may.
    public static let open = Gate()
    /// The gate of `--no-host`: no program of this host.
    public static let withoutPrograms = Gate(programsFlag: "--no-host")

    /// The flag that forbids host programs.
    package private(set) var programsFlag: String?
    package private(set) var bounds: GateBounds?

    private init(programsFlag: String? = nil, bounds: GateBounds? = nil) {
        self.programsFlag = programsFlag
        self.bounds = bounds
    }

    /// The gate of `--sandbox`.
    public static func sandbox(_ bounds: GateBounds) -> Gate {
        Gate(programsFlag: "--sandbox", bounds: bounds)
    }

    /// Whether `--sandbox` is on.
    public var isBounded: Bool { bounds != nil }

    // MARK: files

    /// The path to read a file or folder by, with its links resolved where there are bounds.
    ///
    /// - Throws: `Failure` with code `forbidden`.
    public func reading(_ path: String) throws(Failure) -> String {
        guard let bounds else { return path }
        guard let real = canonicalPath(path), bounds.mayRead(real) else {
            throw forbidden(
                "\(path) is outside of what --sandbox lets the script read",
                hint: "--allow-read \(path) lets it", about: path)
        }
        return real
    }

    /// The path to write a file by.
    ///
    /// - Throws: `Failure` with code `forbidden`.
    public func writing(_ path: String) throws(Failure) -> String {
        guard let bounds else { return path }
        guard let place = canonicalPlace(of: path), bounds.mayWrite(place),
            // Where a link stands in its place, some replace it and some follow it.
            !isLink(path) || canonicalPath(path).map(bounds.mayWrite) == true
        else {
            throw forbidden(
                "\(path) is outside of what --sandbox lets the script write",
                hint: "--allow-write \(path) lets it", about: path)
        }
        return place
    }

    /// Lets the script set permission bits of a file it writes: none that would give others the caller's rights.
    public func mode(_ bits: UInt32) throws(Failure) {
        guard isBounded, bits > 0o777 else { return }
        throw forbidden(
            "--sandbox lets the script set no setuid, setgid or sticky bit", hint: nil, about: nil)
    }

    /// Lets the script add to the image library, or take from it: other scripts trust its names.
    public func changeLibrary(_ call: String) throws(Failure) {
        guard isBounded else { return }
        throw forbidden(
            "\(call) is forbidden by --sandbox: the image library is for all scripts",
            hint: "limiq image add and limiq image rm do it by hand", about: nil)
    }

    /// Lets the script make, change or remove a network of the host's: it leads others too.
    public func changeNetworks(_ name: String) throws(Failure) {
        guard isBounded else { return }
        throw forbidden(
            "network \(name) is described by the script, and --sandbox lets it change no network of the host's",
            hint: "name one that is there, or leave the nic on user networking", about: nil)
    }

    /// The name a machine's ssh host key is made for. Whoever has another machine's key can pass for it: a bounded script has
    /// keys of its own.
    public func hostKeyName(_ machine: String) -> String {
        bounds.map { "\(machine) of \($0.script)" } ?? machine
    }

    /// Lets the script have an image that the library does not have: programs of this host download or build it.
    ///
    /// - Throws: `Failure` with code `forbidden`.
    public func fetchImage(_ name: String) throws(Failure) {
        guard isBounded else { return }
        throw forbidden(
            "the image \(name) is not here, and --sandbox fetches none", hint: "limiq image pull \(name)",
            about: name)
    }

    /// Lets the script list the machines of a host with the ways into them, its own or not.
    public func inventory() throws(Failure) {
        guard isBounded else { return }
        throw forbidden(
            "limiq.inventory is forbidden by --sandbox: it tells of machines the script has not made",
            hint: "limiq inventory prints it", about: nil)
    }

    // MARK: programs and variables

    /// - Parameter call: what would run a program: `limiq.host.run`.
    public func program(_ call: String) throws(Failure) {
        guard let programsFlag else { return }
        throw forbidden(
            "\(call) is forbidden by \(programsFlag)", hint: "run it without \(programsFlag)", about: nil)
    }

    public func variable(_ name: String) throws(Failure) {
        guard let bounds, !bounds.variables.contains(name) else { return }
        throw forbidden(
            "the variable \(name) is not one that --sandbox lets the script see",
            hint: "--allow-env \(name) lets it", about: nil)
    }

    package func forbidden(_ message: String, hint: String?, about resource: String?) -> Failure {
        Failure(.forbidden, message, hint: hint, resource: resource)
    }
}

private func isLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
}
