import Basics
import HostFiles
import Hypervisors
import MachineSpec

extension HypervisorURI {
    /// The ssh command that reaches the host as libvirt does (<https://libvirt.org/uri.html#ssh-transport>), up to the
    /// host's name; `nil` for another transport.
    private var sshCommand: (words: [String], host: String)? {
        guard transport == "ssh" else { return nil }
        let (user, address): (String?, Substring)
        if let at = host.lastIndex(of: "@") {
            (user, address) = (String(host[..<at]), host[host.index(after: at)...])
        } else {
            (user, address) = (nil, host[...])
        }
        // An IPv6 address is in brackets.
        let name =
            address.hasPrefix("[") ? address.dropFirst().prefix { $0 != "]" } : address.prefix { $0 != ":" }
        let rest = address.dropFirst(address.hasPrefix("[") ? name.count + 2 : name.count)
        var words = [parameter("command") ?? "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
        if let key = parameter("keyfile") { words += ["-i", key] }
        if parameter("no_verify") == "1" { words += ["-o", "StrictHostKeyChecking=no"] }
        if rest.hasPrefix(":") { words += ["-p", String(rest.dropFirst())] }
        if let user { words += ["-l", user] }
        return (words, String(name))
    }

    /// The command of a program whose input and output are a connection from that host to a port it reaches.
    func proxy(to host: String, port: UInt16) -> [String]? {
        sshCommand.map { $0.words + ["-W", "\(host):\(port)", "--", $0.host] }
    }
}

extension SSHEndpoint {
    /// - Parameter hypervisor: the one whose host reaches it. Where that is another one and not behind ssh, a forward of
    ///   its loopback address cannot be reached, and a guest's own address only where it is routed here.
    /// - Returns: `nil` where there is no way.
    init?(host: String, port: UInt16, byWayOf hypervisor: any Hypervisor) {
        let location = HypervisorURI(hypervisor.uri)
        self.init(host: host, port: port)
        if location.isLocal { return }
        if let proxy = location.proxy(to: host, port: port) {
            self.proxy = proxy
        } else if host == PortForward.loopbackAddress {
            return nil
        }
    }

    /// The command by which ssh uses the proxy; `nil` for none. The percent sign is its own mark.
    var proxyCommand: String? {
        proxy.isEmpty ? nil : GuestSSH.line(proxy).replacing("%", with: "%%")
    }

    func hasBannerByProxy() -> Bool {
        var program = HostProgram(proxy)
        // Its input is at its end at once, and what the server has to say first comes all the same.
        program.timeout = .seconds(15)
        return (try? program.run(Cancellation()))?.output.starts(with: Array("SSH-".utf8)) ?? false
    }
}

extension Machine {
    /// The failure of a port that is not reached from here: a forwarded port of a guest on another host is one of that
    /// host's loopback address.
    func onlyThere(_ forwards: [PortForward], _ port: UInt16, _ proto: PortForward.Proto) -> Failure {
        let forward = forwards.first { $0.guest == port && $0.proto == proto }
        return Failure(
            .hostNotAble, "port \(port) of \(name) is not reached from this machine",
            hint: forward.map {
                "it is \($0.endpoint) of \(hypervisor.uri): ssh -N -L \($0.host):\($0.endpoint) leads there"
            } ?? "it is not forwarded", resource: name)
    }
}
