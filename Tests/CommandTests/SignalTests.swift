import Foundation
import Support
import Testing

@Suite struct `Ctrl-C` {
    @Test(arguments: [SIGINT, SIGTERM])
    func `lets a script clean up, also while a program of the host runs`(_ signal: Int32) async throws {
        try await ScratchFolder.with { folder in
            let script = """
                local limiq = require "limiq"
                local mark <close> = setmetatable({}, { __close = function() limiq.file.write("cleaned", "") end })
                limiq.host.run { "sh", "-c", "touch begun; exec sleep 60" }
                """
            try Data(script.utf8).write(to: URL(fileURLWithPath: folder + "/wait.lua"))
            let running = try RunningCommand(
                "\(repository)/.build/debug/limiq", ["run", folder + "/wait.lua"],
                environment: ["LIMIQ_HOME": folder])
            for _ in 0..<600 where !folderNames(folder).contains("begun") {
                try await Task.sleep(for: .milliseconds(50))
            }
            running.signal(signal)
            let result = await running.result()
            #expect(result.status == 130)
            #expect(result.errors.contains("interrupted: cleaning up (again to stop at once)"))
            #expect(folderNames(folder).contains("cleaned"))
        }
    }

    @Test
    func `ends the specs, after the clean-up of the one that runs, and a look at a script's parameters`()
        async throws
    {
        try await ScratchFolder.with { folder in
            let script = """
                local limiq = require "limiq"
                local mark <close> = setmetatable({}, { __close = function() limiq.file.write("cleaned", "") end })
                limiq.file.write("begun", "")
                while true do end
                """
            for name in ["a_spec.lua", "b_spec.lua"] {
                try Data(script.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
            }
            try Data("while true do end".utf8).write(to: URL(fileURLWithPath: folder + "/endless.lua"))
            for words in [["test", folder], ["help", folder + "/endless.lua"]] {
                let running = try RunningCommand(
                    "\(repository)/.build/debug/limiq", words, environment: ["LIMIQ_HOME": folder])
                if words[0] == "test" {
                    for _ in 0..<600 where !folderNames(folder).contains("begun") {
                        try await Task.sleep(for: .milliseconds(50))
                    }
                } else {
                    try await Task.sleep(for: .seconds(1))
                }
                running.signal(SIGINT)
                let result = await running.result()
                #expect(result.status != 0, "\(words[0])")
                #expect(!result.output.contains("1 passed"), "\(result.output)")
                #expect(folderNames(folder).contains("cleaned"))
            }
        }
    }

    @Test func `the second ends a script that nothing can interrupt, and what it asked for`() async throws {
        try await ScratchFolder.with { folder in
            let script = """
                local limiq = require "limiq"
                limiq.spawn(function()
                  limiq.host.run { "sh", "-c", "trap 'touch undone; exit' TERM; touch begun; sleep 60 & wait" }
                end)
                while not limiq.file.exists "begun" do limiq.sleep "10ms" end
                limiq.file.write("searching", "")
                print(("a"):rep(40):find((".-"):rep(30) .. "b"))
                """
            try Data(script.utf8).write(to: URL(fileURLWithPath: folder + "/stuck.lua"))
            let running = try RunningCommand(
                "\(repository)/.build/debug/limiq", ["run", folder + "/stuck.lua"],
                environment: ["LIMIQ_HOME": folder])
            for _ in 0..<600 where !folderNames(folder).contains("searching") {
                try await Task.sleep(for: .milliseconds(50))
            }
            for _ in 1...2 {
                try await Task.sleep(for: .milliseconds(300))
                running.signal(SIGINT)
            }
            let result = await running.result()
            #expect(result.status == 130)
            #expect(result.errors.contains("the script is in a function of Lua's own that does not end"))
            #expect(folderNames(folder).contains("undone"))
        }
    }
}
