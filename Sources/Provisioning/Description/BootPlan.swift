import MachineSpec

/// The devices a guest boots from, in their order: numbers from 1, `nil` for a device it does not boot from.
struct BootPlan: Equatable {
    private(set) var disks: [Int?]
    private(set) var cdroms: [Int?]
    private(set) var nics: [Int?]

    /// Makes the plan of a spec: `boot_order` orders the kinds; of each kind it takes those marked `bootable`, of disks
    /// the only one and of CD-ROMs the first where none is marked. Without it: bootable disks, then bootable CD-ROMs.
    init(_ spec: VMSpec) {
        disks = spec.disks.map { _ in nil }
        cdroms = spec.cdroms.map { _ in nil }
        nics = spec.nics.map { _ in nil }
        var next = 1
        func number(_ candidates: [Int], _ list: inout [Int?]) {
            for index in candidates where list[index] == nil {
                list[index] = next
                next += 1
            }
        }
        let marked = spec.disks.indices.filter { spec.disks[$0].bootable }
        let bootDisks = marked.isEmpty && spec.disks.count == 1 ? [0] : marked
        let markedCDROMs = spec.cdroms.indices.filter { spec.cdroms[$0].bootable }
        for kind in spec.bootOrder.isEmpty ? [.disk, .cdrom] : spec.bootOrder {
            switch kind {
            case .disk: number(bootDisks, &disks)
            case .cdrom:
                let fallback = spec.bootOrder.isEmpty || spec.cdroms.isEmpty ? [] : [0]
                number(markedCDROMs.isEmpty ? fallback : markedCDROMs, &cdroms)
            case .network: number(Array(spec.nics.indices), &nics)
            }
        }
    }
}
