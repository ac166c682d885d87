import Basics
import HostFiles
import YAML

/// Reads the file of a catalogue: a map from names to what is known of each image.
struct CatalogueReader {
    /// The most bytes that a catalogue may have.
    private static let limit = 4 << 20

    /// - Throws: `Failure` with code `bad_yaml` or `bad_field`, its message with the file, the line and the column;
    ///   `not_found` or `io`.
    static func images(in path: String) throws(Failure) -> [CatalogueImage] {
        let text = String(decoding: try fileBytes(path, atMost: limit), as: UTF8.self)
        return try CatalogueReader(file: path).images(text)
    }

    /// The file's name, for messages.
    let file: String

    func images(_ text: String) throws(Failure) -> [CatalogueImage] {
        let stream: YAMLText
        do { stream = try YAML.nodes(text) } catch { throw error.failure(in: file) }
        if let twice = stream.duplicateKeys.first { throw twice.failure(in: file) }
        guard let root = stream.root else { return [] }
        guard stream.second == nil, case .map(let entries) = root.content else {
            throw fault(root.mark, "a catalogue is one map from names to images")
        }
        var places: [String: YAMLMark] = [:]
        var images: [CatalogueImage] = []
        for entry in entries {
            let image = try image(entry)
            for name in [image.name] + image.aliases {
                if let first = places.updateValue(entry.mark, forKey: name) {
                    throw fault(
                        entry.mark,
                        "\(name) is the name of two images, first of the one in line \(first.line)")
                }
            }
            images.append(image)
        }
        return images
    }

    private static let fields = [
        "aliases", "url", "checksums", "form", "digest", "architecture", "family", "user", "seed",
        "cloud_init", "end_of_life", "sources",
    ]
    /// The architectures a guest may have, by QEMU's names.
    private static let architectures = ["x86_64", "aarch64", "armv7l", "i386", "ppc64le", "riscv64", "s390x"]

    private func image(_ entry: YAMLNode.Entry) throws(Failure) -> CatalogueImage {
        let name = try name(entry.key, entry.mark)
        guard case .map(let fields) = entry.node.content else {
            throw fault(entry.node.mark, "image \(name) is not a map of fields")
        }
        for field in fields where !Self.fields.contains(field.key) {
            throw fault(
                field.mark, "image \(name): \(field.key) is not one of its fields",
                nearestName(to: field.key, in: Self.fields).map { "did you mean \($0)?" }
                    ?? "they are \(Self.fields.joined(separator: ", "))")
        }
        let reader = FieldReader(file: self, image: name, entry: entry)
        let form: CatalogueImage.Form = try reader.word("form", .list)
        var image = CatalogueImage(
            name: name, url: try reader.text("url", isRequired: !form.hasAddress),
            checksums: try reader.required("checksums"), digest: try reader.word("digest", .sha256),
            user: try reader.required("user"))
        image.form = form
        if let url = image.url {
            try reader.requireAddress("url", url)
            if form.hasAddress { throw reader.fault("url", "is in the list already, which has form \(form)") }
            guard lastComponent(url).split(separator: "*", omittingEmptySubsequences: false).count <= 2,
                !folder(of: url).contains("*"), !lastComponent(url).isEmpty
            else { throw reader.fault("url", "has one * at the most, in the name of its file") }
        }
        if let url = image.url, !image.checksums.contains("/") {
            image.checksums = folder(of: url) + image.checksums
        }
        try reader.requireAddress("checksums", image.checksums)
        image.family = try reader.word("family")
        image.seed = try reader.word("seed", .cloudInit)
        image.architecture = try reader.required("architecture")
        guard Self.architectures.contains(image.architecture) else {
            throw reader.fault("architecture", "is none of \(Self.architectures.joined(separator: ", "))")
        }
        image.aliases = try reader.texts("aliases").map { alias throws(Failure) in
            try self.name(alias, entry.node.entry("aliases")?.node.mark ?? entry.mark)
        }
        image.sources = try reader.texts("sources")
        if let text = try reader.text("cloud_init") {
            guard let release = CloudInitRelease(text) else {
                throw reader.fault("cloud_init", "is \"\(text)\", not a release such as 22.4.2, nor newest")
            }
            image.cloudInit = release
        }
        if let text = try reader.text("end_of_life") {
            guard let day = Day(text) else {
                throw reader.fault("end_of_life", "is \"\(text)\", not a day such as 2028-06-30")
            }
            image.endOfLife = day
        }
        return image
    }

    private func name(_ name: String, _ mark: YAMLMark) throws(Failure) -> String {
        guard isImageName(name) else { throw fault(mark, "\"\(name)\" cannot be an image's name") }
        return name
    }

    fileprivate func fault(_ mark: YAMLMark, _ message: String, _ hint: String? = nil) -> Failure {
        Failure(
            .badField, "\(file):\(mark.line):\(mark.column): \(message)", hint: hint, resource: file)
    }
}

/// Reads the fields of one image.
private struct FieldReader {
    let file: CatalogueReader
    let image: String
    let entry: YAMLNode.Entry

    func fault(_ field: String, _ complaint: String, _ hint: String? = nil) -> Failure {
        let mark = entry.node.entry(field).map(\.node.mark) ?? entry.mark
        return file.fault(mark, "image \(image): \(field) \(complaint)", hint)
    }

    /// A text as it is written: a day or a number is one too.
    func text(_ field: String, isRequired: Bool = false) throws(Failure) -> String? {
        guard let node = entry.node.entry(field)?.node else {
            if isRequired { throw fault(field, "is missing") }
            return nil
        }
        guard let text = node.text, !text.isEmpty, node.value != .null else {
            throw fault(field, "is no text")
        }
        return text
    }

    func required(_ field: String) throws(Failure) -> String {
        guard let text = try text(field, isRequired: true) else { throw fault(field, "is missing") }
        return text
    }

    func texts(_ field: String) throws(Failure) -> [String] {
        guard let node = entry.node.entry(field)?.node else { return [] }
        guard case .list(let members) = node.content else { throw fault(field, "is no list of texts") }
        return try members.map { member throws(Failure) in
            guard let text = member.text, !text.isEmpty else { throw fault(field, "is no list of texts") }
            return text
        }
    }

    /// One of several words.
    ///
    /// - Parameter fallback: the one that counts where the field is left out; `nil` where it may not be.
    func word<Word: RawRepresentable & CaseIterable>(
        _ field: String, _ fallback: Word? = nil
    ) throws(Failure) -> Word where Word.RawValue == String {
        guard let text = try text(field, isRequired: fallback == nil) else {
            guard let fallback else { throw fault(field, "is missing") }
            return fallback
        }
        if let word = Word(rawValue: text) { return word }
        let words = Word.allCases.map(\.rawValue)
        throw fault(
            field, "is \"\(text)\"",
            nearestName(to: text, in: words).map { "did you mean \($0)?" }
                ?? "it is one of \(words.joined(separator: ", "))")
    }

    func requireAddress(_ field: String, _ text: String) throws(Failure) {
        guard isAddress(text) else {
            throw fault(field, "is \"\(text)\", not an address", "it begins with https:// or http://")
        }
    }
}
