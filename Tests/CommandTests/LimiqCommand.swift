import Basics
import Foundation
import Support

/// The program as it was built with the tests, run on libvirt's test driver with a state folder of its own.
struct LimiqCommand {
    let folder: String

    /// Machines that are brought up at once. `hang` of them wait for an agent that never answers, `fail` of them have no
    /// base image.
    static let script = """
        local limiq = require "limiq"
        local wanted = limiq.params { count = 3, hang = 0, fail = 0, timeout = "60s", swallow = true }
        local names = {}
        for number = 1, wanted.count do names[number] = ("vm-%03d"):format(number) end
        local function bring(name, number)
            local spec = { name = name, memory = "64MiB", disks = { { id = "data", size = "1GiB" } } }
            if number <= wanted.fail then
                spec.disks = { { id = "boot", backing_file = "/nowhere/base.qcow2" } }
            end
            local goal = number > wanted.count - wanted.hang and "agent" or "running"
            limiq.vm(spec):up { wait = goal, timeout = wanted.timeout }
        end
        print "begun"
        local ok, e = limiq.try(function()
            limiq.each(names, bring)
            return true
        end)
        if not ok and (e.code == "interrupted" or not wanted.swallow) then error(e, 0) end
        limiq.log.warn("all asked for", { count = wanted.count })
        io.write "no line end"
        print " until here"
        """

    /// Runs `body` with a state folder that holds the script as `many.lua`.
    static func with<Result>(_ body: (LimiqCommand) async throws -> Result) async throws -> Result {
        try await ScratchFolder.with { folder in
            try Data(script.utf8).write(to: URL(fileURLWithPath: folder + "/many.lua"))
            return try await body(LimiqCommand(folder: folder))
        }
    }

    var environment: [String: String] {
        ["LIMIQ_HOME": folder, "LIMIQ_URI": "test:///default", "LIBVIRT_DEFAULT_URI": "", "TERM": "dumb"]
    }

    func run(_ words: String...) async throws -> CommandResult { try await run(with: words) }

    func run(with words: [String]) async throws -> CommandResult {
        try await command(program, words, environment: environment, folder: folder)
    }

    func start(_ words: String...) throws -> RunningCommand {
        try RunningCommand(program, words, environment: environment, folder: folder)
    }

    /// The names of the machines that have a folder.
    var machines: [String] { folderNames(folder + "/vms").filter { !$0.hasPrefix(".") }.sorted() }
}

/// Waits until something is so, at most ten seconds.
func eventually(_ isSo: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end {
        if try await isSo() { return true }
        try await Task.sleep(for: .milliseconds(50))
    }
    return false
}
