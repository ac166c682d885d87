import Foundation
import Support
import Testing

/// Debian's `ignition-validate`, asked about many configurations at once.
enum IgnitionOracle {
    struct Verdict: Decodable {
        /// Why it is refused; `nil` where it is taken.
        let error: String?
        /// Whether there is a key that Ignition does not know, and passes over.
        let hasUnusedKey: Bool
    }

    private static let program = """
        import json, subprocess, sys
        from concurrent.futures import ThreadPoolExecutor
        def verdict(text):
            ran = subprocess.run(["ignition-validate", "-"], input=text, capture_output=True)
            lines = (ran.stdout + ran.stderr).decode(errors="replace").splitlines()
            errors = [line for line in lines if not line.startswith("warning")]
            return {"error": "; ".join(errors) or "exit" if ran.returncode else None,
                    "hasUnusedKey": any(": Unused key " in line for line in lines)}
        with ThreadPoolExecutor(4) as pool:
            json.dump(list(pool.map(verdict, sys.stdin.buffer.read().split(b"\\0"))), sys.stdout)
        """

    static func verdicts(_ texts: [String]) async throws -> [Verdict] {
        let verdicts = try await python(program, input: texts.joined(separator: "\0"), as: [Verdict].self)
        try #require(verdicts.count == texts.count)
        return verdicts
    }
}
