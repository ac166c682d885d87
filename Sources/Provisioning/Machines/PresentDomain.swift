import Basics
import Hypervisors
import XML

/// The machine as it is at the moment, in libvirt's two descriptions of it, each with limiq's record.
struct PresentDomain: Sendable {
    let domain: DomainSummary
    /// The description of the next start.
    let next: XMLNode
    let record: MachineRecord
    /// The description of the guest that runs, or whose memory is kept; `nil` where there is none.
    let live: XMLNode?
    let liveRecord: MachineRecord?
    /// Whether the domain is there without its guest too: somebody may have undefined it while that runs.
    var isPersistent = true

    var isActive: Bool { domain.state.isActive }
    /// Whether the guest's memory is kept: it goes on as what it was.
    var isSaved: Bool { domain.state == .saved }
}
