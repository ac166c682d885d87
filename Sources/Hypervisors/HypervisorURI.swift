import Basics

/// The parts of a libvirt URI that limiq asks about: `driver[+transport]://[host]/path[?query]`
/// (<https://libvirt.org/uri.html>).
package struct HypervisorURI: Equatable {
    let text: String
    /// The driver: `qemu`, `test`.
    package let driver: String
    /// The transport: `ssh`, `tcp`, `unix`, …; `nil` where the URI names none.
    package let transport: String?
    package let host: String
    /// The path: `/system`, `/session`.
    package let path: String
    private let query: [Substring]

    package init(_ text: String) {
        self.text = text
        let scheme = text.prefix { $0 != ":" }
        let names = scheme.split(separator: "+", maxSplits: 1)
        driver = names.first.map(String.init) ?? ""
        transport = names.count > 1 ? String(names[1]) : nil
        var rest = text.dropFirst(scheme.count + 1)
        if rest.hasPrefix("//") { rest = rest.dropFirst(2) }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        host = String(authority)
        rest = rest.dropFirst(authority.count)
        let path = rest.prefix { $0 != "?" }
        self.path = String(path)
        query = rest.dropFirst(path.count + 1).split(separator: "&")
    }

    /// Whether the driver runs on this host, so that paths mean the same on both sides.
    package var isLocal: Bool { host.isEmpty && (transport == nil || transport == "unix") }

    /// Whether the driver runs inside this process: there is no daemon whose calls are limited or whose socket may
    /// break.
    var isInProcess: Bool { driver == "test" }

    /// The host as a part of a file's name: `root@node2,system`.
    package var fileName: String {
        String((host + path).map { $0 == "/" ? "," : $0 })
    }

    /// The percent encoding of RFC 3986, section 2.1, of all but unreserved characters and `/`.
    package static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let scalar = Unicode.Scalar(byte)
            let plain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
            if plain || "-._~/".unicodeScalars.contains(scalar) { return String(Character(scalar)) }
            return "%" + hexadecimal([byte]).uppercased()
        }.joined()
    }

    /// The reason why the URI may run a program of this host, in words that follow its name in a sentence; `nil` where
    /// it is of a kind that is known to run none but ssh. libvirt reads schemes in any case, and names of parameters in
    /// any case and encoded: what is not known is not let through.
    var programItRuns: String? {
        guard ["qemu", "test"].contains(driver) else { return "is of a kind that may run a program" }
        if let transport, !["unix", "ssh", "tls", "tcp", "libssh", "libssh2"].contains(transport) {
            return "runs a program in the place of a connection"
        }
        let names = host.split(separator: "@", omittingEmptySubsequences: false)
        guard !names.contains(where: { $0.hasPrefix("-") }), !host.contains("%") else {
            return "names an option in the place of a host"
        }
        let parameters = query.joined(separator: "&").split { $0 == "&" || $0 == ";" }
            .map { parameter in String(parameter.prefix { $0 != "=" }) }
        let known = ["socket", "mode", "keyfile", "no_verify", "no_tty", "pkipath", "root", "known_hosts"]
        if let other = parameters.first(where: { !known.contains($0) }) {
            return "has the parameter \(other), which may run a program"
        }
        return nil
    }

    /// A parameter of the query, decoded; `nil` where it is not there.
    package func parameter(_ name: String) -> String? {
        query.first { $0.hasPrefix(name + "=") }.map { Self.decoded($0.dropFirst(name.count + 1)) }
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(Substring(rest.prefix(2))), radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
