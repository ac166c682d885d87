import Foundation
import Support
import Testing

@testable import GuestConfig

/// Debian's cloud-init, asked what `cloud-init schema` says, many documents at once, with the schema of any release.
enum CloudInitOracle {
    struct Verdict: Decodable {
        /// Why it is refused; `nil` where it is taken.
        let error: String?
        /// The keys of the first level with errors in them.
        let refusedKeys: [String]
        /// Paths of what is deprecated, as cloud-init writes them: `users.0.sudo`.
        let deprecated: [String]
    }

    private static let prelude = """
        import glob, gzip, importlib, json, os, sys
        sys.path.insert(0, "/usr/lib/python3/dist-packages")
        from cloudinit import safeyaml
        from cloudinit.config import schema as s

        """

    private static let verdictProgram =
        prelude + """
            texts = sys.stdin.buffer.read().decode().split("\\0")
            schema = json.loads(texts.pop(0))
            # What no key of the first level is, cloud-init passes over.
            schema.pop("additionalProperties", None)
            # Later releases tell of what has changed as of what is deprecated.
            def renamed(value):
                if isinstance(value, list): return [renamed(v) for v in value]
                if not isinstance(value, dict): return value
                if value.get("changed") is True: value = dict(value, deprecated=True)
                return {k: renamed(v) for k, v in value.items()}
            schema = renamed(schema)
            def answer(error=None, keys=(), deprecated=()):
                return {"error": error, "refusedKeys": sorted(set(keys)), "deprecated": sorted(deprecated)}
            def verdict(text):
                if not text.startswith("#cloud-config"): return answer("header")
                try: config = safeyaml.load(text)
                except Exception as e: return answer("yaml " + str(e))
                if not isinstance(config, dict): return answer("no map")
                try: s.validate_cloudconfig_schema(config, schema, strict=True)
                except s.SchemaValidationError as e:
                    errors = "; ".join(p.format()[:300] for p in e.schema_errors)
                    return answer(errors or None, [p.path.split(".")[0] for p in e.schema_errors],
                                  [p.path for p in e.schema_deprecations])
                except Exception as e: return answer("raised " + str(e))
                return answer()
            json.dump([verdict(t) for t in texts], sys.stdout)
            """

    private static let examplesProgram =
        prelude + """
            found = {}
            for path in sorted(glob.glob("/usr/share/doc/cloud-init/examples/**/*", recursive=True)):
                if os.path.isdir(path): continue
                opened = gzip.open(path) if path.endswith(".gz") else open(path, "rb")
                found[os.path.basename(path)] = opened.read().decode()
            for path in sorted(glob.glob("/usr/lib/python3/dist-packages/cloudinit/config/cc_*.py")):
                name = os.path.basename(path)[:-3]
                module = importlib.import_module("cloudinit.config." + name)
                for i, example in enumerate(module.meta.get("examples", [])):
                    found["%s %d" % (name, i + 1)] = "#cloud-config\\n" + example
            json.dump(found, sys.stdout)
            """

    static func verdicts(_ texts: [String], by schema: CloudConfigSchema) async throws -> [Verdict] {
        let input = ([schema.text] + texts).joined(separator: "\0")
        let verdicts = try await python(verdictProgram, input: input, as: [Verdict].self)
        try #require(verdicts.count == texts.count)
        return verdicts.map { verdict in
            verdict.error.map(isTaken) == true
                ? Verdict(error: nil, refusedKeys: [], deprecated: verdict.deprecated) : verdict
        }
    }

    /// Whether a schema's error is of a value that cloud-init does as meant with all the same: `permissions: 0644`.
    private static func isTaken(_ error: String) -> Bool {
        error.split(separator: "; ").allSatisfy {
            $0.contains(#/write_files\.\d+\.permissions: -?\d+ is not of type 'string'/#)
        }
    }

    /// The examples of cloud-init's documentation, in files and in the modules, by name.
    static func examples() async throws -> [(name: String, text: String)] {
        let found = try await python(examplesProgram, input: "", as: [String: String].self)
        try #require(found.count > 100, "the package cloud-init comes with its examples")
        return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
