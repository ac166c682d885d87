import Basics
import HostFiles

extension Gate {
    /// The path of a disk's file, or its base's, that a machine is to use, with all that lies below it.
    ///
    /// A file that the script can write is refused: an image names its base, or its data, by a path, and QEMU would
    /// read whatever file the script has it name at any later time.
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

    /// Lets a guest write to a disk's file: one that the script may only read would be the guest's to change.
    ///
    /// - Throws: `Failure` with code `forbidden`.
    public func writableDisk(_ path: String, _ field: String) throws(Failure) {
        guard isBounded else { return }
        throw forbidden(
            "\(field) \(path) is a file of this machine, which --sandbox lets a guest only read",
            hint: "readonly = true, or have the disk made: backing_file = \"\(path)\"", about: path)
    }

    /// Lets a script use a format other than qcow2 and raw, which a program of QEMU's has to look at: it may name other
    /// files.
    func foreignFormat(_ format: String, _ path: String) throws(Failure) {
        guard isBounded else { return }
        throw forbidden(
            "\(path) is \(format), and under --sandbox only qcow2 and raw images are opened",
            hint: "convert it first: qemu-img convert -O qcow2", about: path)
    }
}
