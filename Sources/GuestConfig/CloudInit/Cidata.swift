import Basics
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
            ISOFile("meta-data", contents: SeedIdentity(spec, name: name).metaData),
            ISOFile("user-data", contents: spec.userData?.bytes(as: .userData) ?? []),
        ]
        for file in [SeedFile.networkConfig, .vendorData] {
            guard let document = spec[file] else { continue }
            files.append(ISOFile(file.rawValue, contents: document.bytes(as: file)))
        }
        return files
    }
}
