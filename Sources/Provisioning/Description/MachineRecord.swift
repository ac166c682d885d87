import Basics
import DiskImages
import FoundationEssentials
import Glibc
import GuestConfig
import Hypervisors
import MachineSpec
import XML

/// The record of a domain that limiq made, kept in the domain's `<metadata>` as JSON: the spec, the owner and the
/// files.
///
/// Anyone who may read the domain may read it. So the cloud-init documents, Ignition's configuration and the files of
/// CD-ROMs, which may hold passwords and keys, are kept as digests only: they themselves are in files which the
/// machine's owner alone can read. A VNC password is kept as a digest; libvirt itself keeps it and shows it with its
/// `secure` flag only. Where all but a password may be known, the digest is salted.
///
/// A copy of the domain has the same record: it is a domain's own where its name and UUID are the domain's.
public struct MachineRecord: Sendable, Equatable, Codable {
    /// The version of the record. 1 had neither name nor UUID, 2 other lists of parts (see `NamedParts`). A version to
    /// come may be read, and nothing is changed by it.
    public var version = MachineRecord.currentVersion
    /// The name of the domain it was written for.
    public var name: String?
    public var uuid: String?
    /// The spec, with digests in the place of secrets.
    public var spec: VMSpec
    /// The user ssh logs in as where a script names nobody.
    public var loginUser: String?
    /// The change of power that the machine's cloud-init makes at the end; `nil` for none.
    public var powerChange: PowerChange?
    /// The maker of the machine: `user@host`.
    public var owner: String
    /// The script that brought the machine up or changed it last, by its path; `nil` for none.
    public var script: String?
    public var acceleration: Acceleration
    /// The parts made for the machine: files of the host it was made from and runs on, or volumes of another.
    public var parts: [Part]
    public var folder: String
    /// The stamps of the images below the disks that were made, as they were then, the nearest first, by the disks'
    /// ids.
    public var bases: [String: [ImageStamp]]?
    /// The IPv4 address the machine's seed gives it on user networking; `nil` where QEMU gives it one.
    public var userAddress: String?
    /// The digest of the instance-id in the machine's seed; `nil` without a seed, and in a record of before.
    public var instance: String?

    /// The time after which the machine is a leftover, in seconds since 1970; `nil` for none.
    public var expires: Int?
    /// The run that throws the machine away at its end (see `RunLifetime`); `nil` for one that stays.
    public var run: String?

    static let currentVersion = 3

    /// - Parameters:
    ///   - uuid: the domain's.
    ///   - kept: the record this one takes the place of. Its salt stays, so that what has not changed is the same.
    public init(
        spec: VMSpec, uuid: String, owner: String, acceleration: Acceleration, parts: [Part] = [],
        folder: String, after kept: MachineRecord? = nil
    ) {
        name = spec.name
        self.uuid = uuid
        loginUser = spec.cloudInit?.loginUser
        powerChange = spec.cloudInit?.powerChange
        userAddress = spec.userAddress
        instance = spec.seedIdentity?.digest
        self.spec = spec.withDigests(
            salt: kept?.spec.salt ?? String(UInt64.random(in: .min ... .max), radix: 16))
        self.owner = owner
        self.acceleration = acceleration
        self.parts = parts
        self.folder = folder
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        // One of before is written back as this limiq writes it.
        version = max(try values.decode(Int.self, forKey: .version), Self.currentVersion)
        name = try values.decodeIfPresent(String.self, forKey: .name)
        uuid = try values.decodeIfPresent(String.self, forKey: .uuid)
        spec = try values.decode(VMSpec.self, forKey: .spec)
        loginUser = try values.decodeIfPresent(String.self, forKey: .loginUser)
        powerChange = try values.decodeIfPresent(PowerChange.self, forKey: .powerChange)
        owner = try values.decode(String.self, forKey: .owner)
        script = try values.decodeIfPresent(String.self, forKey: .script)
        acceleration = try values.decode(Acceleration.self, forKey: .acceleration)
        parts = try NamedParts(from: decoder).parts
        folder = try values.decode(String.self, forKey: .folder)
        bases = try values.decodeIfPresent([String: [ImageStamp]].self, forKey: .bases)
        userAddress = try values.decodeIfPresent(String.self, forKey: .userAddress)
        instance = try values.decodeIfPresent(String.self, forKey: .instance)
        expires = try values.decodeIfPresent(Int.self, forKey: .expires)
        run = try values.decodeIfPresent(String.self, forKey: .run)
    }

    /// Reads limiq's element as libvirt gives it back: one element whose text is the JSON.
    ///
    /// - Throws: `Failure` where it is not one this version can read.
    init(metadata xml: String) throws(Failure) {
        try self.init(element: try XMLReader.parse(xml))
    }

