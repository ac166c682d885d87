import Basics
import FoundationEssentials

/// The outcome of cloud-init in a guest.
public struct CloudInitOutcome: Sendable, Equatable, Codable {
    /// The errors, as `module: message`; empty where all went well.
    public var errors: [String]
    /// The finish line on the console that this is about, which is another one at each boot.
    var finishLine: String?

    /// Reads `/run/cloud-init/result.json`: `{"v1": {"datasource": …, "errors": ["('locale', ProcessExecutionError(…))"]}}`.
    init(resultJSON bytes: [UInt8]) throws(Failure) {
        struct Document: Decodable {
            struct Result: Decodable { var errors: [String]? }
            var v1: Result
        }
        do {
            let document = try JSONDecoder().decode(Document.self, from: Data(bytes))
            errors = (document.v1.errors ?? []).map(Self.readable)
        } catch {
            throw Failure(
                .cloudInit, "the guest's /run/cloud-init/result.json cannot be read", cause: "\(error)")
        }
    }

    init(errors: [String], finishLine: String?) {
        self.errors = errors
        self.finishLine = finishLine
    }

    /// Makes an error readable: `('scripts_user', RuntimeError('Runparts: 1 failures …'))`, a Python tuple, becomes
    /// `scripts_user: RuntimeError('…')`.
    private static func readable(_ error: String) -> String {
        guard error.hasPrefix("('"), error.hasSuffix(")"),
            let end = error.dropFirst(2).firstIndex(of: "'")
        else { return error }
        let module = error[error.index(error.startIndex, offsetBy: 2)..<end]
        let message = error[error.index(after: end)...].dropLast().drop { $0 == "," || $0 == " " }
        return "\(module): \(message)"
    }

    /// The failure a script sees where there were errors.
    func failure(of name: String) -> Failure? {
        guard let first = errors.first else { return nil }
        let more = errors.count == 1 ? "" : " (and \(errors.count - 1) more)"
        let others = errors.dropFirst().prefix(20).map(outsideText)
        return Failure(
            .cloudInit, "cloud-init finished with errors in \(name): \(outsideText(first))\(more)",
            hint: "the guest's /var/log/cloud-init.log has the whole story", resource: name,
            cause: others.isEmpty ? nil : others.joined(separator: "; "))
    }
}
