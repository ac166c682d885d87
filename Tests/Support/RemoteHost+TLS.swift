import Basics

extension RemoteHost {
    /// Starts a libvirt of the host that listens for TLS on 127.0.0.1 and lets in whom its authority has signed. It ends with
    /// the host.
    ///
    /// - Parameter folder: for the certificates.
    /// - Returns: its URI, with the caller's certificate.
    public func listenForTLS(_ folder: String) async throws -> String {
        try await Self.makeCertificate("ca", folder, ["-addext", "keyUsage=keyCertSign"])
        for name in ["server", "client"] {
            try await Self.makeCertificate(
                name, folder,
                [
                    "-CA", "\(folder)/cacert.pem", "-CAkey", "\(folder)/cakey.pem",
                    "-addext", "basicConstraints=critical,CA:false",
                    "-addext", "extendedKeyUsage=\(name)Auth",
                    "-addext", "subjectAltName=IP:127.0.0.1",
                ])
        }
        let tls = user.home + "/tls"
        try await makeFolder(tls)
        let files = ["cacert.pem", "servercert.pem", "serverkey.pem"].map { "\(folder)/\($0)" }
        try await Self.check(
            "install", ["-m", "600", "-o", user.name, "-g", user.name] + files + [tls])
        let port = freePort()
        try Self.write(
            """
            listen_tls = 1
            listen_addr = "127.0.0.1"
            tls_port = "\(port)"
            ca_file = "\(tls)/cacert.pem"
            cert_file = "\(tls)/servercert.pem"
            key_file = "\(tls)/serverkey.pem"

            """, "\(tls)/libvirtd.conf", mode: 0o644)
        // It returns when the daemon listens.
        let result = try await user.run(
            "/usr/sbin/libvirtd", ["--listen", "--daemon", "-f", "\(tls)/libvirtd.conf", "-p", "\(tls)/pid"])
        guard result.status == 0 else { throw Failure(.program, "libvirtd failed", cause: result.errors) }
        return "qemu+tls://127.0.0.1:\(port)/session?pkipath=\(folder)"
    }

    /// Makes `cacert.pem` and `cakey.pem`, as libvirt names them (<https://libvirt.org/kbase/tlscerts.html>).
    private static func makeCertificate(_ name: String, _ folder: String, _ arguments: [String]) async throws
    {
        try await check(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                "2",
                "-subj", "/CN=limiq test \(name)", "-keyout", "\(folder)/\(name)key.pem", "-out",
                "\(folder)/\(name)cert.pem",
            ] + arguments)
    }
}
