import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite struct `In a booted guest` {
        /// By the agent as root, and by ssh as the user whose key it is.
        enum Way: String, CaseIterable {
            case agent, ssh
            /// The `user` of the primitives.
            var user: String { self == .agent ? "nil" : #""admin""# }
            var account: String { self == .agent ? "root" : "admin" }
        }

        @Test(arguments: Way.allCases)
        func `a program's words, input, output and code come through unchanged`(way: Way) async throws {
            let guest = try await BootedGuest.shared()
            let lines = try await guest.run(
                #"""
                local user = \#(way.user)
                local result = guest:exec { "sh", "-c", "cat; echo oops >&2; exit 7",
                                            stdin = "a\0b\255\n", check = false, user = user }
                show(result.code, limiq.base64.encode(result.stdout), result.stderr)
                show(guest:exec({ "printf", "%s|", "two words", "it's", "$HOME", "", "*", user = user }).stdout)
                show(guest:exec({ "id", "-un", user = user }).stdout)
                show(guest:exec({ "sh", "-c", "kill -TERM $$", check = false, user = user }).code)
                show(#guest:exec({ "head", "-c", "3000000", "/dev/zero", user = user }).stdout)
                """#)
            #expect(
                lines == [
                    "7", #""YQBi/wo=""#, #""oops\n""#, #""two words|it's|$HOME||*|""#,
                    "\"\(way.account)\\n\"",
                    "143", "3000000",
                ])
        }

        @Test(arguments: Way.allCases)
        func `a program that fails or takes too long is an error that says so`(way: Way) async throws {
            let guest = try await BootedGuest.shared()
            let lines = try await guest.run(
                #"""
                local user = \#(way.user)
                local function failure(command)
                    command.user = user
                    local value, e = limiq.try(function() return guest:exec(command) end)
                    show(value == nil, e.code, e.message, e.cause or "")
                end
                failure { "sh", "-c", "echo why >&2; exit 3" }
                failure { "sleep", "60", timeout = "1s" }
                """#)
            #expect(lines[..<4] == ["true", #""guest""#, #""sh in guest ended with code 3""#, #""why""#])
            #expect(lines[4..<6] == ["true", #""timeout""#])
            #expect(lines[6].contains("in guest has not ended after 1s"), "\(lines[6])")
        }

        @Test func `a program that is not there is an error that names it`() async throws {
            let guest = try await BootedGuest.shared()
            let lines = try await guest.run(
                """
                local _, e = limiq.try(function() guest:exec { "no-such-program" } end)
                show(e.code, tostring(e))
                """)
            #expect(lines[0] == #""guest""#)
            #expect(lines[1].contains("no-such-program"), "\(lines[1])")
        }

        @Test(arguments: Way.allCases)
        func `a file of any bytes is written with its mode and read back`(way: Way) async throws {
            let guest = try await BootedGuest.shared()
            let folder = guest.home.path
            let made = try await command(
                "sh", ["-c", "head -c 1048576 /dev/urandom >blob && sha256sum <blob"], folder: folder)
            let path = "/tmp/blob of \(way.rawValue)"
            let lines = try await guest.run(
                """
                local options = { user = \(way.user) }
                local path, sum = "\(path)", "sha256sum <'\(path)'; stat -c '%a %s %U' '\(path)'"
                guest:write_file(path, "longer than nothing", options)
                guest:write_file(path, limiq.file.read "blob", { mode = "0640", user = options.user })
                io.write(guest:exec({ "sh", "-c", sum }).stdout)
                limiq.file.write("copy", guest:read_file(path, options))
                guest:write_file(path, "", options)
                io.write(guest:exec({ "stat", "-c", "%a %s %U", path }).stdout)
                show(guest:read_file(path, options))
                """)
            #expect(
                lines == [
                    made.lines[0], "640 1048576 \(way.account)", "640 0 \(way.account)", #""""#,
                ])
            let same = try await command("cmp", ["blob", "copy"], folder: folder)
            #expect(same.status == 0, "\(same.output)")
        }

        @Test(arguments: Way.allCases)
        func `a file that cannot be read or written is an error that names it`(way: Way) async throws {
            let guest = try await BootedGuest.shared()
            let lines = try await guest.run(
                """
                local options = { user = \(way.user) }
                for _, call in ipairs {
                    function() guest:read_file("/nowhere/file", options) end,
                    function() guest:write_file("/nowhere/file", "x", options) end,
                } do
                    local _, e = limiq.try(call)
                    show(e.code, tostring(e))
                end
                """)
            #expect(lines[0] == #""guest""# && lines[2] == #""guest""#)
            for line in [lines[1], lines[3]] {
                #expect(line.contains(/\/nowhere\/file.*(No such file|Directory nonexistent)/), "\(line)")
            }
        }

        @Test func `its address is the one it has itself`() async throws {
            let guest = try await BootedGuest.shared()
            let lines = try await guest.run(
                """
                io.write(guest:exec({ "sh", "-c", "ip -4 -o addr show scope global | grep -o 'inet [0-9.]*'" }).stdout)
                print("inet " .. guest:address())
                show(vm:forward(22))
                """)
            #expect(lines[0] == lines[1])
            #expect(lines[2] == "\"127.0.0.1:\(guest.sshPort)\"")
            #expect(guest.firstRun.output.isEmpty)
        }

        @Test func `its console is readable text, the last lines of it or all`() async throws {
            let guest = try await BootedGuest.shared()
            let lines = try await guest.run(
                #"""
                guest:exec { "sh", "-c", [[printf 'one\n\033[1mtwo\033[0m\nthree\n' >/dev/console]] }
                -- The kernel may tell of a drive of an earlier test only now.
                local said = {}
                for line in guest:console({ tail = 50 }):gmatch("[^\n]+") do
                    if not line:find("^%[ *%d+%.%d+%] ") then said[#said + 1] = line end
                end
                print(said[#said - 1])
                print(said[#said])
                print(select(2, guest:console({ tail = 2 }):gsub("[^\n]+", "")))
                print(select(2, guest:console({ tail = 100000 }):gsub("Linux version", "")))
                """#)
            #expect(lines == ["two", "three", "2", "1"])
            let log = try await guest.home.limiq("logs", BootedGuest.name)
            #expect(log.status == 0)
            let pattern = /Cloud-init v\. [0-9.]+ finished at/
            #expect(log.output.contains(pattern), "the log goes on to the end: \(log.output.suffix(500))")
        }

        @Test func `a picture of its screen is a whole PNG`() async throws {
            let guest = try await BootedGuest.shared()
            _ = try await guest.run(#"guest:screenshot "screen.png""#)
            // The size is in IHDR; the pixels are one byte of filter a row and three bytes a pixel.
            let decoder = """
                import struct, sys, zlib
                data = open(sys.argv[1], "rb").read()
                assert data[:8] == b"\\x89PNG\\r\\n\\x1a\\n"
                at, pixels, size = 8, b"", None
                while at < len(data):
                    length, kind = struct.unpack(">I4s", data[at:at + 8])
                    body = data[at + 8:at + 8 + length]
                    assert struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == zlib.crc32(kind + body)
                    if kind == b"IHDR": size = struct.unpack(">IIBB", body[:10])
                    if kind == b"IDAT": pixels += body
                    at += 12 + length
                width, height, depth, color = size
                assert (depth, color, kind) == (8, 2, b"IEND")
                assert len(zlib.decompress(pixels)) == height * (1 + 3 * width)
                print(width, height)
                """
            let size = try await command("python3", ["-c", decoder, "\(guest.home.path)/screen.png"])
            let numbers = size.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            #expect(
                numbers.count == 2 && numbers[0] >= 640 && numbers[1] >= 400, "\(size.output)\(size.errors)")
        }

        @Test
        func `what is reached already is not waited for, in a process that did not see it happen either`()
            async throws
        {
            let guest = try await BootedGuest.shared()
            for goal in ["running", "address", "agent", "ssh", "cloud-init"] {
                let began = ContinuousClock.now
                _ = try await guest.run(#"guest:wait("\#(goal)", { timeout = "30s" })"#)
                let took = began.duration(to: .now)
                #expect(took < .seconds(10), "waiting for \(goal) took \(took)")
            }
        }
    }
}
