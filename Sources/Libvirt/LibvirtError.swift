import CLibvirt
import Glibc

/// What libvirt said about a call that failed, copied on the thread that made it: libvirt keeps one error a thread.
public struct LibvirtError: Error, Sendable, Equatable, CustomStringConvertible {
    /// `virErrorNumber`.
    public let code: UInt32
    /// `virErrorDomain`: the part of libvirt that gave up.
    public let domain: UInt32
    /// libvirt's own words.
    public let message: String

    public init(code: virErrorNumber, domain: UInt32 = 0, message: String) {
        self.code = code.rawValue
        self.domain = domain
        self.message = message
    }

    /// The error of this thread's last call.
    static func last() -> LibvirtError {
        guard let error = virGetLastError()?.pointee, let message = error.message else {
            return LibvirtError(code: VIR_ERR_INTERNAL_ERROR, message: "libvirt gave no reason")
        }
        return LibvirtError(
            code: virErrorNumber(UInt32(bitPattern: error.code)), domain: UInt32(bitPattern: error.domain),
            message: String(cString: message))
    }

    public var description: String { message }

    public func has(_ code: virErrorNumber) -> Bool { self.code == code.rawValue }
}

/// For calls that answer a negative number on failure.
@discardableResult
func checked(_ status: Int32) throws(LibvirtError) -> Int32 {
    if status < 0 { throw LibvirtError.last() }
    return status
}

/// For calls that answer a handle, `nil` on failure.
func checked(_ pointer: OpaquePointer?) throws(LibvirtError) -> OpaquePointer {
    guard let pointer else { throw LibvirtError.last() }
    return pointer
}

/// For calls that answer a text the caller frees, `nil` on failure.
func checked(_ text: UnsafeMutablePointer<CChar>?) throws(LibvirtError) -> String {
    guard let text else { throw LibvirtError.last() }
    defer { free(text) }
    return String(cString: text)
}
