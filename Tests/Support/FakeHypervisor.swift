import Basics
import HostFiles
@_exported import SimulatedHost

/// The simulated host, told what to do by closures.
package typealias FakeHypervisor = SimulatedHypervisor
package typealias FakeNetworks = SimulatedNetworks
package typealias FakeStorage = SimulatedStorage

extension SimulatedHypervisor {
    package var fakeNetworks: SimulatedNetworks { simulatedNetworks }
}

/// A state folder of the test's own, removed after, thrown or not.
package func withScratchState<Result>(_ body: (StateFolder) throws -> Result) throws -> Result {
    let folder = try ScratchFolder(prefix: "state")
    defer { folder.remove() }
    return try body(StateFolder(root: folder.path))
}
