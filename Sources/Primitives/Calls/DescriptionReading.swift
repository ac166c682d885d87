import Basics
import MachineSpec
import Records

/// The reading of a machine's description that finds what is wrong with each of its fields, not with the first alone.
struct DescriptionReading {
    /// The description, without the fields that cannot be read; `nil` where nothing can.
    private(set) var spec: VMSpec?
    private(set) var failures: [Failure] = []

    init(_ value: Value, _ codec: Codec<VMSpec>) {
        do throws(Failure) { spec = try codec.decode(value, "spec") } catch {
            read(value, codec)
            // The fields may be wrong together only.
            if failures.isEmpty { failures = [error] }
        }
    }

    private mutating func read(_ value: Value, _ codec: Codec<VMSpec>) {
        guard case .map(let document) = value else { return }
        let inner = document["spec"]?.map
        /// The document with these fields alone.
        func with(_ fields: Map) -> Value {
            guard inner != nil else {
                var fields = fields
                fields["name"] = document["name"]
                return .map(fields)
            }
            var document = document
            document["spec"] = .map(fields)
            return .map(document)
        }
        do throws(Failure) { _ = try codec.decode(with([:]), "spec") } catch { return }
        var kept: Map = [:]
        for entry in (inner ?? document).entries {
            do throws(Failure) {
                _ = try codec.decode(with([entry.key: entry.value]), "spec")
                kept[entry.key] = entry.value
            } catch { failures.append(error) }
        }
        spec = try? codec.decode(with(kept), "spec")
    }
}
