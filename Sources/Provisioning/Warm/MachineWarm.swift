import Basics
import Glibc
import HostFiles
import Hypervisors
import ImageLibrary
import Steps

extension Machine {
    /// Keeps the machine's memory and disk of now as a warm image, and ends it. The machine is not to be started again.
    ///
    /// - Parameters:
    ///   - image: what it is made of.
    ///   - base: the image that the machine was made from.
    ///   - hasOwnNetwork: whether its script gave it a network-config.
    /// - Returns: the path of the frozen disk.
    /// - Throws: `Failure` with code `guest` where the guest's agent does not answer, `host_not_able` where the host keeps no
    ///   memory, `program`, `io`, `libvirt`, `timeout` or `cancelled`.
    public func keepWarm(
        _ image: BakedImage, base: String, hasOwnNetwork: Bool, in images: ImageLibrary,
        cancellation: Cancellation,
        progress: @escaping @Sendable (Progress) -> Void
    ) throws(Failure) -> String {
        let news = MachineNews(name: name, progress: progress)
        return try MachineLock.hold(self, cancellation: cancellation) { () throws(Failure) in
            guard isLocal, let memory = hypervisor.memory else {
                throw Failure(
                    .hostNotAble, "\(hypervisor.uri) keeps no memory for limiq",
                    hint: "warm machines are of this host: leave --connect out", resource: name)
            }
            let disk = try bootDisk()
            let record = try requireRecord()
            var spec = try spec()
            // What is made of its nics: each machine has its own.
            if !hasOwnNetwork { spec.cloudInit?.networkConfig = nil }
            let note = WarmImage.Note(
                spec: spec, base: base,
                host: WarmImage.host(try host(), record.acceleration, cpuinfo: cpuinfo()))
            let warm = try WarmImage.begin(images.place(of: image.image), note, state)
            try news.telling(.seal) { () throws(Failure) in
                let agent = GuestAgent(hypervisor: hypervisor, name: name)
                guard agent.answers() else {
                    throw Failure(
                        .guest,
                        "the agent of \(name) does not answer, and nothing else reaches a guest that goes on",
                        hint: "install qemu-guest-agent in its image", resource: name)
                }
                try agent.perform(
                    quietProgram, "\(name) cannot be made ready to be saved", cancellation: cancellation)
            }
            return try news.telling(.keep) { () throws(Failure) in
                try memory.save(name, to: warm.memory)
                let path = try images.keep(image, from: disk, compressed: false, cancellation)
                try warm.finish()
                return path
            }
        }
    }
}

extension GuestAgent {
    /// Runs a shell's program, which says on its standard output what has gone wrong.
    ///
    /// - Parameter complaint: what a failure says.
    /// - Throws: `Failure` with code `guest` where it ends with a code, `timeout`, `cancelled` or `libvirt`.
    func perform(_ program: String, _ complaint: String, cancellation: Cancellation) throws(Failure) {
        let result = try exec(
            ["sh"], stdin: Array(program.utf8), timeout: .seconds(120), cancellation: cancellation)
        guard result.code != 0 else { return }
        throw Failure(
            .guest, complaint, resource: name,
            cause: String(decoding: result.stdout.suffix(500), as: UTF8.self).trimmed())
    }
}
