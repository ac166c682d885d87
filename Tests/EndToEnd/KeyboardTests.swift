import Support
import Testing

extension EndToEnd {
    @Suite struct `A keyboard nobody sits at` {
        @Test
        func `keys held together reach the guest; one that is not on a keyboard is an error that names it`()
            async throws
        {
            try await Home.with { home in
                try TestGuest.writeDisk(home.path + "/disk.raw")
                let script = try home.script(
                    "keys",
                    """
                    local limiq = require "limiq"
                    local vm = limiq.vm {
                        name = "keys", memory = "64MiB", disks = { { id = "boot", path = "disk.raw", bootable = true } },
                    }
                    vm:up { wait = "running" }
                    local function until_greeted(times)
                        limiq.retry({ times = 120, delay = "500ms" }, function()
                            local _, count = limiq.file.read("vms/keys/console.log"):gsub("limiq test guest", "")
                            assert(count == times, count)
                        end)
                    end
                    until_greeted(1)
                    -- The BIOS restarts the machine.
                    vm:send_keys { "a", "ctrl-alt-delete" }
                    until_greeted(2)
                    for _, keys in ipairs { { "ret", "hyper" }, { "" } } do
                        local _, e = limiq.try(function() vm:send_keys(keys) end)
                        print(e.code, e.message)
                    end
                    vm:destroy()
                    local _, e = limiq.try(function() vm:send_keys { "a" } end)
                    print(e.code, e.hint)
                    """)
                let run = try await home.limiq("run", script)
                #expect(run.status == 0, "\(run.errors)")
                #expect(
                    run.lines == [
                        "bad_field\t\"hyper\" cannot be pressed in keys",
                        "bad_field\t\"\" cannot be pressed in keys", "guest_stopped\tstart it first",
                    ])
            }
        }
    }
}
