import Basics
import Digests
import DiskImages
import HostFiles
import MachineSpec

/// The NoCloud seed: a small ISO image labelled `cidata` that cloud-init in the guest looks for.
///
/// Source: cloud-init's documentation of the NoCloud datasource. `meta-data` and `user-data` must both be there;
/// without either the guest takes the volume for no seed.
public enum Cidata {
    /// Writes a seed. The same input makes the same bytes, and a guest that has seen them does nothing anew.
    ///
    /// - Parameters:
    ///   - path: an ISO image that is there is replaced.
    ///   - name: the machine's: the guest's hostname, where `spec` brings no meta-data of its own.
    ///   - nics: the machine's, for a network that stands in user-data: see `CloudInitCheck`.
    ///   - user: the account QEMU runs under, where that is another than the caller's.
    /// - Throws: as `ISOImage.write`.
    public static func create(
        _ path: String, _ spec: CloudInitSpec, name: String? = nil, nics: [NICSpec] = [],
        user: EmulatorUser? = nil
    ) throws(Failure) {
        try ISOImage.write(
            to: path, label: "cidata", files: files(spec, name: name, nics: nics), user: user)
    }

    /// The files of a seed, each as the guest reads it.
    ///
    /// - Parameters: as of `create`.
    package static func files(_ spec: CloudInitSpec, name: String? = nil, nics: [NICSpec] = []) -> [ISOFile] {
        let spec = SeedNetwork(spec, name: name, nics: nics).spec
        var files = [
            ISOFile(
                "meta-data",
                contents: spec.metaData?.bytes(as: .metaData) ?? Array(metaData(for: spec, name: name).utf8)),
            ISOFile("user-data", contents: spec.userData?.bytes(as: .userData) ?? []),
        ]
        for file in [SeedFile.networkConfig, .vendorData] {
            guard let document = spec[file] else { continue }
            files.append(ISOFile(file.rawValue, contents: document.bytes(as: file)))
        }
        return files
    }

    /// The meta-data for a seed that brings none: an instance-id that changes when anything else in the seed does, as
    /// cloud-init runs once an instance-id; and the hostname.
    ///
    /// They are written as JSON strings, which YAML reads as text: `007` without quotes would become the number 7.
    public static func metaData(for spec: CloudInitSpec, name: String?) -> String {
        var hash = SHA256()
        let parts = [SeedFile.userData, .networkConfig, .vendorData].map { spec[$0]?.bytes(as: $0) }
        for part in [name.map { Array($0.utf8) }] + parts {
            // The length first: what moves from one file to the next is a change.
            let bytes = part ?? []
            hash.update(data: Array("\(part == nil ? "-" : "+")\(bytes.count):".utf8))
            hash.update(data: bytes)
        }
        let digits = hexadecimal(hash.finalize().prefix(16))
        var text = "instance-id: \(quoted("iid-\(digits)"))\n"
        if let name { text += "local-hostname: \(quoted(name))\n" }
        return text
    }

    /// The text as a JSON string (RFC 8259, section 7), which is a YAML double-quoted scalar too.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
