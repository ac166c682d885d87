import Basics
import MachineSpec

/// The ways in which `up` may go about it.
public struct UpOptions: Sendable, Equatable {
    /// Whether to start the machine; otherwise it is only made.
    public var start = true
    /// The goal that is waited for. `nil`: cloud-init where there is a seed, else until the guest runs.
    public var wait: Goal?
    /// The longest silence: a guest that gets on is not given up.
    public var timeout = Duration.seconds(600)
    /// The end of the whole, counted from the beginning of `up`; `nil` for none.
    public var deadline: Duration?
    /// Whether to leave a new machine for a look when `up` fails.
    public var keep = false
    /// Whether to start a running guest anew where a change takes effect only then.
    public var restart = false
    /// Whether to make the machine anew where it cannot become what the spec says otherwise. Its disks are thrown away.
    public var replace = false
    /// Whether to take images below the machine's disks that are not what they were for the same: they were copied or
    /// touched.
    public var acceptBase = false
    /// The acceleration; `nil` for that of the hardware where guests survive it.
    public var acceleration: Acceleration?

    /// The run that throws a new machine away at its end; `nil` for one that stays.
    public var run: String?
    /// The run that asks, whose throw-away machines it may work on.
    public var ownRun: String?
    /// Whether the machine must be new, as one that is thrown away whatever happens.
    public var isLent = false

    public init() {}

    /// The goal that is waited for.
    public func goal(for spec: VMSpec) -> Goal { wait ?? (spec.cloudInit == nil ? .running : .cloudInit) }
}
