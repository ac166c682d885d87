import CLibvirt

/// The memory of a guest in a file of the caller's choice.
extension Domain {
    /// Writes the guest's memory into a file of the host, and ends it. Returns when all is written.
    ///
    /// - Parameter path: absolute.
    public func save(to path: String) throws(LibvirtError) { try checked(virDomainSave(pointer, path)) }
}

extension Connection {
    /// Lets a guest go on whose memory was saved, with its processors stopped.
    ///
    /// - Parameter path: absolute, of the host: a file, or a pipe somebody writes one into.
    public func restorePaused(from path: String) throws(LibvirtError) {
        try checked(virDomainRestoreFlags(pointer, path, nil, VIR_DOMAIN_SAVE_PAUSED.rawValue))
    }
}
