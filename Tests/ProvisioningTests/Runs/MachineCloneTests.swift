import GuestConfig
import HostFiles
import MachineSpec
import Support
import Testing

@testable import Provisioning

@Suite struct `The spec of a clone` {
    private var source: VMSpec {
        var spec = VMSpec(name: "web-01")
        spec.memoryMiB = 2048
        spec.labels = ["tier": "web"]
        spec.protect = true
        var disk = DiskSpec(id: "boot")
        disk.backingFile = "/images/debian-12.qcow2"
        disk.bootable = true
        var given = DiskSpec(id: "data")
        given.path = "/srv/data.qcow2"
        var tools = DiskSpec(id: "tools")
        tools.path = "/srv/tools.raw"
        tools.readonly = true
        spec.disks = [tools, disk, given]
        var nic = NICSpec(id: "lan")
        nic.macAddress = "52:54:00:12:34:56"
        nic.address = "10.77.0.10"
        nic.forward = [PortForward(host: 8080, guest: 80)]
        spec.nics = [nic]
        var console = ConsoleSpec()
        console.vncEnabled = true
        console.vncPort = 5901
        spec.console = console
        spec.cloudInit = CloudInitSpec(userData: .text("#cloud-config\n{}\n"))
        spec.cloudInit?.metaData = .text("instance-id: web-01\n")
        return spec
    }

    @Test func `is that of its source, but for what no two machines can share`() {
        let clone = source.clone(named: "web-02", instance: "iid-7")
        #expect(clone.name == "web-02")
        #expect(clone.memoryMiB == 2048 && clone.labels == ["tier": "web"])
        #expect(clone.protect == nil)
        #expect(clone.nics[0].macAddress == nil && clone.nics[0].address == nil)
        #expect(clone.nics[0].forward == [PortForward(host: PortForward.chosen, guest: 80)])
        #expect(clone.console?.vncPort == 0)
        #expect(clone.cloudInit?.userData == source.cloudInit?.userData)
        #expect(
            clone.cloudInit?.metaData
                == .table(["instance-id": "iid-7", "local-hostname": "web-02"]))
    }

    @Test func `keeps a network-config that is somebody's own, and leaves out the one made of its nics`() {
        var spec = source
        spec.cloudInit?.networkConfig = .text("version: 2\n")
        #expect(spec.clone(named: "web-02", instance: "i").cloudInit?.networkConfig == .text("version: 2\n"))
        spec.cloudInit?.networkConfig = nil
        spec.nics[0].forward = []
        spec.nics[0].network = .described(NetworkSpec(name: "lab", cidr: "10.77.0.0/24"))
        spec.addNetworkConfig()
        #expect(spec.cloudInit?.networkConfig != nil)
        #expect(spec.clone(named: "web-02", instance: "i").cloudInit?.networkConfig == nil)
    }

    @Test func `seals the disk that the guest starts from, and copies all that it writes to`() throws {
        let machine = Machine("web-01", on: FakeHypervisor(), state: StateFolder(root: "/nowhere"))
        let copy = try machine.plannedCopy(
            of: source, forClone: "web-02", key: String(repeating: "a", count: 64))
        #expect(copy.boot == 1)
        #expect(copy.spec.disks.map(\.path) == ["/srv/tools.raw", nil, nil])
        let sealer = try #require(copy.sealer(named: "clone-web-02"))
        #expect(sealer.disks.map(\.id) == ["boot"] && sealer.memoryMiB == 2048)
        #expect(sealer.cloudInit == nil && sealer.nics[0].isUser)
    }

    @Test func `is refused for Windows, which its own sysprep alone makes another`() {
        var spec = source
        spec.guestOS = "windows11"
        let machine = Machine("web-01", on: FakeHypervisor(), state: StateFolder(root: "/nowhere"))
        #expect {
            try machine.plannedCopy(of: spec, forClone: "web-02", key: "")
        } throws: { "\($0)".contains("sysprep") }
    }
}
