import CLibvirt

extension Domain {
    public func create() throws(LibvirtError) { try checked(virDomainCreate(pointer)) }

    /// Makes the guest's process, in which nothing runs before it is resumed.
    public func createPaused() throws(LibvirtError) {
        try checked(virDomainCreateWithFlags(pointer, VIR_DOMAIN_START_PAUSED.rawValue))
    }

    /// Asks the guest to power off: the agent where it answers, else the power button.
    public func shutdown() throws(LibvirtError) { try checked(virDomainShutdown(pointer)) }

    public func reboot() throws(LibvirtError) { try checked(virDomainReboot(pointer, 0)) }

    /// Boots the guest again at once, as by its reset button.
    public func reset() throws(LibvirtError) { try checked(virDomainReset(pointer, 0)) }

    /// Ends the guest at once, as by its plug.
    public func destroy() throws(LibvirtError) { try checked(virDomainDestroy(pointer)) }

    public func suspend() throws(LibvirtError) { try checked(virDomainSuspend(pointer)) }

    public func resume() throws(LibvirtError) { try checked(virDomainResume(pointer)) }

    /// Whether libvirt starts the domain with its daemon.
    public func autostart() throws(LibvirtError) -> Bool {
        var flag: Int32 = 0
        try checked(virDomainGetAutostart(pointer, &flag))
        return flag != 0
    }

    public func setAutostart(_ isOn: Bool) throws(LibvirtError) {
        try checked(virDomainSetAutostart(pointer, isOn ? 1 : 0))
    }

    /// Removes the persistent definition with all that libvirt keeps for it: NVRAM, TPM state, the managed save
    /// image, metadata of snapshots and checkpoints.
    public func undefine() throws(LibvirtError) {
        let always =
            VIR_DOMAIN_UNDEFINE_MANAGED_SAVE.rawValue | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA.rawValue
        // By age. A hypervisor that does not know a flag has nothing of what it is about, and refuses all of them.
        let later = [
            VIR_DOMAIN_UNDEFINE_NVRAM.rawValue, VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA.rawValue,
            VIR_DOMAIN_UNDEFINE_TPM.rawValue,
        ]
        for count in stride(from: later.count, through: 1, by: -1) {
            if virDomainUndefineFlags(pointer, later.prefix(count).reduce(always, |)) == 0 { return }
            let error = LibvirtError.last()
            guard error.code == .invalidArgument else { throw error }
        }
        try checked(virDomainUndefineFlags(pointer, always))
    }
}
