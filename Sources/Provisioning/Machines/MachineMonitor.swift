import Basics
import FoundationEssentials

extension Machine {
    /// Gives QEMU a command of its machine protocol (QMP), whose refusal is a reply like any other.
    ///
    /// - Returns: why QEMU refused; `nil` where it did as it was told.
    /// - Throws: `Failure` with code `libvirt`.
    func refusal(of command: String, _ arguments: some Encodable) throws(Failure) -> String? {
        let text: String
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .withoutEscapingSlashes
            text = String(
                decoding: try encoder.encode(Command(execute: command, arguments: arguments)), as: UTF8.self)
        } catch { throw Failure("internal", "the command \(command) cannot be written", cause: "\(error)") }
        let reply = try hypervisor.qmp(name, text)
        do {
            return try JSONDecoder().decode(Reply.self, from: Data(reply.utf8)).error?.desc
        } catch {
            throw Failure(
                "internal", "QEMU's answer to \(command) cannot be read", resource: name,
                cause: "\(reply.trimmed()): \(error)")
        }
    }
}

private struct Command<Arguments: Encodable>: Encodable {
    var execute: String
    var arguments: Arguments
}

private struct Reply: Decodable {
    struct Refusal: Decodable { var desc: String }
    var error: Refusal?
}
