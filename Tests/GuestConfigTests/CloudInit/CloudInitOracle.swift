import Foundation
import Support
import Testing

/// Debian's cloud-init, asked what `cloud-init schema` says, many documents at once.
enum CloudInitOracle {
    struct Verdict: Decodable {
        /// Why it is refused; `nil` where it is taken.
        let error: String?
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
            schema = s.get_schema()
            def verdict(text):
                if not text.startswith("#cloud-config"): return {"error": "header", "deprecated": []}
                try: config = safeyaml.load(text)
                except Exception as e: return {"error": "yaml " + str(e), "deprecated": []}
                if not isinstance(config, dict): return {"error": "no map", "deprecated": []}
                try: s.validate_cloudconfig_schema(config, schema, strict=True)
                except s.SchemaValidationError as e:
                    errors = [p.format()[:300] for p in e.schema_errors]
                    return {"error": "; ".join(errors) if errors else None,
                            "deprecated": sorted(p.path for p in e.schema_deprecations)}
                except Exception as e: return {"error": "raised " + str(e), "deprecated": []}
                return {"error": None, "deprecated": []}
            texts = sys.stdin.buffer.read().decode().split("\\0")
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

    static func verdicts(_ texts: [String]) async throws -> [Verdict] {
        let verdicts = try await answer(verdictProgram, input: texts.joined(separator: "\0"), [Verdict].self)
        try #require(verdicts.count == texts.count)
        return verdicts
    }

    /// The examples of cloud-init's documentation, in files and in the modules, by name.
    static func examples() async throws -> [(name: String, text: String)] {
        let found = try await answer(examplesProgram, input: "", [String: String].self)
        try #require(found.count > 100, "the package cloud-init comes with its examples")
        return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func answer<Answer: Decodable>(
        _ program: String, input: String, _ type: Answer.Type
    ) async throws -> Answer {
        let result = try await command("/usr/bin/python3", ["-c", program], input: input)
        try #require(result.status == 0, "\(result.errors)")
        return try JSONDecoder().decode(type, from: Data(result.output.utf8))
    }
}
