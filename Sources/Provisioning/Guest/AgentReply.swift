import Basics
import FoundationEssentials

/// A call of one command of a guest's agent, which checks the answer: a guest answers what it likes, so each number has
/// bounds and each text a form, and what has not is an error that names the guest.
struct AgentCall: Sendable {
    /// The guest's name.
    let guest: String
    /// The agent's own name of the command: `guest-exec`.
    let command: String

    /// - Throws: `Failure` with code `guest` for what is no answer to the command.
    func decode<Value: Decodable>(_ reply: String) throws(Failure) -> Value {
        do {
            return try JSONDecoder().decode(Reply<Value>.self, from: Data(reply.utf8)).value
        } catch {
            throw nonsense("with what is no answer to it", cause: "\(error)")
        }
    }

    private struct Reply<Value: Decodable>: Decodable {
        var value: Value
        enum CodingKeys: String, CodingKey { case value = "return" }
    }

    /// - Parameter what: the number's name in the answer.
    @discardableResult
    func number<Number: FixedWidthInteger>(
        _ number: Number, _ what: String, in bounds: ClosedRange<Number>
    ) throws(Failure) -> Number {
        guard bounds.contains(number) else { throw nonsense("with a \(what) of \(number), which cannot be") }
        return number
    }

    /// - Parameter what: the text's name in the answer.
    func bytes(_ base64: String, _ what: String) throws(Failure) -> [UInt8] {
        guard let bytes = Base64.decode(base64) else { throw nonsense("with \(what) that is no base64") }
        return bytes
    }

    func nonsense(_ how: String, cause: String? = nil) -> Failure {
        Failure(
            .guest, "the agent of \(guest) answers \(command) \(how)",
            hint: "see what runs as qemu-guest-agent in the guest", resource: guest,
            cause: cause.map { outsideText($0) })
    }
}

/// The text of a guest in a message of limiq's: one line, and no longer than a person reads.
func outsideText(_ text: String) -> String {
    let most = 1000
    var line = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(most) {
        switch scalar {
        case "\n": line.append(contentsOf: #"\n"#.unicodeScalars)
        case "\r": line.append(contentsOf: #"\r"#.unicodeScalars)
        default: line.append(scalar)
        }
    }
    return String(line) + (text.unicodeScalars.dropFirst(most).isEmpty ? "" : "…")
}
