import Foundation
import HostFiles
import Hypervisors

/// `up` without a wait, beside libvirt's own two calls and beside other tools: on the system daemon, as it comes, and where
/// limiq has daemons of its own on those too.
struct MachineBench {
    private static let uri = "qemu:///system"

    let limiq: String
    let floor: String
    let scratch: String
    let image: String

    private var home: String { scratch + "/home" }
    private var environment: [String: String] { ["LIMIQ_HOME": home] }

    /// A machine with an overlay, a seed and a network card.
    private func description(_ name: String) -> String {
        """
        local limiq = require "limiq"
        local vm = limiq.vm { name = "\(name)", memory = "512MiB",
            disks = { { id = "boot", bootable = true, backing_file = "\(image)" } },
            nics = { { id = "lan" } },
            cloud_init = { user_data = "#cloud-config\\n{}\\n" } }

        """
    }

    private func script(_ file: String, _ text: String) throws -> String {
        let path = "\(scratch)/\(file).lua"
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        return path
    }

    func run() throws {
        let xml = try floorDescription()
        try besideTheFloor(xml)
        try besideOtherTools(xml)
        try program(limiq, ["rm", "floor", "--connect", Self.uri], environment: environment)
    }

    /// What limiq defines for the machine, for those who define the same.
    private func floorDescription() throws -> String {
        let keep = try script(
            "keep",
            description("floor")
                + "vm:up { start = false }\nprint(vm.domain:xml { inactive = true })\nvm.domain:undefine()\n")
        let path = scratch + "/floor.xml"
        try program(limiq, ["run", keep, "--connect", Self.uri], environment: environment)
            .write(toFile: path, atomically: false, encoding: .utf8)
        return path
    }

    /// In blocks that take turns: a machine that slows down slows both.
    private func besideTheFloor(_ xml: String) throws {
        let five = try script(
            "five",
            description("bench") + "for _ = 1, 5 do\n    vm:up { wait = \"running\" }\n    vm:remove()\nend\n")
        var ups: [Double] = []
        var owns: [Double] = []
        var floors: [Double] = []
        for _ in 0..<5 {
            ups += try measuredUps(five, on: Self.uri)
            // The system's daemon, which runs, would be chosen before them.
            owns += try measuredUps(five, on: PrivateDaemons(state: StateFolder(root: home)).uri)
            floors += try program(floor, [Self.uri, xml, "5"])
                .split(separator: "\n").compactMap { Double($0) }
        }
        guard ups.count >= 20, owns.count >= 20, floors.count >= 20 else {
            throw BenchError("only \(ups.count) and \(floors.count) samples of up and of its floor")
        }
        let (up, bare) = (median(ups), median(floors))
        print("\nup without a wait, medians of \(ups.count) (goal at most 1.05 of the floor, or within 10 ms)")
        print(line("vm:up: overlay, seed, define, start", up))
        print(
            line("virDomainDefineXML + virDomainCreate in C", bare)
                + String(format: "   limiq/this %.2f (%+.1f ms)", up / bare, up - bare))
        let own = median(owns)
        print(
            line("vm:up on limiq's own daemons (goal at most 0.95 of that)", own)
                + String(format: "   this/bare %.2f (%+.1f ms)", own / bare, own - bare))
        fflush(nil)
    }

    /// Milliseconds of each `up` of a script.
    private func measuredUps(_ script: String, on uri: String) throws -> [Double] {
        let events = try program(
            limiq, ["run", script, "--json", "--connect", uri], environment: environment)
        return events.split(separator: "\n").compactMap { line in
            let event = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            guard event?["event"] as? String == "work_end", event?["action"] as? String == "up" else {
                return nil
            }
            return (event?["seconds"] as? Double).map { $0 * 1000 }
        }
    }

    /// Whole processes, from nothing to a machine that runs; the clean-up is not counted.
    private func besideOtherTools(_ xml: String) throws {
        let up = try script("up", description("bench") + "vm:up { wait = \"running\" }\n")
        let seed = scratch + "/peer-seed"
        try FileManager.default.createDirectory(atPath: seed, withIntermediateDirectories: true)
        try "#cloud-config\n{}\n".write(toFile: seed + "/user-data", atomically: false, encoding: .utf8)
        try "instance-id: i-1\n".write(toFile: seed + "/meta-data", atomically: false, encoding: .utf8)

        var comparison = Comparison("from nothing to a running machine, a process each")
        comparison.add("limiq run") {
            let took = try milliseconds {
                try program(limiq, ["run", up, "--connect", Self.uri], environment: environment)
            }
            try program(limiq, ["rm", "bench", "--connect", Self.uri], environment: environment)
            return took
        }
        let folder = home + "/vms/floor"
        let pipeline = """
            set -e
            qemu-img create -q -f qcow2 -b '\(image)' -F qcow2 '\(folder)/boot.qcow2'
            genisoimage -quiet -o '\(folder)/seed.iso' -V cidata -J -R '\(seed)'
            virsh -q -c \(Self.uri) define '\(xml)'
            virsh -q -c \(Self.uri) start floor
            """
        comparison.add("qemu-img, genisoimage, virsh define, start") {
            for file in ["boot.qcow2", "seed.iso"] {
                try? FileManager.default.removeItem(atPath: "\(folder)/\(file)")
            }
            let took = try milliseconds { try program("sh", ["-c", pipeline]) }
            try end("floor")
            return took
        }
        comparison.add("virt-install --cloud-init") {
            let took = try milliseconds {
                try program(
                    "virt-install",
                    [
                        "--connect", Self.uri, "--name", "peer", "--memory", "512", "--vcpus", "1", "--virt-type",
                        "qemu", "--import", "--osinfo", "debian11", "--disk",
                        "path=\(scratch)/peer.qcow2,backing_store=\(image),backing_format=qcow2,size=20", "--cloud-init",
                        "user-data=\(seed)/user-data", "--network", "user", "--graphics", "none",
                        "--noautoconsole",
                    ])
            }
            try end("peer")
            try? FileManager.default.removeItem(atPath: scratch + "/peer.qcow2")
            return took
        }
        try comparison.run()
    }

    private func end(_ name: String) throws {
        try program("virsh", ["-q", "-c", Self.uri, "destroy", name])
        try program("virsh", ["-q", "-c", Self.uri, "undefine", "--nvram", name])
    }
}
