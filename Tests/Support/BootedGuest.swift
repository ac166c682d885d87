import Basics

/// A Debian guest that the tests of a process share: booted at the first use, ended with the process.
///
/// One processor, 1 GiB, a disk of 20 GiB on the debian-12 image, a user `admin` with limiq's key, port 22 forwarded. Tests
/// talk to it by the command.
public struct BootedGuest: Sendable {
    public static let name = "guest"
    public let home: Home
    /// Of this machine; it leads to the guest's port 22.
    public let sshPort: UInt16
    /// What `up` printed.
    public let firstRun: CommandResult

    private static let booting = Task { try await BootedGuest() }

    /// - Throws: the same failure for everyone where it does not boot.
    public static func shared() async throws -> BootedGuest { try await booting.value }

    private init() async throws {
        home = try Home.ofProcess("guest")
        sshPort = freePort()
        try await home.linkImage("debian-12")
        let script = try home.script(
            "guest",
            """
            local limiq = require "limiq"
            local recipes = require "limiq.recipes"
            return limiq.vm {
                name = "\(Self.name)", memory = "1GiB",
                disks = { { id = "boot", size = "20GiB", backing_file = limiq.image "debian-12" } },
                nics = { { forward = { { host = \(sshPort), guest = 22 } } } },
                cloud_init = recipes.compose {
                    recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() },
                },
            }
            """)
        let up = try home.script("up", #"local vm = require "guest"; vm:up { timeout = "10m" }"#)
        firstRun = try await home.limiq("run", up)
        guard firstRun.status == 0 else {
            throw Failure(.program, "\(script) does not come up", cause: firstRun.errors)
        }
    }

    /// Runs Lua in which `limiq` is the library, `vm` the machine, `guest` its domain, and `show(…)` prints each value as a
    /// line of JSON.
    ///
    /// - Parameter words: `limiq.args`.
    /// - Returns: the lines it printed.
    /// - Throws: where the script fails.
    public func run(_ lua: String, _ words: String...) async throws -> [String] {
        let result = try await attempt(lua, words)
        guard result.status == 0 else {
            throw Failure(.program, "the script ended with code \(result.status)", cause: result.errors)
        }
        return result.lines
    }

    /// As `run`, and returns how it ended.
    public func attempt(_ lua: String, _ words: [String] = []) async throws -> CommandResult {
        let script = try home.script(
            "test",
            """
            local limiq = require "limiq"
            local vm = require "guest"
            local guest = vm.domain
            local function show(...)
                for index = 1, select("#", ...) do print(limiq.json.encode((select(index, ...)))) end
            end
            \(lua)
            """)
        return try await home.start(["run", script, "--"] + words).result()
    }

    /// Runs a shell in the guest, as root, and returns the lines it wrote.
    public func shell(_ script: String) async throws -> [String] {
        try await run(#"io.write(guest:exec({ "sh", "-c", limiq.args[1], timeout = "5m" }).stdout)"#, script)
    }
}
