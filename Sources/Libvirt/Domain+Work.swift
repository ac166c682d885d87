import CLibvirt

extension Domain {
    /// The work a running domain has done since its start. What libvirt does not know, or could say only by waiting for
    /// another call about the domain, is `nil`.
    public struct Work: Sendable, Equatable {
        /// The nanoseconds its processors have run, or would have, had the host not been busy with something else.
        public let processors: UInt64?
        /// The bytes that were read, of all disks and drives.
        public let read: UInt64?
        public let written: UInt64?
    }

    public func work() throws(LibvirtError) -> Work {
        var domains: [virDomainPtr?] = [pointer, nil]
        var list: UnsafeMutablePointer<virDomainStatsRecordPtr?>?
        let wanted = VIR_DOMAIN_STATS_VCPU.rawValue | VIR_DOMAIN_STATS_BLOCK.rawValue
        let records = virDomainListGetStats(
            &domains, wanted, &list, VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT.rawValue)
        try checked(records)
        defer { virDomainStatsRecordListFree(list) }
        guard records > 0, let record = list?[0]?.pointee else {
            return Work(processors: nil, read: nil, written: nil)
        }
        func count(_ name: String) -> UInt32 {
            var value: UInt32 = 0
            return virTypedParamsGetUInt(record.params, record.nparams, name, &value) == 1
                ? min(value, 4096) : 0
        }
        func sum(_ count: UInt32, _ names: (UInt32) -> [String]) -> UInt64? {
            var total: UInt64?
            for name in (0..<count).flatMap(names) {
                var value: UInt64 = 0
                guard virTypedParamsGetULLong(record.params, record.nparams, name, &value) == 1 else {
                    continue
                }
                total = (total ?? 0) &+ value
            }
            return total
        }
        let disks = count("block.count")
        return Work(
            processors: sum(count("vcpu.maximum")) { ["vcpu.\($0).time", "vcpu.\($0).delay"] },
            read: sum(disks) { ["block.\($0).rd.bytes"] }, written: sum(disks) { ["block.\($0).wr.bytes"] })
    }
}
