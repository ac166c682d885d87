import Basics
import DiskImages
import HostFiles

extension Disk {
    /// Makes a disk larger that nothing stands on.
    ///
    /// - Throws: as `resize(_:to:gate:cancellation:_:)`, and `Failure` with code `in_use` where an overlay stands on it.
    public static func resize(
        _ path: String, to size: ByteSize, unless relation: StandsOn, gate: Gate = .open,
        cancellation: Cancellation = Cancellation()
    ) throws(Failure) {
        try resize(path, to: size, gate: gate, cancellation: cancellation) { () throws(Failure) in
            try relation.requireNothing(on: [path], path, .write("made larger"))
        }
    }

    /// Removes the file of a disk that nothing stands on.
    ///
    /// - Throws: as `remove(_:_:)`, and `Failure` with code `in_use` where an overlay stands on it, or a domain has it.
    public static func remove(_ path: String, unless relation: StandsOn) throws(Failure) {
        try remove(path) { () throws(Failure) in
            try relation.requireNothing(on: [path], path, .remove)
            try relation.requireNoDomain(with: path, besides: [], path)
        }
    }
}

extension Overlay {
    /// Lets every later process know of an overlay that is no machine's.
    ///
    /// - Throws: `Failure` with code `io`.
    public static func remember(_ path: String, in state: StateFolder) throws(Failure) {
        try OverlayIndex.of(state).remember(path)
    }
}
