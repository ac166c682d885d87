import Basics
import MachineSpec
import Testing

@testable import GuestConfig

@Suite struct `The mounts of shared folders` {
    private func spec(_ cloudInit: CloudInitSpec) -> VMSpec {
        var spec = VMSpec(name: "box")
        spec.cloudInit = cloudInit
        var other = ShareSpec(id: "docs", host: "/srv/docs", guest: "/docs")
        other.readonly = true
        spec.shares = [ShareSpec(id: "site", host: "/srv/site", guest: "/var/www"), other]
        return spec
    }

    private static let site: Value = ["limiq:site", "/var/www", "virtiofs", "defaults,nofail", "0", "0"]
    private static let docs: Value = ["limiq:docs", "/docs", "virtiofs", "ro,nofail", "0", "0"]

    @Test func `stand in user-data, after the author's own, and once`() throws {
        var spec = spec(
            CloudInitSpec(userData: .table(["packages": ["git"], "mounts": [["/dev/vdb", "/srv"]]])))
        try spec.addShareMounts()
        try spec.addShareMounts()
        #expect(
            spec.cloudInit?.userData
                == .table(["packages": ["git"], "mounts": [["/dev/vdb", "/srv"], Self.site, Self.docs]]))
    }

    @Test(arguments: [nil, .table([:]), .table(.list([]))] as [CloudInitDocument?])
    func `are all there is where the author says nothing`(userData: CloudInitDocument?) throws {
        var spec = spec(CloudInitSpec(userData: userData))
        try spec.addShareMounts()
        #expect(spec.cloudInit?.userData == .table(["mounts": .list([Self.site, Self.docs])]))
    }

    @Test(arguments: ["#cloud-config\npackages: [git]\n", "#!/bin/sh\nuptime\n"])
    func `stand in vendor-data beside a text, which stays as it is`(text: String) throws {
        var spec = spec(CloudInitSpec(userData: .text(text)))
        try spec.addShareMounts()
        #expect(spec.cloudInit?.userData == .text(text))
        #expect(spec.cloudInit?.vendorData == .table(["mounts": .list([Self.site, Self.docs])]))
    }

    @Test func `are refused beside a text with mounts of its own, with the lines that it needs`() {
        var spec = spec(CloudInitSpec(userData: .text("#cloud-config\nmounts: [[/dev/vdb, /srv]]\n")))
        #expect {
            try spec.addShareMounts()
        } throws: { error in
            let failure = error as? Failure
            return failure?.code == .badField
                && failure?.hint?.contains(
                    "['limiq:site', '/var/www', 'virtiofs', 'defaults,nofail', '0', '0']") == true
        }
    }
}
