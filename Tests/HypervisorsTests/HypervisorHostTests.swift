import Glibc
import HostFiles
import Testing
import XML

@testable import Hypervisors

@Suite struct `What is read of a host` {
    @Test(arguments: [("pc-i440fx-7.2", 7_002_000), ("pc-q35-10.0", 10_000_000), ("virt-9.1", 9_001_000)])
    func `QEMU's version is in its default machine's name`(_ machine: String, _ version: Int) {
        #expect(LibvirtHypervisor.emulatorVersion(ofMachine: machine) == version)
    }

    @Test(arguments: ["pc-q35-rhel9.4.0", "s390-ccw-virtio", "pc", ""])
    func `a machine named by another scheme has none`(_ machine: String) {
        #expect(LibvirtHypervisor.emulatorVersion(ofMachine: machine) == nil)
    }

    @Test func `qemu.conf names QEMU's user, a commented line the default`() {
        func user(_ text: String) -> EmulatorUser? { QemuConfiguration(text: text).emulatorUser }
        let root = EmulatorUser(name: "root", uid: 0, gid: 0)
        #expect(user("user = \"root\"\ngroup = \"root\"\n") == root)
        #expect(user("#user = \"nobody\"\nuser=\"+0\"\ngroup = \"+0\"\n") == root)
        #expect(
            user("# The user = \"x\"\n#user = \"root\"\n#group = \"daemon\"\n")?.gid
                == getgrnam("daemon")?.pointee.gr_gid)
        #expect(user("user = \"+54321\"\n") == EmulatorUser(name: "54321", uid: 54321, gid: 54321))
        #expect(user("user = \"there is no such name\"\n") == nil)
        #expect(user("") == nil)
    }

    @Test func `the label of the DAC driver names it too`() throws {
        let capabilities = try XMLReader.parse(
            """
            <capabilities><host><secmodel><model>none</model></secmodel>
            <secmodel><model>dac</model><baselabel type='kvm'>+0:+1</baselabel></secmodel></host></capabilities>
            """)
        let user = LibvirtHypervisor.emulatorUser(ofCapabilities: capabilities, isLocal: true)
        #expect(user == EmulatorUser(name: "root", uid: 0, gid: 1))
        let remote = LibvirtHypervisor.emulatorUser(ofCapabilities: capabilities, isLocal: false)
        #expect(remote?.name == "0")
    }
}
