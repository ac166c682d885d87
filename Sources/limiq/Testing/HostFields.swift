import Basics
import MachineSpec
import Records
import SimulatedHost

/// What a spec says of a simulated host: at its beginning, or as it changes.
struct HostFields: Sendable {
    var uri: String?
    var cpus: Int?
    var memory: ByteSize?
    var isFull: Bool?
    var isDown: Bool?
    var guests: GuestFields?
    /// Whether functions of the spec say what each guest does, and what programs answer.
    var asksScript = false
    var asksPrograms = false

    static let record = Record<HostFields>(
        "spec.host", "A simulated host.", make: { HostFields() },
        fields: [
            Field("uri", \.uri, .string, ""), Field("cpus", \.cpus, .int(1...4096), ""),
            Field("memory", \.memory, .size, ""), Field("full", \.isFull, .bool, ""),
            Field("down", \.isDown, .bool, ""), Field("guests", \.guests, .record(GuestFields.record), ""),
            Field("asks_script", \.asksScript, .bool, ""), Field("asks_programs", \.asksPrograms, .bool, ""),
        ])
}

/// What a spec says of a simulated guest.
struct GuestFields: Sendable, Equatable {
    var boot: GuestSpan?
    var shutdown: GuestSpan?
    var agent: Bool?
    var cloudInitErrors: [String]?
    var fails: GuestScript.Fault?
    var files: [String: [UInt8]] = [:]

    static let record = Record<GuestFields>(
        "guests", "Guests of a simulated host.", make: { GuestFields() },
        fields: [
            Field("boot", \.boot, .guestSpan, ""), Field("shutdown", \.shutdown, .guestSpan, ""),
            Field("agent", \.agent, .bool, ""),
            Field("cloud_init_errors", \.cloudInitErrors, .list(of: .string), ""),
            Field("fails", \.fails, .choice(), ""),
            Field("files", \.files, .dictionary(of: .bytes), ""),
        ])

    /// The script with what is said here.
    func applied(to script: GuestScript) -> GuestScript {
        var script = script
        if let boot { script.boot = boot.time }
        if let shutdown { script.shutdown = shutdown.time }
        if let agent { script.hasAgent = agent }
        if let cloudInitErrors { script.cloudInitErrors = cloudInitErrors }
        if let fails { script.fault = fails }
        script.files.merge(files) { $1 }
        return script
    }
}

/// A time that a guest takes, or that it never ends.
enum GuestSpan: Sendable, Equatable {
    case time(Duration)
    case never

    var time: Duration? { if case .time(let time) = self { time } else { nil } }
}

extension Codec where Content == GuestSpan {
    /// A duration, or `false` for what never happens.
    static let guestSpan = Codec("string|number|false") { value, path throws(Failure) in
        value == .bool(false) ? .never : .time(try Codec<Duration>.duration.decode(value, path))
    } encode: { span in
        span.time.map { Codec<Duration>.duration.encode($0) } ?? .bool(false)
    }
}
