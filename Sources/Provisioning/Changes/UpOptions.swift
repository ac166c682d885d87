import Basics

/// How `up` goes about it.
public struct UpOptions: Sendable, Equatable {
    /// Start the VM; otherwise it is only made.
    public var start = true
    /// `nil`: for cloud-init where there is a seed, else until it runs.
    public var wait: Goal?
    /// The longest silence: a guest that gets on is not given up.
    public var timeout = Duration.seconds(600)
    /// The end of the whole, counted from the beginning of `up`; `nil` for none.
    public var deadline: Duration?
    /// Leave a new VM for a look when `up` fails.
    public var keep = false
    /// Start a running guest anew where a change takes effect only then.
    public var restart = false
    /// Make the VM anew where it cannot become what the spec says otherwise. Its disks are thrown away.
    public var replace = false
    /// Take images below the VM's disks that are not what they were for the same: they were copied or touched.
    public var acceptBase = false
    /// `nil`: hardware acceleration where guests survive it.
    public var acceleration: Acceleration?

    public init() {}

    /// What is waited for.
    public func goal(for spec: VMSpec) -> Goal { wait ?? (spec.cloudInit == nil ? .running : .cloudInit) }
}
