import Basics
import FoundationEssentials

extension Machine {
    /// A command of QEMU's machine protocol, whose refusal is a reply like any other
    /// (https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html).
    ///
    /// - Parameter doing: what failed, when QEMU refuses: `cannot move the tray of tools`.
    /// - Throws: `Failure` with code `libvirt`, its cause QEMU's own words.
    func qmp<Answer: Decodable>(
        _ command: String, _ arguments: some Encodable, doing: String
    ) throws(Failure) -> Answer {
        do {
            let text = try JSONEncoder().encode(MonitorCommand(execute: command, arguments: arguments))
            let reply = try JSONDecoder().decode(
                MonitorReply<Answer>.self,
                from: Data(try hypervisor.qmp(name, String(decoding: text, as: UTF8.self)).utf8))
            if let answer = reply.answer { return answer }
            throw Failure(.libvirt, doing, resource: name, cause: reply.error?.desc)
        } catch let failure as Failure { throw failure } catch {
            throw Failure("internal", "the command \(command) or its answer is no JSON", cause: "\(error)")
        }
    }
}

/// The arguments of a command that has none, and the answer of one that says nothing or is not read.
struct NothingSaid: Codable {}

/// The guest agent takes the same form.
struct MonitorCommand<Arguments: Encodable>: Encodable {
    var execute: String
    var arguments: Arguments
}

private struct MonitorReply<Answer: Decodable>: Decodable {
    struct Refusal: Decodable { var desc: String }
    var error: Refusal?
    var answer: Answer?

    enum CodingKeys: String, CodingKey {
        case error
        case answer = "return"
    }
}
