import Basics
import GuestConfig
import MachineSpec
import Testing

struct `What a cloud-config says` {
    @Test func `A table becomes user-data that its own check finds nothing wrong with`() {
        let text = CloudConfig.userData(from: [
            "packages": ["nginx"], "write_files": [["path": "/a", "permissions": "0644"]],
        ])
        #expect(
            text == "#cloud-config\npackages:\n- nginx\nwrite_files:\n- path: /a\n  permissions: '0644'\n")
        #expect(CloudInitCheck.check(CloudInitSpec(userData: .text(text))) == [])
        #expect(CloudInitCheck.check(CloudInitSpec(userData: .table([:]))) == [])
    }

    @Test(
        arguments: [
            ("#cloud-config\nusers: [default, {name: ann}, {name: bob}]\n", "ann"),
            (
                "#cloud-config\nusers: [{name: app, system: true}, {name: ann, ssh_authorized_keys: [k]}]\n",
                "ann"
            ),
            ("#cloud-config\nuser: carl\n", "carl"),
            ("#cloud-config\nuser: {name: dora}\n", "dora"),
            ("#cloud-config\nusers: [default]\n", nil), ("#!/bin/sh\nusers: [{name: eve}]\n", nil),
            ("#cloud-config\nusers: [\n", nil),
        ] as [(String, String?)])
    func `ssh logs in as the first user with a key that the cloud-config makes`(text: String, name: String?) {
        #expect(CloudInitSpec(userData: .text(text)).loginUser == name)
    }

    @Test func `An instance-id or hostname that looks like a number stays a text`() {
        let text = CloudConfig.metaData(from: ["instance-id": 7, "local-hostname": "007", "x": 1])
        #expect(text == "instance-id: '7'\nlocal-hostname: '007'\nx: 1\n")
        #expect(CloudInitCheck.check(CloudInitSpec(metaData: .text(text))) == [])
    }

    @Test func `A network table is written as it is, addresses quoted where YAML would read a number`() {
        let text = CloudConfig.networkConfig(from: [
            "version": 2,
            "ethernets": ["nic0": ["match": ["macaddress": "52:54:00:12:34:56"], "dhcp4": true]],
        ])
        #expect(text.contains("macaddress: '52:54:00:12:34:56'"))
        #expect(CloudInitCheck.check(CloudInitSpec(networkConfig: .text(text))) == [])
    }
}
