import Basics
import CLibvirt
import Glibc
import Synchronization

/// A domain's serial console, both ways.
///
/// The stream does not block inside libvirt: a blocking read would hold the stream's lock, and `close` could not end it.
/// A read waits for libvirt's event loop to say that there is something.
///
/// `@unchecked Sendable`: the pointer never changes, and libvirt locks the stream itself.
public final class Stream: @unchecked Sendable {
    private let pointer: virStreamPtr
    private let wake = Mailbox<Void>()
    private let finished = Mutex(false)

    private static let readable = Int32(
        bitPattern: VIR_STREAM_EVENT_READABLE.rawValue | VIR_STREAM_EVENT_HANGUP.rawValue
            | VIR_STREAM_EVENT_ERROR.rawValue)

    /// - Throws: `VIR_ERR_OPERATION_FAILED` where another client has the console.
    public init(consoleOf name: String, on connection: Connection) throws(LibvirtError) {
        // It keeps the connection open by itself.
        let pointer = try checked(virStreamNew(connection.pointer, VIR_STREAM_NONBLOCK.rawValue))
        self.pointer = pointer
        // From here on `deinit` cleans up, a throw included.
        try connection.withDomain(name) { domain throws(LibvirtError) in
            if virDomainOpenConsole(domain.pointer, nil, pointer, VIR_DOMAIN_CONSOLE_SAFE.rawValue) == 0 {
                return
            }
            let error = LibvirtError.last()
            // A driver that cannot lock consoles refuses the flag that asks it to.
            guard error.code == .operationUnsupported || error.code == .invalidArgument else { throw error }
            try checked(virDomainOpenConsole(domain.pointer, nil, pointer, 0))
        }
        let wake = Unmanaged.passRetained(wake).toOpaque()
        let status = virStreamEventAddCallback(
            pointer, 0,
            { stream, _, opaque in
                guard let stream, let opaque else { return }
                // Off until a read finds nothing again, or the loop would spin while nobody reads.
                virStreamEventUpdateCallback(stream, 0)
                Unmanaged<Mailbox<Void>>.fromOpaque(opaque).takeUnretainedValue().put(())
            }, wake,
            { opaque in
                if let opaque { Unmanaged<Mailbox<Void>>.fromOpaque(opaque).release() }
            })
        if status < 0 {
            let error = LibvirtError.last()
            Unmanaged<Mailbox<Void>>.fromOpaque(wake).release()
            throw error
        }
    }

    deinit {
        close()
        virStreamFree(pointer)
    }

    /// Blocks until there are bytes; empty at the end of the guest and after `close`.
    public func read() throws(LibvirtError) -> [UInt8] {
        while !finished.withLock({ $0 }) {
            var count: Int32 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, filled in
                buffer.withMemoryRebound(to: CChar.self) {
                    count = virStreamRecv(pointer, $0.baseAddress, $0.count)
                }
                filled = max(0, Int(count))
            }
            if count >= 0 { return bytes }
            // -2: nothing there yet.
            guard count == -2, virStreamEventUpdateCallback(pointer, Self.readable) == 0 else {
                let error = LibvirtError.last()
                if finished.withLock({ $0 }) { return [] }
                throw error
            }
            wake.next()
        }
        return []
    }

    /// Blocks until libvirt has taken all of it.
    public func write(_ bytes: [UInt8]) throws(LibvirtError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                virStreamSend(pointer, $0.bindMemory(to: CChar.self).baseAddress, $0.count)
            }
            if count >= 0 {
                rest = rest.dropFirst(Int(count))
            } else if count == -2 {
                // The guest does not read just now; what a person types does not deserve an event of its own.
                usleep(5000)
            } else {
                throw LibvirtError.last()
            }
        }
    }

    /// Ends a read that waits. Later calls do nothing.
    public func close() {
        let first = finished.withLock { finished in
            defer { finished = true }
            return !finished
        }
        guard first else { return }
        virStreamEventRemoveCallback(pointer)
        virStreamAbort(pointer)
        wake.put(())
    }
}
