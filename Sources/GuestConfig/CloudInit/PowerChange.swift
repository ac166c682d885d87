import Basics
import MachineSpec
import YAML

/// The change of power that cloud-init makes when it has done the rest: `power_state` of a cloud-config
/// (https://cloudinit.readthedocs.io/en/22.4.2/topics/modules.html#power-state-change). It does so once for each
/// instance.
public struct PowerChange: Sendable, Equatable, Codable {
    public enum Mode: String, Sendable, Codable {
        case reboot, poweroff, halt
    }

    public var mode: Mode
    /// The seconds between cloud-init's end and the change.
    public var delay: Int

    public init(_ mode: Mode, delay: Int = 0) {
        self.mode = mode
        self.delay = delay
    }
}

extension CloudInitSpec {
    /// The change of power the cloud-config asks for; `nil` where it changes nothing, or is not known to.
    package var powerChange: PowerChange? {
        guard let state = cloudConfig?.entry("power_state")?.node,
            let mode = state.entry("mode")?.node.text.flatMap(PowerChange.Mode.init),
            state.entry("condition")?.node.value.bool != false
        else { return nil }
        // `now`, `+5` or 5: minutes.
        let minutes = state.entry("delay")?.node.text.flatMap { Int($0) } ?? 0
        return PowerChange(mode, delay: min(max(0, minutes), 1440) * 60)
    }
}
