import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite(.enabled(if: geteuid() == 0, "a libvirt daemon of its own is root's to start"))
    struct `Hosts that hang, end, or are asked by two` {
        @Test func `a daemon that hangs holds up no other host, and its VMs are made when it goes on`()
            async throws
        {
            try await PrivateDaemon.with { daemon in
                try await Home.with(on: daemon.uri) { home in
                    let script = try home.script(
                        "hung",
                        """
                        local limiq = require "limiq"
                        local function make(host, count)
                            local names = {}
                            for i = 1, count do names[i] = ("vm-%03d"):format(i) end
                            return limiq.each(names, function(name)
                                host.vm { name = name, memory = "64MiB" }:up { start = false }
                            end)
                        end
                        -- More than a host may have under way at once.
                        local slow = limiq.spawn(make, limiq, 100)
                        limiq.sleep "200ms"
                        make(limiq.connect "test:///default", 200)
                        limiq.disk.create { path = "here.qcow2", size = "1MiB" }
                        print "the others are there"
                        slow:join()
                        print "all are there"
                        """)
                    daemon.signal(SIGSTOP)
                    let run = try home.start(["run", script])
                    let deadline = ContinuousClock.now + .seconds(20)
                    while run.output.isEmpty, ContinuousClock.now < deadline {
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    #expect(run.output == "the others are there\n")
                    daemon.signal(SIGCONT)
                    let result = await run.result()
                    #expect(result.status == 0, "\(result.errors)")
                    #expect(result.output.hasSuffix("all are there\n"))
                    let list = try await daemon.virsh("list", "--all", "--name")
                    #expect(list.lines.count == 100)
                }
            }
        }

        @Test func `a daemon that is killed and started again under a run: the next run completes it`()
            async throws
        {
            try await PrivateDaemon.with { daemon in
                try await Home.with(on: daemon.uri) { home in
                    let fleet = try Fleet(home, count: 20)
                    for moment in [50, 150, 300, 600] {
                        let run = try home.start(fleet.words)
                        try await Task.sleep(for: .milliseconds(moment))
                        daemon.kill()
                        try await daemon.start()
                        _ = await run.result()
                        let next = try home.start(fleet.words)
                        let result = await next.result()
                        #expect(result.status == 0, "after \(moment) ms: \(result.errors)")
                        let list = try await daemon.virsh("list", "--all", "--name")
                        let problems = fleet.problems(list: list.output)
                        #expect(problems.isEmpty, "after \(moment) ms: \(problems)")
                        let survey = try await home.limiq("gc", "--dry-run")
                        #expect(survey.status == 0 && survey.output.isEmpty, "\(survey.output)")
                        _ = await (try home.start(["rm"] + fleet.names)).result()
                        let left = fleet.leftovers(
                            list: try await daemon.virsh("list", "--all", "--name").output)
                        #expect(left.isEmpty, "after \(moment) ms: \(left)")
                    }
                }
            }
        }

        @Test func `two runs of one script at once make each VM once; who waits says for whom`() async throws
        {
            try await PrivateDaemon.with { daemon in
                try await Home.with(on: daemon.uri) { home in
                    let fleet = try Fleet(home, count: 20)
                    let runs = [try home.start(fleet.words), try home.start(fleet.words)]
                    var results: [CommandResult] = []
                    for run in runs { results.append(await run.result()) }
                    let text = results.map(\.errors).joined()
                    #expect(results.map(\.status) == [0, 0], "\(text)")
                    for name in fleet.names {
                        #expect(
                            text.components(separatedBy: "\(name): define\n").count == 2,
                            "\(name) is made once")
                    }
                    #expect(
                        runs.contains {
                            text.contains("waiting for another limiq, process \($0.processID)\n")
                        },
                        "\(text)")
                    let problems = fleet.problems(
                        list: try await daemon.virsh("list", "--all", "--name").output)
                    #expect(problems.isEmpty, "\(problems)")
                }
            }
        }
    }
}
