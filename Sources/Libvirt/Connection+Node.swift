import CLibvirt
import Glibc

extension Connection {
    /// The host's own name.
    public func hostname() throws(LibvirtError) -> String { try checked(virConnectGetHostname(pointer)) }

    /// The number of the host's logical processors.
    public func processors() throws(LibvirtError) -> Int {
        var info = virNodeInfo()
        try checked(virNodeGetInfo(pointer, &info))
        return Int(info.cpus)
    }

    /// The host's memory in KiB.
    public func memory() throws(LibvirtError) -> UInt64 {
        var count: Int32 = 0
        let cells = Int32(VIR_NODE_MEMORY_STATS_ALL_CELLS.rawValue)
        if virNodeGetMemoryStats(pointer, cells, nil, &count, 0) == 0, count > 0 {
            var stats = [virNodeMemoryStats](repeating: virNodeMemoryStats(), count: Int(count))
            try checked(virNodeGetMemoryStats(pointer, cells, &stats, &count, 0))
            let total = stats.first { stat in
                withUnsafeBytes(of: stat.field) { $0.prefix { $0 != 0 }.elementsEqual("total".utf8) }
            }
            if let total { return total.value }
        }
        // What every driver has; it may be the memory of the first NUMA cell alone.
        var info = virNodeInfo()
        try checked(virNodeGetInfo(pointer, &info))
        return UInt64(info.memory)
    }

    public struct DomainMemory: Sendable, Equatable {
        public let name: String
        /// The most memory it may have, in KiB.
        public let memory: UInt64
        public let isActive: Bool
    }

    /// Every domain with its memory, in one call however many there are.
    public func domainMemory() throws(LibvirtError) -> [DomainMemory] {
        var list: UnsafeMutablePointer<virDomainStatsRecordPtr?>?
        // A domain that somebody works on tells what it can without waiting.
        let count = virConnectGetAllDomainStats(
            pointer, VIR_DOMAIN_STATS_STATE.rawValue | VIR_DOMAIN_STATS_BALLOON.rawValue, &list,
            VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT.rawValue)
        if count < 0 {
            let error = LibvirtError.last()
            if error.code == .noSupport || error.code == .invalidArgument {
                return try domainMemoryOneByOne()
            }
            throw error
        }
        guard let list else { return [] }
        defer { virDomainStatsRecordListFree(list) }
        return (0..<Int(count)).compactMap { index in
            guard let record = list[index]?.pointee, let pointer = record.dom else { return nil }
            virDomainRef(pointer)
            let domain = Domain(owning: pointer)
            var memory: UInt64 = 0
            var state: Int32 = 0
            guard
                virTypedParamsGetULLong(record.params, record.nparams, "balloon.maximum", &memory) == 1,
                virTypedParamsGetInt(record.params, record.nparams, "state.state", &state) == 1
            else { return Self.memory(of: domain) }
            return DomainMemory(name: domain.name, memory: memory, isActive: Self.isActive(state))
        }
    }

    /// Every domain with its memory, from drivers without statistics.
    private func domainMemoryOneByOne() throws(LibvirtError) -> [DomainMemory] {
        var list: UnsafeMutablePointer<virDomainPtr?>?
        let count = try checked(virConnectListAllDomains(pointer, &list, 0))
        guard let list else { return [] }
        defer { free(list) }
        return (0..<Int(count)).compactMap { index in
            list[index].flatMap { Self.memory(of: Domain(owning: $0)) }
        }
    }

    /// - Returns: `nil` where it is gone since the list was made.
    private static func memory(of domain: borrowing Domain) -> DomainMemory? {
        var info = virDomainInfo()
        guard virDomainGetInfo(domain.pointer, &info) == 0 else { return nil }
        return DomainMemory(
            name: domain.name, memory: UInt64(info.maxMem), isActive: isActive(Int32(info.state)))
    }

    private static func isActive(_ state: Int32) -> Bool {
        ![.none, .shutOff, .crashed].contains(Domain.State(state))
    }
}
