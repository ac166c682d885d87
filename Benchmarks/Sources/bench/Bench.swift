import DiskImages
import Foundation
import GuestConfig
import MachineSpec

/// Prints what limiq costs beside its peers and beside the floor, each pair measured in one run.
@main
struct Bench {
    static func main() {
        do { try measure() } catch {
            FileHandle.standardError.write(Data("bench: \(error)\n".utf8))
            exit(1)
        }
    }

    private static func measure() throws {
        let limiq = try value("LIMIQ_BINARY")
        if CommandLine.arguments.dropFirst().first == "fleet" {
            return try inScratchFolder { try FleetBench(limiq: limiq, scratch: $0).run() }
        }
        let floor = try value("LIMIQ_FLOOR")
        let image = try value("LIMIQ_IMAGE")
        try inScratchFolder { scratch in
            try overlay(scratch, image)
            try seed(scratch)
            try startUp(limiq, scratch)
            try calls(limiq, scratch)
            try thousand(limiq, scratch)
            try MachineBench(limiq: limiq, floor: floor, scratch: scratch, image: image).run()
        }
    }

    private static func inScratchFolder(_ body: (String) throws -> Void) throws {
        let scratch = "/tmp/limiq-bench-\(getpid())"
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        try body(scratch)
    }

    private static func value(_ name: String) throws -> String {
        guard let value = ProcessInfo.processInfo.environment[name] else {
            throw BenchError("run scripts/bench, which sets \(name)")
        }
        return value
    }

    private static func overlay(_ scratch: String, _ image: String) throws {
        var comparison = Comparison("overlay on a qcow2 image")
        let path = scratch + "/overlay.qcow2"
        comparison.add("limiq.disk.overlay") {
            try? FileManager.default.removeItem(atPath: path)
            return try milliseconds { _ = try Overlay.create(path, base: image) }
        }
        comparison.add("qemu-img create -b -F") {
            try? FileManager.default.removeItem(atPath: path)
            return try milliseconds { try program("qemu-img", ["create", "-q", "-f", "qcow2", "-b", image, "-F", "qcow2", path]) }
        }
        try comparison.run()
    }

    private static func seed(_ scratch: String) throws {
        var comparison = Comparison("cidata image of four files")
        let path = scratch + "/seed.iso"
        let files = [
            "user-data": "#cloud-config\nusers: []\n", "meta-data": "instance-id: i-1\n",
            "network-config": "version: 2\n", "vendor-data": "#cloud-config\n{}\n",
        ]
        let documents = CloudInitSpec(
            userData: files["user-data"].map(CloudInitDocument.text),
            metaData: files["meta-data"].map(CloudInitDocument.text),
            networkConfig: files["network-config"].map(CloudInitDocument.text),
            vendorData: files["vendor-data"].map(CloudInitDocument.text))
        let folder = scratch + "/seed"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (name, text) in files {
            try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
        }
        comparison.add("limiq.cidata.create") {
            try? FileManager.default.removeItem(atPath: path)
            return try milliseconds { try Cidata.create(path, documents, name: "web", user: nil) }
        }
        comparison.add("genisoimage -J -R -V cidata") {
            try milliseconds { try program("genisoimage", ["-quiet", "-o", path, "-V", "cidata", "-J", "-R", folder]) }
        }
        try comparison.run()
    }

    private static func startUp(_ limiq: String, _ scratch: String) throws {
        let empty = scratch + "/empty.lua"
        try "".write(toFile: empty, atomically: false, encoding: .utf8)
        var version = Comparison("start-up", goal: "--version at most 1.0, an empty script at most 1.3 of virsh --version")
        version.add("limiq --version") { try milliseconds { try program(limiq, ["--version"]) } }
        version.add("virsh --version") { try milliseconds { try program("virsh", ["--version"]) } }
        version.add("limiq run empty.lua") { try milliseconds { try program(limiq, ["run", empty]) } }
        try version.run(40)
    }

    /// From inside a script: the clock of the script's own process.
    private static func calls(_ limiq: String, _ scratch: String) throws {
        let script = scratch + "/calls.lua"
        try """
            local limiq = require "limiq"
            local decode, began = limiq.yaml.decode, os.clock()
            for _ = 1, 20000 do decode "" end
            print((os.clock() - began) / 20000 * 1e6)
            """.write(toFile: script, atomically: false, encoding: .utf8)
        let samples = try (0..<20).map { _ in
            Double(try program(limiq, ["run", script]).trimmingCharacters(in: .whitespacesAndNewlines)) ?? .nan
        }
        print(String(format: "\none primitive call (goal 3 µs)\n  limiq.yaml.decode of an empty text %16.2f µs", median(samples)))
    }

    private static func thousand(_ limiq: String, _ scratch: String) throws {
        let script = scratch + "/thousand.lua"
        try """
            local limiq = require "limiq"
            local names = {}
            for i = 1, 1000 do names[i] = ("bench-%04d"):format(i) end
            limiq.each(names, { limit = 64 }, function(name)
                local domain = limiq.domain.define { name = name, memory = "64MiB" }
                domain:start()
                domain:destroy()
                domain:undefine()
            end)
            """.write(toFile: script, atomically: false, encoding: .utf8)
        let took = try (0..<3).map { _ in
            try milliseconds { try program(limiq, ["run", script, "--connect", "test:///default"], environment: ["LIMIQ_HOME": scratch + "/test-home"]) }
        }
        print(String(format: "\n1,000 machines × define, start, destroy, undefine on test:///default\n  one script %32.0f ms", median(took)))
    }
}
