import CLibvirt
import Glibc

extension Connection {
    /// Looks the domain up by its name for the time of `body`.
    ///
    /// - Throws: `VIR_ERR_NO_DOMAIN` where there is none.
    public func withDomain<Result>(
        _ name: String, _ body: (borrowing Domain) throws(LibvirtError) -> Result
    ) throws(LibvirtError) -> Result {
        let domain = Domain(owning: try checked(virDomainLookupByName(pointer, name)))
        return try body(domain)
    }

    /// Defines a persistent domain from XML.
    ///
    /// - Parameter isChecked: against libvirt's schema first. Without it libvirt passes over what it does not know.
    public func define<Result>(
        _ xml: String, isChecked: Bool = true, _ body: (borrowing Domain) throws(LibvirtError) -> Result
    ) throws(LibvirtError) -> Result {
        let flags = isChecked ? VIR_DOMAIN_DEFINE_VALIDATE.rawValue : 0
        let domain = Domain(owning: try checked(virDomainDefineXMLFlags(pointer, xml, flags)))
        return try body(domain)
    }

    public struct ListedDomain: Sendable, Equatable {
        public let name: String
        /// The UUID: 8-4-4-4-12 hexadecimal digits.
        public let uuid: String
        public let state: Domain.State
    }

    /// Every domain with its state, in one call however many there are (`virConnectGetAllDomainStats`), by name.
    public func domains() throws(LibvirtError) -> [ListedDomain] {
        var list: UnsafeMutablePointer<virDomainStatsRecordPtr?>?
        let count = virConnectGetAllDomainStats(pointer, VIR_DOMAIN_STATS_STATE.rawValue, &list, 0)
        if count < 0 {
            let error = LibvirtError.last()
            if error.code == .noSupport { return try domainsOneByOne() }
            throw error
        }
        guard let list else { return [] }
        defer { virDomainStatsRecordListFree(list) }
        var domains: [ListedDomain] = []
        for index in 0..<Int(count) {
            guard let record = list[index]?.pointee, let pointer = record.dom else { continue }
            virDomainRef(pointer)
            let domain = Domain(owning: pointer)
            var state: Int32 = 0
            guard virTypedParamsGetInt(record.params, record.nparams, "state.state", &state) == 1 else {
                continue
            }
            domains.append(
                ListedDomain(name: domain.name, uuid: domain.uuid, state: Domain.State(state)))
        }
        return domains.sorted { $0.name < $1.name }
    }

    /// Every domain with its state, from drivers without statistics.
    private func domainsOneByOne() throws(LibvirtError) -> [ListedDomain] {
        var list: UnsafeMutablePointer<virDomainPtr?>?
        let count = try checked(virConnectListAllDomains(pointer, &list, 0))
        guard let list else { return [] }
        defer { free(list) }
        var domains: [ListedDomain] = []
        for index in 0..<Int(count) {
            guard let pointer = list[index] else { continue }
            let domain = Domain(owning: pointer)
            // No state: gone since the list was made.
            guard let state = try? domain.state() else { continue }
            domains.append(ListedDomain(name: domain.name, uuid: domain.uuid, state: state))
        }
        return domains.sorted { $0.name < $1.name }
    }
}
