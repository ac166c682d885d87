import Basics
import Hypervisors
import MachineSpec
import Testing

@testable import Provisioning

@Suite struct `The addresses a machine is reached at` {
    private func info(_ nics: [NICSpec], _ addresses: [String]) -> MachineInfo {
        var spec = VMSpec(name: "web")
        spec.nics = nics
        let record = MachineRecord(
            spec: spec, uuid: "", owner: "", acceleration: .emulation, folder: "")
        return MachineInfo(
            name: "web", uuid: "", state: .running, record: record, addresses: addresses, forwards: [])
    }

    @Test func `are none of user networking, which nobody else is on`() {
        var lan = NICSpec(id: "lan")
        lan.network = "default"
        let found = ["192.168.122.7", "10.0.2.15", "fec0::5054:ff:feb6:5618", "fd00::7"]
        #expect(info([NICSpec(id: "user")], ["10.0.2.15", "fec0::1"]).reachableAddresses.isEmpty)
        #expect(info([NICSpec(id: "user"), lan], found).reachableAddresses == ["192.168.122.7", "fd00::7"])
        #expect(info([lan], found).reachableAddresses == found)
    }
}
