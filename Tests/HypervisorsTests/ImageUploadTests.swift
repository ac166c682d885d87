import Basics
import Glibc
import Support
import Testing

@testable import Hypervisors

@Suite struct `Putting a file on another machine, once` {
    private static func write(_ bytes: [UInt8], _ path: String) {
        append(String(decoding: bytes, as: UTF8.self), to: path, truncate: true)
    }

    private static func upload(
        _ storage: FakeStorage, host: String = "a", patience: Duration = .seconds(20),
        tell: @escaping (String) -> Void = { _ in }
    ) -> ImageUpload {
        ImageUpload(
            storage: FakeHypervisor(uri: "fake+ssh://\(host)/system", storage: storage), pool: "limiq",
            patience: patience, cancellation: Cancellation(), tell: tell)
    }

    @Test func `many at once, from two hosts that share the pool, make one volume with the file's bytes`()
        async throws
    {
        try await ScratchFolder.with { folder in
            let path = folder + "/debian 12.raw"
            Self.write([UInt8](repeating: 0x61, count: 3 << 20), path)
            let storage = FakeStorage()
            let paths = try await withThrowingTaskGroup(of: String.self) { group in
                for index in 0..<8 {
                    group.addTask {
                        try await onThread {
                            try Self.upload(storage, host: "node\(index % 2)")
                                .volume(for: path, ending: "raw").path
                        }
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(paths.count == 1)
            #expect(storage.made.count == 1)
            let name = try #require(storage.made.first)
            #expect(name.hasPrefix("debian-12-") && name.hasSuffix(".1.raw"))
            #expect(storage.bytes(name) == [UInt8](repeating: 0x61, count: 3 << 20))
        }
    }

    @Test func `a file that changed is another volume, one that only moved is not`() async throws {
        try await ScratchFolder.with { folder in
            let storage = FakeStorage()
            func names(_ path: String) throws -> String {
                try Self.upload(storage).volume(for: path, ending: "raw").volume.name
            }
            Self.write(Array("one".utf8), folder + "/base.raw")
            let first = try names(folder + "/base.raw")
            mkdir(folder + "/elsewhere", 0o755)
            rename(folder + "/base.raw", folder + "/elsewhere/base.raw")
            #expect(try names(folder + "/elsewhere/base.raw") == first)
            Self.write(Array("two".utf8), folder + "/elsewhere/base.raw")
            #expect(try names(folder + "/elsewhere/base.raw") != first)
            #expect(storage.made.count == 2)
        }
    }

    @Test func `what was left half-way is removed when it grows no more, and one that grows is waited for`()
        async throws
    {
        try await ScratchFolder.with { folder in
            let path = folder + "/base.raw"
            Self.write([UInt8](repeating: 0x62, count: 1000), path)
            let storage = FakeStorage()
            let name = try Self.upload(storage).volume(for: path, ending: "raw").volume.name
            let volume = HostVolume(pool: "limiq", name: name)
            // Cut as by a writer that was killed.
            storage.state.withLock { $0.volumes[volume]?.bytes.removeLast(10) }
            let grower = Mailbox<Void>()
            startThread {
                // A writer that lives, and is slow: longer altogether than the patience.
                for _ in 0..<5 {
                    usleep(300_000)
                    storage.state.withLock { state in
                        state.volumes[volume]?.bytes.append(0x62)
                        state.volumes[volume]?.changes += 1
                    }
                }
                grower.put(())
            }
            let began = ContinuousClock.now
            let found = try Self.upload(storage, patience: .milliseconds(800)).volume(
                for: path, ending: "raw")
            #expect(grower.next(before: .now) != nil)
            #expect(began.duration(to: .now) > .milliseconds(2000))
            #expect(found.volume.name == name.replacing(".1.raw", with: ".2.raw"))
            #expect(storage.names == [found.volume.name])
            #expect(storage.bytes(found.volume.name) == [UInt8](repeating: 0x62, count: 1000))
        }
    }

    @Test func `a writer that is slow and alive is not robbed of its volume`() async throws {
        try await ScratchFolder.with { folder in
            let path = folder + "/base.raw"
            Self.write([UInt8](repeating: 0x63, count: 1000), path)
            let storage = FakeStorage()
            let name = try Self.upload(storage).volume(for: path, ending: "raw").volume.name
            let volume = HostVolume(pool: "limiq", name: name)
            storage.state.withLock { state in
                state.volumes[volume]?.bytes.removeLast(1)
                state.volumes[volume]?.isInUse = true
            }
            startThread {
                usleep(1_000_000)
                storage.state.withLock { state in
                    state.volumes[volume]?.bytes.append(0x63)
                    state.volumes[volume]?.isInUse = false
                }
            }
            let found = try Self.upload(storage, patience: .milliseconds(100)).volume(
                for: path, ending: "raw")
            #expect(found.volume.name == name)
            #expect(storage.made == [name])
        }
    }

    @Test func `an upload that fails leaves nothing, and one that is cancelled neither`() async throws {
        try await ScratchFolder.with { folder in
            let path = folder + "/base.raw"
            Self.write([UInt8](repeating: 0x64, count: 3 << 20), path)
            let storage = FakeStorage()
            let cancellation = Cancellation()
            let upload = ImageUpload(
                storage: FakeHypervisor(storage: storage), pool: "limiq", cancellation: cancellation
            ) { _ in
                // Begun: the first thing that is told.
                cancellation.cancel()
            }
            #expect {
                try upload.volume(for: path, ending: "raw")
            } throws: { error in (error as? Failure)?.code == .cancelled }
            #expect(storage.made.count == 1)
            #expect(storage.names.isEmpty)
        }
    }

    @Test func `holes of a file go as holes, the one at its end too`() async throws {
        try await ScratchFolder.with { folder in
            let path = folder + "/sparse.raw"
            let file = open(path, O_RDWR | O_CREAT, 0o600)
            defer { close(file) }
            var data = [UInt8](repeating: 7, count: 4096)
            pwrite(file, &data, data.count, 8 << 20)
            ftruncate(file, 16 << 20)
            var reader = SparseReader(try ReadableFile(path))
            var (bytes, holes, order): (UInt64, UInt64, [String]) = (0, 0, [])
            while let part = try reader.next() {
                switch part {
                case .bytes(let part):
                    bytes += UInt64(part.count)
                    order.append("bytes")
                case .hole(let count):
                    holes += count
                    order.append("hole")
                }
            }
            #expect(order == ["hole", "bytes", "hole"])
            #expect(bytes == 4096)
            #expect(bytes + holes == 16 << 20)
        }
    }
}
