import Basics
import FoundationEssentials
import Glibc
import HostFiles
import Synchronization

/// The program `qemu-img`, for the formats and changes limiq does not write itself.
///
/// It is never given a name that is not absolute (`a:b` would be a protocol), nor a file that is not regular.
enum QemuImg {
    /// The answer of `qemu-img info` about one file, its chain left alone.
    struct Info: Decodable {
        let format: String
        let virtualSize: UInt64
        let backingFile: String?
        let backingFormat: String?

        enum CodingKeys: String, CodingKey {
            case format
            case virtualSize = "virtual-size"
            case backingFile = "backing-filename"
            case backingFormat = "backing-filename-format"
        }
    }

    /// - Parameter format: what the file must be; `nil` lets QEMU look.
    /// - Throws: `Failure` with code `program`, its cause QEMU's own words, or `host_not_able` without the program.
    static func info(_ path: String, format: String?) throws(Failure) -> Info {
        // -U: the file may be in use; who asks has looked at its locks.
        let output = try run(
            ["info", "-U", "--output=json"] + (format.map { ["-f", $0] } ?? []) + [path],
            "\(path) is no image QEMU can read", about: path)
        do { return try JSONDecoder().decode(Info.self, from: Data(output)) } catch {
            throw Failure(.program, "qemu-img info answers what limiq cannot read", resource: path)
        }
    }

    static func resize(
        _ path: String, format: String, to size: UInt64, cancellation: Cancellation
    ) throws(Failure) {
        _ = try run(
            ["resize", "-q", "-f", format, path, "\(size)"], "cannot resize \(path)", about: path,
            timeout: .seconds(600), cancellation: cancellation)
    }

    /// Whether the installed QEMU writes and reads qcow2's extended L2 entries: since version 5.2. It is asked once a
    /// process; `false` where there is no qemu-img.
    static func knowsExtendedL2() -> Bool {
        extendedL2.withLock { known in
            if let known { return known }
            let output = (try? run(["--version"], "qemu-img does not say its version", about: nil)) ?? []
            let answer = knowsExtendedL2(version: String(decoding: output, as: UTF8.self))
            known = answer
            return answer
        }
    }

    private static let extendedL2 = Mutex<Bool?>(nil)

    /// - Parameter version: as `qemu-img --version` prints it: `qemu-img version 7.2.22 (Debian …)`.
    static func knowsExtendedL2(version: String) -> Bool {
        for word in version.split(separator: " ") {
            let numbers = word.split(separator: ".").map { Int($0) }
            if numbers.count >= 2, let major = numbers[0], let minor = numbers[1] {
                return (major, minor) >= (5, 2)
            }
        }
        return false
    }

    static func run(
        _ arguments: [String], _ complaint: String, about path: String?,
        timeout: Duration = .seconds(30), cancellation: Cancellation = Cancellation()
    ) throws(Failure) -> [UInt8] {
        var program = HostProgram(["qemu-img"] + arguments)
        program.environment = ["LC_ALL": "C"]
        // An image may name other files, and one of those be a FIFO.
        program.timeout = timeout
        let result: HostProgram.Result
        do { result = try program.run(cancellation) } catch {
            switch error.code {
            case .notFound:
                throw Failure(
                    .hostNotAble, "qemu-img is not installed",
                    hint: "you can install it with: apt-get install qemu-utils", resource: path)
            case .timeout:
                throw Failure(
                    .timeout, "\(complaint): qemu-img does not answer within \(timeout)", resource: path)
            case .cancelled: throw error
            default: throw Failure(.program, complaint, resource: path, cause: error.message)
            }
        }
        guard result.code == 0 else {
            let words = String(decoding: result.errors, as: UTF8.self)
                .split(separator: "\n").joined(separator: "; ")
            throw Failure(.program, complaint, resource: path, cause: words)
        }
        return result.output
    }
}
