import Basics
import Glibc

/// The bounds of `--sandbox`: the script's folder, the images of the state folder to read, and what the caller allows.
public struct GateBounds: Sendable {
    /// The things the caller allows beside.
    public struct Allowed: Sendable {
        /// The paths of `--allow-read`.
        public var reading: [String]
        /// The paths of `--allow-write`.
        public var writing: [String]
        /// The names of `--allow-env`.
        public var variables: [String]

        public init(reading: [String] = [], writing: [String] = [], variables: [String] = []) {
            self.reading = reading
            self.writing = writing
            self.variables = variables
        }
    }

    /// The URI of the run's own host.
    package let host: String
    /// The script whose machines are open.
    package let script: String
    let variables: Set<String>

    // Paths without links.
    private let folder: String
    private let readable: [String]
    private let writable: [String]
    private let state: String?
    private let library: [String]
    private let images: [String]

    /// - Parameters:
    ///   - script: its path, without links.
    ///   - library: the folders Lua modules come from beside the script's.
    /// - Throws: `Failure` with code `bad_field` for an allowed path that leads nowhere, and for a script in the home folder
    ///   itself.
    public init(
        script: String, state: StateFolder, library: [String], host: String, allowed: Allowed
    ) throws(Failure) {
        self.script = script
        self.host = host
        variables = Set(allowed.variables)
        // Of the script's path all but its name.
        let own = HostFiles.folder(of: script.hasSuffix("/") ? script : canonicalPath(script) ?? script)
        folder = own == "/" ? own : String(own.dropLast())
        let home = getenv("HOME").flatMap { canonicalPath(String(cString: $0)) }
        guard folder != "/", folder != home else {
            throw Failure(
                .badField, "--sandbox leaves a script its own folder, and that is \(folder)",
                hint: "put the script into a folder of its own", resource: folder)
        }
        self.library = library.compactMap(canonicalPath)
        readable = try Self.paths(allowed.reading, "--allow-read") + self.library
        writable = try Self.paths(allowed.writing, "--allow-write")
        self.state = canonicalPath(state.root)
        images = [state.cloudImages, state.isos].compactMap(canonicalPath)
    }

    func mayRead(_ path: String) -> Bool {
        if (readable + writable + images).contains(where: { isInside(path, $0) }) { return true }
        return isOwn(path)
    }

    package func mayWrite(_ path: String) -> Bool {
        writable.contains { isInside(path, $0) }
            // Lua that scripts without bounds run.
            || isOwn(path) && !library.contains { isInside(path, $0) }
    }

    /// Whether a path is below the script's folder, and not in the state folder, wherever that is.
    private func isOwn(_ path: String) -> Bool {
        isInside(path, folder) && state.map { !isInside(path, $0) } ?? true
    }

    private static func paths(_ given: [String], _ flag: String) throws(Failure) -> [String] {
        var paths: [String] = []
        for path in given {
            guard !path.isEmpty, let real = canonicalPath(path) else {
                throw Failure(
                    .badField, "\(flag) \(path) leads nowhere", hint: "give a path that can be followed")
            }
            paths.append(real)
        }
        return paths
    }
}
