import Basics
import CLibvirt
import CXML
import Glibc

/// The library libvirt in this process: set up once, before the first connection.
public enum Library {
    /// The version of libvirt in this process: major × 1,000,000 + minor × 1,000 + micro.
    public static var version: Int {
        var version: UInt = 0
        return virGetVersion(&version, nil, nil) == 0 ? Int(version) : 0
    }

    /// - Throws: what libvirt said when it was set up, at every call.
    static func start() throws(LibvirtError) { try started.get() }

    /// The result of setting libvirt up. The order matters: an event loop that is registered after an open is not used
    /// by that connection.
    private static let started: Result<Void, LibvirtError> = quietly {
        // libvirt reads files by libxml2, which makes the lock of its catalogs at the first use: two threads that come to it at
        // once make two, and wait for ever.
        xmlInitializeCatalog()
        // So it is with the types of the schema by which libvirt checks a description: the second finds half of them.
        xmlSchemaInitTypes()
        xmlRelaxNGInitTypes()
        guard virInitialize() == 0 else { return .failure(.last()) }
        // Without it libvirt writes every error to stderr.
        virSetErrorFunc(nil) { _, _ in }
        guard virEventRegisterDefaultImpl() == 0 else { return .failure(.last()) }
        startThread {
            while true { _ = virEventRunDefaultImpl() }
        }
        return .success(())
    }

    /// Runs `body` while libvirt is told to be quiet. It writes warnings and errors of its own to stderr; it takes
    /// where to from the environment only, at its initialisation. What the user has set stands; our own children get
    /// nothing of it.
    private static func quietly<Result>(_ body: () -> Result) -> Result {
        guard getenv("LIBVIRT_DEBUG") == nil, getenv("LIBVIRT_LOG_OUTPUTS") == nil else { return body() }
        setenv("LIBVIRT_LOG_OUTPUTS", "4:file:/dev/null", 1)
        defer { unsetenv("LIBVIRT_LOG_OUTPUTS") }
        return body()
    }
}
