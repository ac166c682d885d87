import Basics
import Glibc

/// What a script may reach of this machine. Whatever touches a file, a program, a variable, a host or a machine for a script
/// asks here first.
public struct Gate: Sendable {
    /// Without bounds: a script may do what its caller may.
    public static let open = Gate()
    /// `--no-host`: no program of this machine.
    public static let withoutPrograms = Gate(programsFlag: "--no-host")

    /// The flag that forbids host programs.
    private var programsFlag: String?
    private var bounds: GateBounds?

    private init(programsFlag: String? = nil, bounds: GateBounds? = nil) {
        self.programsFlag = programsFlag
        self.bounds = bounds
    }

    /// `--sandbox`.
    public static func sandbox(_ bounds: GateBounds) -> Gate {
        Gate(programsFlag: "--sandbox", bounds: bounds)
    }

    /// `--sandbox` is on.
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

    /// The path of a disk's file, or its base's, that a machine is to use, with all that lies below it.
    ///
    /// One that the script can write is none: an image names its base, or its data, by a path, and QEMU would read whatever
    /// file the script has it name at any later time.
    ///
    /// - Parameter field: what messages call it.
    /// - Throws: `Failure` with code `forbidden`.
    public func disk(_ path: String, _ field: String) throws(Failure) -> String {
        guard let bounds else { return path }
        let real = try reading(path)
        guard !bounds.mayWrite(real) else {
            throw forbidden(
                "\(field) \(path) is a file the script can write, and under --sandbox no disk of a machine",
                hint: "have the disk made: give its size, or an image of the library as its backing_file",
                about: path)
        }
        guard fileExists(real) else { return real }
        for image in try DiskImage.inspect(real, self) where bounds.mayWrite(image.path) {
            throw forbidden(
                "\(field) \(path) stands on \(image.path), which the script can write", hint: nil, about: path
            )
        }
        return real
    }

    /// A format other than qcow2 and raw, which a program of QEMU's has to look at: it may name other files.
    func foreignFormat(_ format: String, _ path: String) throws(Failure) {
        guard isBounded else { return }
        throw forbidden(
            "\(path) is \(format), and under --sandbox only qcow2 and raw images are opened",
            hint: "convert it first: qemu-img convert -O qcow2", about: path)
    }

    /// Permission bits of a file the script writes: none that would give others the caller's rights.
    public func mode(_ bits: UInt32) throws(Failure) {
        guard isBounded, bits > 0o777 else { return }
        throw forbidden(
            "--sandbox lets the script set no setuid, setgid or sticky bit", hint: nil, about: nil)
    }

    /// Adds to the image library, or takes from it: other scripts trust its names.
    public func changeLibrary(_ call: String) throws(Failure) {
        guard isBounded else { return }
        throw forbidden(
            "\(call) is forbidden by --sandbox: the image library is for all scripts",
            hint: "limiq image add and limiq image rm do it by hand", about: nil)
    }

    /// A volume of a storage pool, or a file of another host.
    public func volume(_ field: String, isOfPool: Bool) throws(Failure) {
        guard let bounds, isOfPool || !HypervisorURI(bounds.host).isLocal else { return }
        throw forbidden(
            "\(field) is a disk of the host's own, which --sandbox keeps closed",
            hint: "have the disk made: give its size, or a backing_file", about: nil)
    }

    // MARK: programs, variables, hosts

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

    /// - Parameter uri: `nil` for the run's own.
    public func host(_ uri: String?) throws(Failure) {
        guard let uri else { return }
        if let bounds {
            guard uri != bounds.host else { return }
            throw forbidden(
                "\(uri) is not the run's own host, and --sandbox lets the script reach no other",
                hint: "--connect names the host", about: nil)
        }
        guard let programsFlag, let reason = HypervisorURI(uri).programItRuns else { return }
        throw forbidden(
            "\(uri) \(reason), which \(programsFlag) forbids",
            hint: "run it without \(programsFlag)", about: nil)
    }

    /// A machine by its name: one that is not there, or that this script has made.
    public func machine(_ machine: Machine) throws(Failure) {
        guard let bounds else { return }
        let maker: String?
        if let domain = try machine.hypervisor.domain(machine.name) {
            maker = try machine.record(of: domain)?.script
        } else if let kept = try machine.keptJournal() {
            maker = kept.record?.script
        } else {
            return
        }
        guard maker != bounds.script else { return }
        throw forbidden(
            "vm \(machine.name) was not made by this script, and --sandbox keeps it closed",
            hint: "give the machine another name", about: machine.name)
    }

    private func forbidden(_ message: String, hint: String?, about resource: String?) -> Failure {
        Failure(.forbidden, message, hint: hint, resource: resource)
    }
}

extension Failure.Code {
    /// `--sandbox` or `--no-host` keeps it from the script.
    public static let forbidden: Failure.Code = "forbidden"
}

private func isLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
}
