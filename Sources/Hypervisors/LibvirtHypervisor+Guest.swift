import Basics
import Libvirt

extension LibvirtHypervisor {
    public func monitor(_ name: String, _ command: String) throws(Failure) -> String {
        try withDomain("send a monitor command to", name) { domain throws(LibvirtError) in
            try domain.humanMonitor(command)
        }
    }

    public func qmp(_ name: String, _ command: String) throws(Failure) -> String {
        try withDomain("send a QMP command to", name) { domain throws(LibvirtError) in
            try domain.machineProtocol(command)
        }
    }

    /// Runs a command of the guest agent. libvirt counts the time in whole seconds: a started one counts as a whole.
    public func agent(_ name: String, _ command: String, timeout: Duration) throws(Failure) -> String {
        let (seconds, fraction) = timeout.components
        let whole = Int32(clamping: max(1, seconds + (fraction > 0 ? 1 : 0)))
        return try withDomain("ask the guest agent of", name) { domain throws(LibvirtError) in
            try domain.agent(command, timeout: whole)
        }
    }

    public func addresses(_ name: String, from source: AddressSource) throws(Failure) -> [InterfaceAddresses]
    {
        let source: Domain.AddressSource =
            switch source {
            case .agent: .agent
            case .arp: .arp
            }
        return try withDomain("find the addresses of", name, reads: true) { domain throws(LibvirtError) in
            try domain.interfaceAddresses(source).map {
                InterfaceAddresses(interface: $0.name, macAddress: $0.macAddress, addresses: $0.addresses)
            }
        }
    }

    public func work(_ name: String) throws(Failure) -> GuestWork {
        try withDomain("ask what is done by", name, reads: true) { domain throws(LibvirtError) in
            let work = try domain.work()
            return GuestWork(
                processors: work.processors.map { .nanoseconds(Int64(clamping: $0)) }, read: work.read,
                written: work.written)
        }
    }

    public func screenshot(_ name: String) throws(Failure) -> [UInt8] {
        try withDomain("take a picture of", name, reads: true) { domain throws(LibvirtError) in
            try domain.screenshot().bytes
        }
    }

    public func openConsole(_ name: String) throws(Failure) -> any ConsoleStream {
        let stream = try call("cannot open the console of \(name)", on: name) {
            connection throws(LibvirtError) in
            try Stream(consoleOf: name, on: connection)
        }
        return LibvirtConsole(name: name, stream: stream)
    }
}

private struct LibvirtConsole: ConsoleStream {
    let name: String
    let stream: Stream

    func read() throws(Failure) -> [UInt8] {
        do throws(LibvirtError) {
            return try stream.read()
        } catch {
            throw LibvirtFailure.make("cannot read the console of \(name)", error, domain: name)
        }
    }

    func write(_ bytes: [UInt8]) throws(Failure) {
        do throws(LibvirtError) {
            try stream.write(bytes)
        } catch {
            throw LibvirtFailure.make("cannot write to the console of \(name)", error, domain: name)
        }
    }

    func close() { stream.close() }
}
