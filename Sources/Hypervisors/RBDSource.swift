import XML

/// The address of the volumes of a pool of Ceph's block devices (<https://libvirt.org/storage.html#rbd-pool>). They are
/// no files of the host: QEMU talks to Ceph itself, and libvirt wants each disk to say what the pool knows.
public struct RBDSource: Sendable, Equatable {
    /// Ceph's own name of the pool.
    package var pool: String
    /// Ceph's monitors.
    var monitors: [Monitor]
    var login: Login?

    package struct Monitor: Sendable, Equatable {
        var name: String
        var port: String?
    }

    /// The login to Ceph. libvirt keeps the key as a secret of the host, named by one of the two.
    package struct Login: Sendable, Equatable {
        var user: String
        var uuid: String?
        var usage: String?
    }

    /// - Parameter description: that of the libvirt pool.
    /// - Returns: `nil` for a pool of another type.
    package init?(_ description: XMLNode) {
        guard description.attributes["type"] == "rbd", let source = description.first("source"),
            let pool = source.first("name")?.text
        else { return nil }
        self.pool = pool
        monitors = source.all("host").map {
            Monitor(name: $0.attributes["name"] ?? "", port: $0.attributes["port"])
        }
        if let auth = source.first("auth"), let user = auth.attributes["username"] {
            let secret = auth.first("secret")?.attributes
            login = Login(user: user, uuid: secret?["uuid"], usage: secret?["usage"])
        }
    }

    /// The source of a disk (<https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms>).
    ///
    /// - Parameter path: `POOL/VOLUME`, both by Ceph's names.
    package func element(_ path: String) -> XMLElement {
        let hosts: [XMLElement?] = monitors.map { XMLElement("host", ["name": $0.name, "port": $0.port]) }
        let auth = login.map {
            XMLElement(
                "auth", ["username": $0.user],
                [XMLElement("secret", ["type": "ceph", "uuid": $0.uuid, "usage": $0.usage])])
        }
        return XMLElement("source", ["protocol": "rbd", "name": path], hosts + [auth])
    }
}
