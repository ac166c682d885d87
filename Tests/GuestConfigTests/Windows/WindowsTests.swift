import DiskImages
import GuestConfig
import MachineSpec
import Testing

struct `A machine for Windows` {
    @Test(arguments: [
        ("Passw0rd", nil), ("pass-word1", nil), ("Pass word", nil), ("Ünter7", nil), ("名前Pass", nil),
        ("", "less than 6"), ("Aa1", "less than 6"), ("password1", "three kinds"),
        ("PASSWORD!", "three kinds"),
        ("Xadministratorx1", "the user's name"), (String(repeating: "aA1", count: 43), "more than 127"),
    ])
    func `has a password that a server takes`(_ password: String, _ problem: String?) {
        let found = WindowsPassword.problem(password, user: "Administrator", isServer: true)
        #expect(
            found.map { text in problem.map(text.contains) ?? false } ?? (problem == nil), "\(found ?? "-")")
        if !(problem?.contains("127") ?? false) {
            #expect(WindowsPassword.problem(password, user: "ann", isServer: false) == nil)
        }
    }

    private func warnings(_ files: [ISOFile], size: UInt64 = 64, guest: String = "windows") -> [String] {
        var spec = VMSpec(name: "win")
        spec.guestOS = guest
        spec.disks = [DiskSpec(id: "system")]
        spec.disks[0].sizeGiB = size
        spec.cdroms = [CDROMSpec(id: "files", files: ISOContents(files: files))]
        return spec.windowsWarnings.map(\.text)
    }

    @Test func `is told of a disk with too little room for what its answer file installs`() {
        let server = ISOFile("Autounattend.xml", "<Value>Windows Server 2022 SERVERSTANDARD</Value>")
        let eleven = ISOFile("autounattend.xml", "<Value>Windows 11 Pro</Value>")
        #expect(warnings([server], size: 10) == ["disks[1] has 10 GiB, and Windows asks for 32 GB"])
        #expect(warnings([eleven], size: 40) == ["disks[1] has 40 GiB, and Windows 11 asks for 64 GB"])
        #expect(warnings([server], size: 30) == [])
        #expect(warnings([eleven], size: 60) == [])
        #expect(warnings([ISOFile("other.xml", "")], size: 1) == [])
        #expect(warnings([server], size: 10, guest: "debian") == [])
    }

    @Test func `is told of names that Windows cannot open`() {
        #expect(warnings([ISOFile("CON.txt", "")]).count == 1)
        #expect(warnings([ISOFile("CON.txt", "")], guest: "debian") == [])
    }
}
