import Basics
import FoundationEssentials
import Hypervisors

extension Machine {
    /// Runs a command of QEMU's machine protocol (https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html).
    ///
    /// - Parameter doing: what failed, when QEMU refuses: `cannot move the tray of tools`.
    /// - Throws: `Failure` with code `libvirt`, its cause QEMU's own words.
    func qmp<Answer: Decodable>(
        _ command: String, _ arguments: some Encodable, doing: String
    ) throws(Failure) -> Answer {
        switch try monitor(command, arguments) as MonitorReply<Answer> {
        case .answer(let answer): return answer
        case .refused(let words): throw Failure(.libvirt, doing, resource: name, cause: words)
        }
    }

    /// Runs the same command, for those to whom a refusal is an answer too.
    ///
    /// - Throws: `Failure` where libvirt brings no reply.
    func monitor<Answer: Decodable>(
        _ command: String, _ arguments: some Encodable
    ) throws(Failure) -> MonitorReply<Answer> {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .withoutEscapingSlashes
            let text = try encoder.encode(MonitorCommand(execute: command, arguments: arguments))
            return try JSONDecoder().decode(
                MonitorReply<Answer>.self,
                from: Data(try hypervisor.qmp(name, String(decoding: text, as: UTF8.self)).utf8))
        } catch let failure as Failure { throw failure } catch {
            throw Failure(.internal, "the command \(command) or its answer is no JSON", cause: "\(error)")
        }
    }
}

/// The arguments of a command that has none, and the answer of a command that says nothing or is not read.
struct NothingSaid: Codable {}

/// A command of QEMU's machine protocol. The guest agent takes the same form.
struct MonitorCommand<Arguments: Encodable>: Encodable {
    var execute: String
    var arguments: Arguments
}

/// The reply of QEMU: what it has done, or why it has not.
enum MonitorReply<Answer: Decodable>: Decodable {
    case answer(Answer)
    /// The reason of a refusal, in QEMU's words.
    case refused(String)

    private struct Refusal: Decodable { var desc: String }

    private enum CodingKeys: String, CodingKey {
        case error
        case answer = "return"
    }

    init(from decoder: any Decoder) throws {
        let reply = try decoder.container(keyedBy: CodingKeys.self)
        if let refusal = try reply.decodeIfPresent(Refusal.self, forKey: .error) {
            self = .refused(refusal.desc)
        } else {
            self = .answer(try reply.decode(Answer.self, forKey: .answer))
        }
    }
}
