import Basics
import Glibc
import Primitives
import Testing

struct FileTests {
    private static let binary = Value.bytes([0, 255, 10, 13, 128])

    @Test("What is written is read back, text or bytes, relative to the script's folder")
    func roundTrip() throws {
        let host = try HostSide()
        for content in ["", "wörter\r\n", Self.binary] as [Value] {
            _ = try host.call("file.write", "a.txt", content, in: fileDefinitions)
            #expect(try host.call("file.read", "a.txt", in: fileDefinitions) == content)
            #expect(try host.call("file.read", .string(host.folder + "/a.txt"), in: fileDefinitions) == content)
        }
        _ = try host.call("file.write", "secret", .secret("hush"), in: fileDefinitions)
        #expect(try host.call("file.read", "secret", in: fileDefinitions) == "hush")
    }

    @Test("A large file comes back whole")
    func large() throws {
        let host = try HostSide()
        let content = Value.bytes((0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 31 | 128) })
        _ = try host.call("file.write", "big", content, in: fileDefinitions)
        #expect(try host.call("file.read", "big", in: fileDefinitions) == content)
    }

    @Test("The mode is what is asked for, else that of the file in its place")
    func modes() throws {
        let host = try HostSide()
        func mode() -> mode_t {
            var info = stat()
            return stat(host.folder + "/a", &info) == 0 ? info.st_mode & 0o7777 : 0
        }
        _ = try host.call("file.write", "a", "1", ["mode": "0600"], in: fileDefinitions)
        #expect(mode() == 0o600)
        _ = try host.call("file.write", "a", "2", in: fileDefinitions)
        #expect(mode() == 0o600)
        _ = try host.call("file.write", "a", "3", ["mode": "755"], in: fileDefinitions)
        #expect(mode() == 0o755)
        let refused = failure { try host.call("file.write", "a", "4", ["mode": 644], in: fileDefinitions) }
        #expect(refused.code == .badField)
        #expect(refused.hint?.contains("mode = \"0644\"") == true)
        #expect(try host.call("file.read", "a", in: fileDefinitions) == "3")
    }

    @Test("A failed write leaves what was there, and nothing else in the folder")
    func atomic() throws {
        let host = try HostSide()
        #expect(mkdir(host.folder + "/taken", 0o755) == 0)
        let refused = failure { try host.call("file.write", "taken", "x", in: fileDefinitions) }
        #expect(refused.code == .io)
        #expect(refused.message == "cannot write \(host.folder)/taken: is a directory")
        #expect(failure { try host.call("file.write", "no/such", "x", in: fileDefinitions) }.code == .notFound)
        #expect(try names(host.call("file.list", ".", in: fileDefinitions)) == ["taken"])
    }

    @Test("A write through a link changes the file it stands for")
    func link() throws {
        let host = try HostSide()
        _ = try host.call("file.write", "real", "1", in: fileDefinitions)
        #expect(symlink("real", host.folder + "/link") == 0)
        _ = try host.call("file.write", "link", "2", in: fileDefinitions)
        #expect(try host.call("file.read", "real", in: fileDefinitions) == "2")
        var info = stat()
        #expect(lstat(host.folder + "/link", &info) == 0 && info.st_mode & S_IFMT == S_IFLNK)
    }

    @Test("What cannot be read is named with the reason, and a FIFO does not hang")
    func unreadable() throws {
        let host = try HostSide()
        #expect(mkfifo(host.folder + "/fifo", 0o600) == 0)
        let missing = failure { try host.call("file.read", "none", in: fileDefinitions) }
        #expect(missing.code == .notFound)
        #expect(missing.message == "cannot read \(host.folder)/none: no such file or directory")
        #expect(failure { try host.call("file.read", ".", in: fileDefinitions) }.message.hasSuffix("it is a folder"))
        #expect(failure { try host.call("file.read", "fifo", in: fileDefinitions) }.message.hasSuffix("it is not a regular file"))
        #expect(failure { try host.call("file.read", in: fileDefinitions) }.message == "path is missing")
    }

    @Test("Files of /proc, which say they are empty, are read whole")
    func proc() throws {
        let host = try HostSide()
        #expect(try host.call("file.read", "/proc/self/status", in: fileDefinitions).string?.contains("Pid:") == true)
    }

    @Test("A folder's list is sorted and says what each entry is")
    func list() throws {
        let host = try HostSide()
        for name in ["b", "a", ".hidden", "ü"] { _ = try host.call("file.write", .string(name), "123", in: fileDefinitions) }
        #expect(mkdir(host.folder + "/B", 0o755) == 0)
        #expect(symlink("nowhere", host.folder + "/dangling") == 0)
        #expect(try host.call("file.list", ".", in: fileDefinitions) == [
            ["name": ".hidden", "kind": "file", "size": 3], ["name": "B", "kind": "folder"],
            ["name": "a", "kind": "file", "size": 3], ["name": "b", "kind": "file", "size": 3],
            ["name": "dangling", "kind": "other"], ["name": "ü", "kind": "file", "size": 3],
        ])
        #expect(failure { try host.call("file.list", "a", in: fileDefinitions) }.message.hasSuffix("not a directory"))
    }

    @Test("exists is true for files and folders, false for nothing")
    func exists() throws {
        let host = try HostSide()
        _ = try host.call("file.write", "a", "", in: fileDefinitions)
        #expect(try host.call("file.exists", "a", in: fileDefinitions) == true)
        #expect(try host.call("file.exists", ".", in: fileDefinitions) == true)
        #expect(try host.call("file.exists", "b", in: fileDefinitions) == false)
        #expect(try host.call("file.exists", "a/b", in: fileDefinitions) == false)
    }

    private func names(_ value: Value) -> [String] { (value.list ?? []).compactMap { $0["name"]?.string } }
}
