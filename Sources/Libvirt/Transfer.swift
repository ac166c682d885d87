import CLibvirt

/// A transfer of bytes to or from a host, one direction, one thread. What is not finished is aborted with the value.
public struct Transfer: ~Copyable {
    let pointer: virStreamPtr
    private let takesHoles: Bool
    private var isFinished = false

    init(on connection: virConnectPtr?, takesHoles: Bool) throws(LibvirtError) {
        // It keeps the connection open by itself.
        pointer = try checked(virStreamNew(connection, 0))
        self.takesHoles = takesHoles
    }

    deinit {
        if !isFinished { virStreamAbort(pointer) }
        virStreamFree(pointer)
    }

    /// Blocks until libvirt has taken all of it.
    public func send(_ bytes: [UInt8]) throws(LibvirtError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[done...]).bindMemory(to: CChar.self)
                return virStreamSend(pointer, rest.baseAddress, rest.count)
            }
            done += Int(try checked(count))
        }
    }

    /// Sends so many zeros, which take no room at the other end where it can leave them out.
    public func skip(_ count: UInt64) throws(LibvirtError) {
        guard takesHoles else {
            var left = count
            while left > 0 {
                let zeros = [UInt8](repeating: 0, count: Int(min(left, 1 << 20)))
                try send(zeros)
                left -= UInt64(zeros.count)
            }
            return
        }
        try checked(virStreamSendHole(pointer, Int64(clamping: count), 0))
    }

    /// The next bytes; blocks until there are some, empty at the end.
    public func receive() throws(LibvirtError) -> [UInt8] {
        var count: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, filled in
            buffer.withMemoryRebound(to: CChar.self) {
                count = virStreamRecv(pointer, $0.baseAddress, $0.count)
            }
            filled = max(0, Int(count))
        }
        try checked(count)
        return bytes
    }

    /// The bytes up to the end, which are held in memory: more than 256 MiB is an error.
    public func receiveAll() throws(LibvirtError) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let part = try receive()
            if part.isEmpty { return all }
            guard all.count + part.count <= 256 << 20 else {
                throw LibvirtError(code: .internalError, message: "more than 256 MiB come")
            }
            all += part
        }
    }

    /// Waits until the other end has all of it.
    public mutating func finish() throws(LibvirtError) {
        isFinished = true
        try checked(virStreamFinish(pointer))
    }
}
