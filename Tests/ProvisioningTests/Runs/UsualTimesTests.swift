import Basics
import Foundation
import HostFiles
import Steps
import Support
import Testing

@testable import Provisioning

@Suite struct `What is usual` {
    private static func like(
        _ image: String? = "debian-12", _ way: Likeness.Way = .new, host: String = "qemu:///system"
    ) -> Likeness {
        Likeness(image: image, host: host, acceleration: "kvm", way: way, goal: "cloud-init")
    }

    private static func sample(_ seconds: Double) -> UsualTimes.Sample {
        UsualTimes.Sample(
            steps: [Step(.cloudInit): .seconds(seconds - 1), Step(.start): .seconds(1)],
            total: .seconds(seconds))
    }

    private static func with(_ body: (StateFolder) throws -> Void) throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        try body(StateFolder(root: folder.path))
    }

    @Test func `is the median of the last nine runs`() throws {
        try Self.with { state in
            #expect(UsualTimes(in: state).total(Self.like()) == nil)
            for seconds in [1000, 1000, 1000, 1000, 1000, 10, 11, 12, 13, 14, 15, 16, 17, 90] {
                UsualTimes.add([Self.like(): Self.sample(Double(seconds))], in: state)
            }
            let times = UsualTimes(in: state)
            #expect(times.total(Self.like()) == .seconds(14))
            #expect(times.time(of: Step(.cloudInit), Self.like()) == .seconds(13))
            #expect(times.time(of: Step(.agent), Self.like()) == nil)
        }
    }

    @Test func `is known for the same image, host and way alone`() throws {
        try Self.with { state in
            UsualTimes.add([Self.like(): Self.sample(60)], in: state)
            let times = UsualTimes(in: state)
            #expect(times.total(Self.like("debian-13")) == nil)
            #expect(times.total(Self.like(nil)) == nil)
            #expect(times.total(Self.like("debian-12", .warm)) == nil)
            #expect(times.total(Self.like("debian-12", host: "qemu+ssh://far/system")) == nil)
        }
    }

    @Test(arguments: [
        "", "nonsense", "[]", "{\"format\":1}", "{\"format\":1,\"machines\":[{}]}",
        "{\"format\":1,\"machines\":null}",
    ])
    func `is nothing where the file is damaged, which is then made anew`(text: String) throws {
        try Self.with { state in
            try Data(text.utf8).write(to: URL(fileURLWithPath: state.times))
            #expect(UsualTimes(in: state).total(Self.like()) == nil)
            UsualTimes.add([Self.like(): Self.sample(60)], in: state)
            #expect(UsualTimes(in: state).total(Self.like()) == .seconds(60))
        }
    }

    @Test func `is left to another version whose file it is`() throws {
        try Self.with { state in
            let text = "{\"format\":2,\"whatever\":true}"
            try Data(text.utf8).write(to: URL(fileURLWithPath: state.times))
            UsualTimes.add([Self.like(): Self.sample(60)], in: state)
            #expect(UsualTimes(in: state).total(Self.like()) == nil)
            #expect(try String(contentsOfFile: state.times, encoding: .utf8) == text)
        }
    }

    @Test(arguments: ["-5", "1e30", "99999999999999"]) func `is nothing that no run takes`(number: String)
        throws
    {
        try Self.with { state in
            UsualTimes.add([Self.like(): Self.sample(60)], in: state)
            let text = try String(contentsOfFile: state.times, encoding: .utf8)
            try Data(text.replacing("[60000]", with: "[\(number)]").utf8).write(
                to: URL(fileURLWithPath: state.times))
            #expect(UsualTimes(in: state).total(Self.like()) == nil)
        }
    }

    @Test func `is not all that ever was: the file keeps the kinds of the latest runs`() throws {
        try Self.with { state in
            for number in 0..<UsualTimes.kinds / 50 + 2 {
                let samples = (0..<50).map { (Self.like("image-\(number)-\($0)"), Self.sample(60)) }
                UsualTimes.add(Dictionary(uniqueKeysWithValues: samples), in: state)
            }
            let text = try String(contentsOfFile: state.times, encoding: .utf8)
            #expect(text.components(separatedBy: "\"image\"").count == UsualTimes.kinds + 1)
        }
    }

    @Test func `has every run's times where several end at once`() async throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let state = StateFolder(root: folder.path)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    UsualTimes.add([Self.like("image-\(number)"): Self.sample(60)], in: state)
                }
            }
        }
        let times = UsualTimes(in: state)
        #expect((0..<8).allSatisfy { times.total(Self.like("image-\($0)")) == .seconds(60) })
        #expect(folderNames(folder.path) == ["times.json"])
    }

    @Test func `cannot be kept in a folder that is not there, and nobody minds`() throws {
        UsualTimes.add([Self.like(): Self.sample(60)], in: StateFolder(root: "/nowhere/at/all"))
    }
}
