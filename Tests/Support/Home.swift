import Basics
import Foundation
import HostFiles
import Hypervisors

/// The command as a user has it: a state folder of a test's own (its `LIMIQ_HOME`), in which it runs.
public struct Home: Sendable {
    public let path: String
    private let environment: [String: String]
    /// Those that root has where no daemon of the system's runs.
    public let daemons: PrivateDaemons

    private init(_ path: String, uri: String?) throws {
        self.path = path
        daemons = PrivateDaemons(state: StateFolder(root: path))
        // No key, agent or libvirt of whoever runs the tests, and no daemon that comes and goes beside them.
        environment = [
            "LIMIQ_HOME": path, "HOME": path, "SSH_AUTH_SOCK": "",
            "LIMIQ_URI": uri ?? daemons.uri,
        ]
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    /// Runs `body` with a state folder; its machines and the folder are removed, thrown or not.
    ///
    /// - Parameter uri: of the hypervisor; daemons private to this folder where left out, which is what root has where no
    ///   daemon runs.
    public static func with<Result>(
        on uri: String? = nil, _ body: (Home) async throws -> Result
    ) async throws -> Result {
        let name = "h" + String(UInt32.random(in: .min ... .max), radix: 36)
        let home = try Home("\(try ProcessFolder.path())/\(name)", uri: uri)
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(home)) } catch { result = .failure(error) }
        for machine in home.machines { _ = try await home.limiq("rm", machine) }
        try endDaemons(home.daemons)
        try removeFolder(home.path)
        return try result.get()
    }

    /// One that lasts as long as this process, and its guests with it.
    static func ofProcess(_ name: String) throws -> Home {
        try Home("\(try ProcessFolder.path())/\(name)", uri: nil)
    }

    /// The names of the machines that something is kept for.
    public var machines: [String] { folderNames(path + "/vms").filter { !$0.hasPrefix(".") }.sorted() }

    /// The processes of guests that its daemons run.
    public var guests: [pid_t] { processes(ofGuestsIn: daemons.runtime + "/run") }

    /// The shared image of that name, pulled into the ordinary state folder once on a machine, and linked from here.
    public func linkImage(_ name: String) async throws {
        let pull = try await command(program, ["image", "pull", name])
        guard pull.status == 0 else {
            throw Failure(.program, "limiq image pull \(name)", cause: pull.errors)
        }
        let image = pull.output.trimmingCharacters(in: .whitespacesAndNewlines)
        let folder = path + "/cloud-images"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder)/\(image.split(separator: "/").last ?? "")", withDestinationPath: image)
    }

    /// Runs the command to its end.
    public func limiq(_ words: String...) async throws -> CommandResult { try await start(words).result() }

    /// Starts the command beside the test.
    ///
    /// - Parameter wrapper: a program and its arguments that run the command.
    public func start(_ words: [String], under wrapper: [String] = []) throws -> RunningCommand {
        let line = wrapper + [program] + words
        return try RunningCommand(line[0], Array(line.dropFirst()), environment: environment, folder: path)
    }

    /// Writes a script into this folder and returns its path.
    public func script(_ name: String, _ lua: String) throws -> String {
        let script = "\(path)/\(name).lua"
        try lua.write(toFile: script, atomically: true, encoding: .utf8)
        return script
    }
}

/// A TCP port of the loopback address that nobody listens on.
public func freePort() -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            _ = bind(descriptor, $0, size)
            _ = getsockname(descriptor, $0, &size)
        }
    }
    return UInt16(bigEndian: address.sin_port)
}
