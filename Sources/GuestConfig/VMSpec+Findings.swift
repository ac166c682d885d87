import MachineSpec

extension VMSpec {
    /// The findings of all that is wrong with what configures the guest.
    ///
    /// - Parameter guest: whose cloud-init is to read it; `nil` where that is not known.
    public func guestFindings(_ guest: GuestCloudInit?) -> [GuestFinding] {
        cloudInitFindings(guest).map(GuestFinding.init) + (ignition.map(IgnitionCheck.check) ?? [])
            + windowsWarnings
    }
}
