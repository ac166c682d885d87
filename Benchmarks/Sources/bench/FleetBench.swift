import Foundation

/// Many machines from one script: what a thousand and ten thousand cost on libvirt's test driver, where the hypervisor
/// itself is next to free, and fifty real guests beside a shell.
struct FleetBench {
    private static let uri = "qemu:///system"

    let limiq: String
    let scratch: String

    func run() throws {
        try simulated()
        try real()
    }

    private func script(_ file: String, _ text: String) throws -> String {
        let path = "\(scratch)/\(file).lua"
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        return path
    }

    // MARK: simulated

    private func simulated() throws {
        let fleet = try script(
            "fleet",
            """
            local limiq = require "limiq"
            local count = limiq.params({ count = 0 }).count
            local names = {}
            for i = 1, count do names[i] = ("bench-%05d"):format(i) end
            local function up(name) limiq.vm { name = name, memory = "64MiB" }:up() end
            limiq.each(names, up)
            print "made"
            limiq.each(names, up)
            print "unchanged"
            """)
        print("\nmachines on test:///default, all asked for at once: made, then a second time with nothing to change")
        print("  machines       made   unchanged        CPU    memory   threads   files")
        for count in [100, 1000, 10_000] {
            let run = try watched([limiq, "run", fleet, "--connect", "test:///default", "--set", "count=\(count)"])
            guard let made = run.lines["made"], let unchanged = run.lines["unchanged"] else {
                throw BenchError("the run of \(count) machines printed \(run.lines)")
            }
            print(
                String(
                    format: "  %8d %7.2f s   %7.2f s %7.2f s %5d MiB %9d %7d", count, made, unchanged - made, run.cpu,
                    run.memory >> 10, run.threads, run.files))
            fflush(nil)
        }
        print("  (goal: nothing to change over 1,000 machines under 2 s)")
    }

    private struct Watched {
        /// Seconds since the start, by what was printed then.
        var lines: [String: Double] = [:]
        /// Seconds.
        var cpu = 0.0
        /// The most, in KiB.
        var memory = 0
        var threads = 0
        var files = 0
    }

    /// Runs a program and looks at its process every few milliseconds.
    private func watched(_ words: [String]) throws -> Watched {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(["LIMIQ_HOME": scratch + "/fleet-home"]) { $1 }
        let output = scratch + "/fleet-output"
        try Data().write(to: URL(fileURLWithPath: output))
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle.nullDevice
        let began = ContinuousClock.now
        try process.run()
        var run = Watched()
        let folder = "/proc/\(process.processIdentifier)"
        while process.isRunning {
            for line in text(output).split(separator: "\n") where run.lines[String(line)] == nil {
                run.lines[String(line)] = began.duration(to: .now) / .seconds(1)
            }
            let status = text(folder + "/status")
            run.memory = max(run.memory, number("VmHWM:", in: status))
            run.threads = max(run.threads, number("Threads:", in: status))
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/fd").count) ?? 0
            run.files = max(run.files, files)
            // proc(5), /proc/PID/stat: user and system time are the 14th and 15th field, the 3rd is the first here.
            let fields = text(folder + "/stat").split(separator: ")").last?.split(separator: " ") ?? []
            if fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) {
                run.cpu = (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
            }
            usleep(5000)
        }
        guard process.terminationStatus == 0 else { throw BenchError("\(words.joined(separator: " ")) failed") }
        return run
    }

    private func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    private func number(_ field: String, in status: String) -> Int {
        let line = status.split(separator: "\n").first { $0.hasPrefix(field) } ?? ""
        return Int(line.filter(\.isNumber)) ?? 0
    }

    // MARK: real guests

    private func real() throws {
        let names = (1...50).map { String(format: "bench-%02d", $0) }
        let fleet = try script(
            "guests",
            """
            local limiq = require "limiq"
            local names = {}
            for i = 1, 50 do names[i] = ("bench-%02d"):format(i) end
            limiq.each(names, { limit = 16 }, function(name)
                limiq.vm { name = name, memory = "64MiB", disks = { { id = "data", size = "16GiB" } } }:up()
            end)
            """)
        let environment = ["LIMIQ_HOME": scratch + "/home"]
        let folder = scratch + "/guests"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let shell = """
            set -e
            qemu-img create -q -f qcow2 '\(folder)'/"$1".qcow2 16G
            sed "s/bench-01/$1/g; /<uuid>/d; s|<source file='.*'|<source file='\(folder)/$1.qcow2'|
                s|'[^']*/console.log'|'\(folder)/$1.log'|" '\(scratch)/guest.xml' >'\(folder)'/"$1".xml
            virsh -q -c \(Self.uri) define '\(folder)'/"$1".xml
            virsh -q -c \(Self.uri) start "$1"
            """
        let install = """
            virt-install --connect \(Self.uri) --name "$1" --memory 64 --vcpus 1 --virt-type qemu --import --osinfo generic \
                --disk path='\(folder)'/"$1".qcow2,size=16 --network none --graphics none --noautoconsole
            """
        let remove = """
            virsh -q -c \(Self.uri) destroy "$1"
            virsh -q -c \(Self.uri) undefine "$1" && rm '\(folder)'/"$1".qcow2
            """
        // A way that fails leaves some behind, which the next run would take for somebody's.
        defer { _ = try? program("parallel", ["-j", "16", "sh", "-c", quoted(remove), "sh", "{}", ":::"] + names) }
        var comparison = Comparison("50 real guests of 64 MiB with a disk each, from nothing to running")
        comparison.add("one limiq script, limit = 16") {
            let took = try milliseconds {
                try program(limiq, ["run", fleet, "--connect", Self.uri], environment: environment)
            }
            let xml = try program("virsh", ["-c", Self.uri, "dumpxml", "--inactive", names[0]])
            try withoutMetadata(xml).write(toFile: scratch + "/guest.xml", atomically: false, encoding: .utf8)
            try program(limiq, ["rm"] + names + ["--connect", Self.uri], environment: environment)
            return took
        }
        for (name, script, words) in [
            ("parallel -j 16, qemu-img and virsh", shell, ["parallel", "-j", "16"]),
            ("virt-install in a loop", install, ["parallel", "-j", "1"]),
        ] {
            comparison.add(name) {
                let took = try milliseconds {
                    try program(words[0], Array(words.dropFirst()) + ["sh", "-c", quoted(script), "sh", "{}", ":::"] + names)
                }
                try program("parallel", ["-j", "16", "sh", "-c", quoted(remove), "sh", "{}", ":::"] + names)
                return took
            }
        }
        try comparison.run(3)
    }

    /// A copy is not limiq's.
    private func withoutMetadata(_ xml: String) -> String {
        guard let start = xml.range(of: "<metadata>"), let end = xml.range(of: "</metadata>") else { return xml }
        return String(xml[..<start.lowerBound] + xml[end.upperBound...])
    }

    /// GNU parallel joins its words and gives them to a shell.
    private func quoted(_ text: String) -> String { "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'" }
}
