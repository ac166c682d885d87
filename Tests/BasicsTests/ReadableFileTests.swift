import Basics
import Glibc
import Support
import Testing

@Suite struct `A file that is read` {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        try body(folder.path)
    }

    private func complaint(_ path: String, atMost limit: Int = ReadLimit.bytes) -> String? {
        do throws(Failure) { _ = try fileBytes(path, atMost: limit) } catch { return error.message }
        return nil
    }

    @Test func `only regular files are read`() throws {
        try withFolder { folder in
            mkfifo(folder + "/fifo", 0o600)
            symlink("fifo", folder + "/link")
            #expect(complaint(folder + "/fifo") == "\(folder)/fifo is a FIFO, not a file")
            #expect(complaint(folder + "/link") == "\(folder)/link is a FIFO, not a file")
            #expect(complaint("/dev/zero") == "/dev/zero is a device, not a file")
            #expect(complaint(folder) == "\(folder) is a folder, not a file")
            #expect(complaint(folder + "/none") == "cannot open \(folder)/none: there is no such file")
        }
    }

    @Test func `a file holds no more than it may`() throws {
        try withFolder { folder in
            let path = folder + "/file"
            let file = try #require(fopen(path, "w"))
            fputs("12345", file)
            fclose(file)
            #expect(try fileBytes(path, atMost: 5) == Array("12345".utf8))
            #expect(
                complaint(path, atMost: 4)
                    == "\(path) is 5 bytes, more than the 4 bytes that are read at once")
            #expect(truncate(path, 1 << 43) == 0)
            #expect(complaint(path) == "\(path) is 8 TiB, more than the 256 MiB that are read at once")
            // Those of /proc do not say how long they are.
            #expect(try fileBytes("/proc/self/stat", atMost: 4096).isEmpty == false)
            #expect(complaint("/proc/self/stat", atMost: 4)?.contains("more than the 4 bytes") == true)
        }
    }
}