    /// Reads limiq's element, as `init(metadata:)`, within a description that has been read.
    init(element: XMLNode) throws(Failure) {
        let text = element.text
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(text.utf8))
            try spec.checkNumbers()
        } catch {
            throw Failure(
                .libvirt, "limiq's metadata cannot be read",
                hint: "it may be of a newer limiq; virsh undefine removes the domain", cause: "\(error)")
        }
    }

    /// The record in a domain's description, its own or not; `nil` where there is none.
    static func of(_ domain: XMLNode) throws(Failure) -> MachineRecord? {
        guard let element = element(of: domain) else { return nil }
        return try MachineRecord(element: element)
    }

    static func element(of domain: XMLNode) -> XMLNode? {
        domain.all("metadata/machine").first { $0.namespace == DomainXML.namespace }
    }

    /// The relation of a record to a domain that has it.
    enum Belonging {
        case own
        /// The domain has another name since.
        case renamed
        /// The record is another domain's: this one is a copy of that.
        case foreign
    }

    /// The record of a domain that is known to be its own, with the domain's name and UUID in it.
    func identified(as domain: DomainSummary) -> MachineRecord {
        var record = self
        (record.version, record.name, record.uuid) = (Self.currentVersion, domain.name, domain.uuid)
        return record
    }

    /// The relation of the record to a domain. Of a record without a UUID nobody can tell a domain with another name
    /// from a copy.
    func belonging(to domain: DomainSummary) -> Belonging {
        let isNamed = (name ?? spec.name) == domain.name
        guard let uuid else { return isNamed ? .own : .foreign }
        return uuid != domain.uuid ? .foreign : isNamed ? .own : .renamed
    }

    func json() throws(Failure) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return String(decoding: try encoder.encode(self), as: UTF8.self) } catch {
            throw Failure(.internal, "the spec of \(spec.name) cannot be written as JSON", cause: "\(error)")
        }
    }

    /// The element as `Hypervisor.setMetadata` takes it.
    func element() throws(Failure) -> String {
        XMLElement("machine", text: try json()).xml
    }

    /// - Parameter words: what is about to be done, as follows "is not".
    /// - Throws: `Failure` with code `protected`.
    func requireUnprotected(_ words: String) throws(Failure) {
        guard spec.protect == true else { return }
        let name = name ?? spec.name
        throw Failure(
            .protected, "vm \(name) is protected, and is not \(words)",
            hint: "take protect = true out of what describes it, and bring that up first", resource: name)
    }

    static func currentOwner() -> String {
        let uid = geteuid()
        let user = getpwuid(uid).map { String(cString: $0.pointee.pw_name) } ?? "uid \(uid)"
        let host = currentHost()
        return host.isEmpty ? user : "\(user)@\(host)"
    }

    /// The name this host calls itself by; empty where it has none.
    static func currentHost() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, 255) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension SeedIdentity {
    /// The instance-id as a record keeps it.
    var digest: String { KeptDigest.plain(Array(instanceID.utf8)) }
}

extension VMSpec {
    /// The instance that the seed makes of the guest; `nil` without a seed.
    var seedIdentity: SeedIdentity? {
        cloudInit.map { SeedIdentity(SeedNetwork($0, name: name, nics: nics).spec, name: name) }
    }

    /// The IPv4 address the seed gives the guest on user networking.
    var userAddress: String? {
        cloudInit.flatMap { SeedNetwork($0, name: name, nics: nics).userAddress }
    }

    /// The spec as the metadata keeps it.
    func withDigests(salt: String) -> VMSpec {
        var copy = self
        // As the seed holds them: the description that is read back from there is the same spec.
        let settled = cloudInit.map { SeedNetwork($0, name: name, nics: nics).spec }
        copy.cloudInit = settled
        for file in SeedFile.allCases {
            guard let document = settled?[file] else { continue }
            copy.cloudInit?[file] = .text(KeptDigest.plain(document.bytes(as: file)))
        }
        func salted(_ bytes: [UInt8]) -> String { KeptDigest.salted(bytes, salt) }
        copy.console?.vncPassword = console?.vncPassword.map { salted(Array($0.utf8)) }
        copy.ignition = ignition.map { salted(Array($0.utf8)) }
        for index in cdroms.indices {
            copy.cdroms[index].files = cdroms[index].files?.mapContents { Array(salted($0).utf8) }
        }
        return copy
    }

    /// The spec with the same salt as a kept one, so that the two can be compared.
    func withDigests(like kept: VMSpec) -> VMSpec { withDigests(salt: kept.salt ?? "") }

    /// The salt of the digests of a kept spec; `nil` where it has none with a salt.
    fileprivate var salt: String? {
        let files = cdroms.compactMap(\.files).flatMap(\.files)
        let digests =
            [console?.vncPassword, ignition].compactMap(\.self)
            + files.map { String(decoding: $0.contents, as: UTF8.self) }
        let parts = digests.first?.split(separator: ":") ?? []
        return parts.count == 3 ? String(parts[1]) : nil
    }
}
