import Basics
import Glibc
import Hypervisors

/// The console log of a machine on another host: libvirt there writes it into a volume, and it is read from there.
///
/// A volume has no event for what is added: it is looked at twice a second. The stream that libvirt has for consoles
/// would tell at once, but has room for one reader, and that is a person's `limiq console`; a log is also there
/// for what was said before anybody listened.
extension Machine {
    private var consoleVolume: HostVolume {
        HostVolume(pool: LibvirtHypervisor.ownPool, name: volumeName(of: .console))
    }

    /// The bytes the guest has written to its serial console since it was started; of much, the last.
    ///
    /// - Throws: `Failure` with code `not_found` where there is no log.
    public func consoleBytes() throws(Failure) -> [UInt8] {
        guard isLocal else {
            let length = try hypervisor.volume(consoleVolume)?.length ?? 0
            return try hypervisor.download(consoleVolume, from: length - min(length, UInt64(mostConsole)))
        }
        let log = try ReadableFile(consoleLog)
        return try log.read(
            at: log.length - min(log.length, UInt64(mostConsole)), count: mostConsole)
    }

    /// The same text, line by line, without control sequences.
    public func consoleLines() throws(Failure) -> [String] { ConsoleText.lines(try consoleBytes()) }

    /// The last bytes of the log, and whether there are more before them; empty where there is no log.
    func endOfConsoleVolume(_ count: Int) -> (bytes: [UInt8], isCut: Bool) {
        guard let volume = try? hypervisor.volume(consoleVolume), volume.length > 0 else {
            return ([], false)
        }
        let offset = volume.length - min(volume.length, UInt64(count))
        return ((try? hypervisor.download(consoleVolume, from: offset)) ?? [], offset > 0)
    }

    /// The place in the log where what comes next will stand, in bytes; 0 where there is none.
    func consoleLength() throws(Failure) -> Int {
        if !isLocal {
            let isThere = try hypervisor.pool(consoleVolume.pool) != nil
            return isThere ? Int(clamping: try hypervisor.volume(consoleVolume)?.length ?? 0) : 0
        }
        var information = stat()
        return stat(consoleLog, &information) == 0 ? Int(information.st_size) : 0
    }

    /// Follows the console's log of the present boot.
    ///
    /// - Parameters: as of `ConsoleFollower`.
    func followConsole(
        onStart: @escaping @Sendable () -> Void, onLines: @escaping @Sendable ([String]) -> Void
    ) -> (any ConsoleWatch)? {
        isLocal
            ? ConsoleFollower(consoleLog, from: bootOffset, onStart: onStart, onLines: onLines)
            : VolumeConsoleFollower(
                hypervisor, consoleVolume, from: bootOffset, onStart: onStart, onLines: onLines)
    }
}

/// A reader of a console log as it grows.
protocol ConsoleWatch: Sendable {
    func cancel()
}

extension ConsoleFollower: ConsoleWatch {}

/// Reads a console log in a volume and then what is added.
private final class VolumeConsoleFollower: ConsoleWatch {
    private let end = Mailbox<Void>()

    init(
        _ storage: any HostStorage, _ volume: HostVolume, from start: Int,
        onStart: @escaping @Sendable () -> Void, onLines: @escaping @Sendable ([String]) -> Void
    ) {
        let end = end
        startThread {
            var (offset, text) = (UInt64(clamping: start), ConsoleText())
            repeat {
                // A host that does not answer just now, or has no log yet, is asked again.
                guard let now = try? storage.volume(volume) else { continue }
                if now.length < offset {
                    (offset, text) = (0, ConsoleText())
                    onStart()
                }
                if now.length > offset, now.length - offset > UInt64(mostConsole) {
                    (offset, text) = (now.length - UInt64(mostConsole), ConsoleText())
                }
                guard now.length > offset,
                    let bytes = try? storage.download(volume, from: offset)
                else { continue }
                offset += UInt64(bytes.count)
                let lines = text.take(bytes)
                if !lines.isEmpty { onLines(lines) }
            } while end.next(before: .present + .milliseconds(500)) == nil
        }
    }

    /// Ends the reader. What is being read meanwhile may still be told.
    func cancel() { end.put(()) }
}
