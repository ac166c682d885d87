import CLibvirt
import Glibc

/// The words of libvirt about a call that failed, copied on the thread that made it: libvirt keeps one error a thread.
public struct LibvirtError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The codes of libvirt's `virErrorNumber`, the ones that anybody asks about by name.
    public struct Code: RawRepresentable, Sendable, Hashable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        public static let internalError = Code(rawValue: VIR_ERR_INTERNAL_ERROR.rawValue)
        /// The driver has no such call.
        public static let noSupport = Code(rawValue: VIR_ERR_NO_SUPPORT.rawValue)
        public static let noNetwork = Code(rawValue: VIR_ERR_NO_NETWORK.rawValue)
        public static let noDomain = Code(rawValue: VIR_ERR_NO_DOMAIN.rawValue)
        public static let noMetadata = Code(rawValue: VIR_ERR_NO_DOMAIN_METADATA.rawValue)
        public static let noStoragePool = Code(rawValue: VIR_ERR_NO_STORAGE_POOL.rawValue)
        public static let noStorageVolume = Code(rawValue: VIR_ERR_NO_STORAGE_VOL.rawValue)
        /// A volume of that name is there already.
        public static let storageVolumeExists = Code(rawValue: VIR_ERR_STORAGE_VOL_EXIST.rawValue)
        public static let operationFailed = Code(rawValue: VIR_ERR_OPERATION_FAILED.rawValue)
        public static let invalidArgument = Code(rawValue: VIR_ERR_INVALID_ARG.rawValue)
        /// The domain is not in a state for it: it is off, or runs already.
        public static let operationInvalid = Code(rawValue: VIR_ERR_OPERATION_INVALID.rawValue)
        public static let operationUnsupported = Code(rawValue: VIR_ERR_OPERATION_UNSUPPORTED.rawValue)
    }

    public let code: Code
    /// The part of libvirt that gave up, by `virErrorDomain`.
    public let domain: UInt32
    /// libvirt's own words.
    public let message: String
    /// Whether no connection came about: nothing was asked of the hypervisor.
    public internal(set) var isOfOpening = false

    public init(code: Code, domain: UInt32 = 0, message: String) {
        self.code = code
        self.domain = domain
        self.message = message
    }

    /// The error of this thread's last call.
    static func last() -> LibvirtError {
        guard let error = virGetLastError()?.pointee, let message = error.message else {
            return LibvirtError(code: .internalError, message: "libvirt gave no reason")
        }
        return LibvirtError(
            code: Code(rawValue: UInt32(bitPattern: error.code)), domain: UInt32(bitPattern: error.domain),
            message: String(cString: message))
    }

    public var description: String { message }
}

/// Checks the answer of a call that gives a negative number on failure.
@discardableResult
func checked(_ status: Int32) throws(LibvirtError) -> Int32 {
    if status < 0 { throw LibvirtError.last() }
    return status
}

/// Checks the answer of a call that gives a handle, `nil` on failure.
func checked(_ pointer: OpaquePointer?) throws(LibvirtError) -> OpaquePointer {
    guard let pointer else { throw LibvirtError.last() }
    return pointer
}

/// Checks the answer of a call that gives a text the caller frees, `nil` on failure.
func checked(_ text: UnsafeMutablePointer<CChar>?) throws(LibvirtError) -> String {
    guard let text else { throw LibvirtError.last() }
    defer { free(text) }
    return String(cString: text)
}
