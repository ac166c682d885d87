import Basics

/// The check of an Ignition configuration, before a boot: a guest passes over keys it does not know, and stops in its
/// initramfs, far from any log a person sees, at what it cannot read.
public enum IgnitionCheck {
    /// The findings of all that is wrong with a configuration, in its order; each begins with its path.
    ///
    /// - Parameter text: the JSON.
    public static func check(_ text: String) -> [GuestFinding] {
        var findings: [GuestFinding] = []
        // JSON's specification lets a reader pass over it, and Ignition's does not.
        if text.utf8.starts(with: [0xEF, 0xBB, 0xBF]) {
            findings.append(
                GuestFinding(
                    isError: true, code: .badJSON,
                    text: "ignition begins with a byte order mark, which Ignition does not read",
                    hint: "save it as UTF-8 without one"))
        }
        do throws(Failure) {
            let root = try read(text)
            var report = IgnitionReport(version: try IgnitionVersion(of: root))
            report.check(.map(root), IgnitionShape.configuration, "ignition")
            return findings + report.findings
        } catch {
            return findings + [
                GuestFinding(
                    isError: true, code: error.code, text: error.message.onOneLine, hint: error.hint)
            ]
        }
    }

    private static func read(_ text: String) throws(Failure) -> Map {
        let value: Value
        do throws(Failure) { value = try JSONReader.read(text, source: "ignition") } catch {
            var failure = error
            let isButane = text.split(whereSeparator: \.isNewline).contains { $0.hasPrefix("variant:") }
            if isButane { failure.hint = "it is Butane's form: butane --strict makes Ignition's of it" }
            throw failure
        }
        guard case .map(let root) = value else {
            throw Failure(
                .badField, "ignition must be an object, not a \(IgnitionReport.kind(value))",
                hint: IgnitionVersion.example)
        }
        return root
    }
}
