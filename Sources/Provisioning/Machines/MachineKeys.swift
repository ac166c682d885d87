import Basics
import Hypervisors

extension Machine {
    /// Presses keys, one stroke after the other, as if somebody sat at the guest's keyboard.
    ///
    /// - Parameter strokes: each a key, or several held together (`ctrl-alt-delete`), by QEMU's names (`QKeyCode` of its QMP
    ///   reference): `a`, `ret`, `spc`, `f12`.
    /// - Throws: `Failure` with code `bad_field` for a key QEMU does not know, `guest_stopped`, `libvirt`.
    public func sendKeys(_ strokes: [String]) throws(Failure) {
        struct Arguments: Encodable {
            struct Key: Encodable {
                var type = "qcode"
                var data: String
            }
            var keys: [Key]
        }
        guard try requireDomain().state.isActive else {
            throw Failure(.guestStopped, "\(name) is off", hint: "start it first", resource: name)
        }
        for stroke in strokes {
            let keys = stroke.split(separator: "-", omittingEmptySubsequences: false)
                .map { Arguments.Key(data: String($0)) }
            let reply: MonitorReply<NothingSaid> = try monitor("send-key", Arguments(keys: keys))
            guard case .refused(let words) = reply else { continue }
            throw Failure(
                .badField, "\"\(stroke)\" cannot be pressed in \(name)",
                hint:
                    "keys have QEMU's names: a, 1, ret, spc, f12; those held together are joined: ctrl-alt-delete",
                resource: name, cause: words)
        }
    }
}
