import HostFiles

/// The degree to which a script is trusted.
struct SandboxChoice {
    var isOn = false
    var forbidsPrograms = false
    var allowed = GateBounds.Allowed()
}
