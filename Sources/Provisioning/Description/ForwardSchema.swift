import Basics
import MachineSpec
import Records

private let forwardFields: [Field<PortForward>] = [
    .port(
        "host", \.host,
        "The host's port; left out, a free one is chosen and kept for the VM's life. Of a range, a range: `\"8000-8010\"`."
    ),
    .port(
        "guest", \.guest, required: true,
        "The guest's port; a range, `\"8000-8010\"`, is a forward for each of them."),
    Field<PortForward>("proto", \.proto, .choice(), "tcp where left out."),
    Field<PortForward>(
        "bind", \.bind, .publicText,
        "The address of the host it is opened at, `\"0.0.0.0\"` for all; 127.0.0.1 where left out."),
]

private let forwardRecord = Record<PortForward>(
    "limiq.PortForward", "A port of the host that leads to a port of the guest.",
    make: { PortForward(host: PortForward.chosen, guest: 0) }, fields: forwardFields)

extension Field where Owner == PortForward {
    /// A port; 0, which stands for one that is chosen, is written back as left out.
    fileprivate static func port(
        _ name: String, _ keyPath: any WritableKeyPath<PortForward, UInt16> & Sendable,
        required: Bool = false, _ doc: String
    ) -> Field {
        let codec = Codec<UInt16>.int(1...65535)
        return Field(
            name: name, luaType: "integer|string", isRequired: required, doc: doc, records: { [] }
        ) { owner, value, path throws(Failure) in
            owner[keyPath: keyPath] = try codec.decode(value, path)
        } encode: { owner in
            let port = owner[keyPath: keyPath]
            return port == PortForward.chosen ? nil : codec.encode(port)
        }
    }
}

extension Codec where Content == [PortForward] {
    /// A list of forwards. One of a range is one for each port.
    static var forwards: Codec {
        let members = Codec.list(of: .record(forwardRecord))
        return Codec(members.luaType, records: members.records) { value, path throws(Failure) in
            guard let list = value.list, list.contains(where: isRange) else {
                return try members.decode(value, path).map(\.plain)
            }
            var forwards: [PortForward] = []
            for (index, member) in list.enumerated() {
                let path = "\(path)[\(index + 1)]"
                for single in try singles(member, path) {
                    forwards.append(try forwardRecord.decode(single, at: path).plain)
                }
            }
            return forwards
        } encode: {
            members.encode($0)
        }
    }

    private static func isRange(_ forward: Value) -> Bool {
        forward["host"]?.string != nil || forward["guest"]?.string != nil
    }

    /// The forwards of a range, one for each port.
    private static func singles(_ forward: Value, _ path: String) throws(Failure) -> [Value] {
        guard isRange(forward), let map = forward.map else { return [forward] }
        let guest = try range(forward["guest"], "\(path).guest")
        let host = try range(forward["host"], "\(path).host")
        guard let guest, host == nil || host?.count == guest.count else {
            throw Failure(
                .badField, "\(path): the ranges of host and guest are not of one length",
                hint: "{ host = \"8000-8010\", guest = \"80-90\" }; without host, ports are chosen")
        }
        return guest.enumerated().map { index, port in
            var single = map
            single["guest"] = .int(port)
            if let host { single["host"] = .int(host.lowerBound + Int64(index)) }
            return .map(single)
        }
    }

    /// The ports of a range, as numbers that are still to be looked at; a number is a range of one.
    private static func range(_ value: Value?, _ path: String) throws(Failure) -> ClosedRange<Int64>? {
        guard let value else { return nil }
        if let port = value.int { return port...port }
        let ends = (value.string ?? "").split(separator: "-", omittingEmptySubsequences: false)
            .map { UInt16($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first > 0, first <= last else {
            throw wrongType(
                path, expected: "a port, or a range of ports such as \"8000-8010\"", got: value)
        }
        guard last - first < 256 else {
            throw Failure(.badField, "\(path) is a range of more than 256 ports")
        }
        return Int64(first)...Int64(last)
    }
}

extension PortForward {
    /// The forward with one value for one thing.
    fileprivate var plain: PortForward {
        PortForward(host: host, guest: guest, proto: proto, bind: bind)
    }
}
