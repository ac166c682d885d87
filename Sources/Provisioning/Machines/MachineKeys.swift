import Basics
import FoundationEssentials

extension Machine {
    /// Presses keys, one stroke after the other, as if somebody sat at the guest's keyboard.
    ///
    /// - Parameter strokes: each a key, or several held together (`ctrl-alt-delete`), by QEMU's names (`QKeyCode` of its QMP
    ///   reference): `a`, `ret`, `spc`, `f12`.
    /// - Throws: `Failure` with code `bad_field` for a key QEMU does not know, `guest_stopped`, `libvirt`.
    public func sendKeys(_ strokes: [String]) throws(Failure) {
        struct Command: Encodable {
            struct Key: Encodable {
                var type = "qcode"
                var data: String
            }
            struct Arguments: Encodable { var keys: [Key] }
            var execute = "send-key"
            var arguments: Arguments
        }
        struct Reply: Decodable {
            struct Refusal: Decodable { var desc: String }
            var error: Refusal?
        }
        guard try requireDomain().state.isActive else {
            throw Failure("guest_stopped", "\(name) is off", hint: "start it first", resource: name)
        }
        for stroke in strokes {
            let keys = stroke.split(separator: "-", omittingEmptySubsequences: false)
                .map { Command.Key(data: String($0)) }
            let refusal: String?
            do {
                let command = try JSONEncoder().encode(Command(arguments: .init(keys: keys)))
                let reply = try hypervisor.qmp(name, String(decoding: command, as: UTF8.self))
                refusal = try JSONDecoder().decode(Reply.self, from: Data(reply.utf8)).error?.desc
            } catch let failure as Failure { throw failure } catch {
                throw Failure("internal", "a key or the answer to it is no JSON", cause: "\(error)")
            }
            if let refusal {
                throw Failure(
                    .badField, "\"\(stroke)\" cannot be pressed in \(name)",
                    hint:
                        "keys have QEMU's names: a, 1, ret, spc, f12; those held together are joined: ctrl-alt-delete",
                    resource: name, cause: refusal)
            }
        }
    }
}
