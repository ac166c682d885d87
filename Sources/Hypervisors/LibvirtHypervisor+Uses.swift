import Basics
import Synchronization
import XML

extension LibvirtHypervisor {
    public func uses() throws(Failure) -> HostUses {
        try index.uses(
            list: { () throws(Failure) in try domains() },
            one: { name throws(Failure) in try domain(name) },
            read: { domain throws(Failure) in
                do throws(Failure) {
                    var descriptions = [try description(domain.name, inactive: true)]
                    if domain.state.isActive {
                        descriptions.append(try description(domain.name, inactive: false))
                    }
                    return DomainUses(
                        name: domain.name, isSaved: domain.state == .saved, descriptions)
                } catch {
                    // Gone since it was listed.
                    if error.code == .notFound { return nil }
                    throw error
                }
            })
    }

    private func description(_ name: String, inactive: Bool) throws(Failure) -> XMLNode {
        try XMLReader.parse(try xml(name, inactive: inactive, secrets: false))
    }
}

/// The things the domains of a host use, read once, and again where they may have changed.
///
/// To read all of a thousand domains takes libvirt a third of a second, and everyone who removes or starts one of them asks:
/// what this process changes is read anew at once, and all when what is known is older than two seconds, or than twenty
/// times what reading took.
final class DomainIndex: Sendable {
    private struct Content {
        var uses = HostUses()
        /// The end of the time for which the content counts; `nil` where nothing is known yet.
        var validUntil: ContinuousClock.Instant?
    }

    private let content = Mutex(Content())
    /// The domains of which something else may be true by now. Their lock is never taken while libvirt is asked.
    private let changed = Mutex<Set<String>>([])

    /// Forgets a domain that this process has changed, or asked for.
    func forget(_ name: String) { changed.withLock { _ = $0.insert(name) } }

    /// - Parameters:
    ///   - list: all domains.
    ///   - one: answers `nil` for one that is gone, as `read` does.
    func uses(
        list: () throws(Failure) -> [DomainSummary], one: (String) throws(Failure) -> DomainSummary?,
        read: (DomainSummary) throws(Failure) -> DomainUses?
    ) throws(Failure) -> HostUses {
        // Held while it is read: those who want it at the same time wait for the one answer.
        try content.withLock { content throws(Failure) in
            let names = changed.withLock { changed in
                defer { changed = [] }
                return changed
            }
            do throws(Failure) {
                let start = ContinuousClock.now
                if let end = content.validUntil, start < end {
                    for name in names {
                        content.uses.set(
                            name,
                            try one(name).flatMap { (domain) throws(Failure) in
                                try read(domain)
                            })
                    }
                } else {
                    var uses = HostUses()
                    for domain in try list() { uses.set(domain.name, try read(domain)) }
                    let end = ContinuousClock.now
                    content = Content(
                        uses: uses, validUntil: end + max(.seconds(2), start.duration(to: end) * 20))
                }
            } catch {
                content.validUntil = nil
                throw error
            }
            return content.uses
        }
    }
}
