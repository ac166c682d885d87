import Basics
import HostFiles
import ImageLibrary

/// The things that calls about files have in common.
extension PlannedCall {
    /// Whether a run would find something there.
    func isThere(_ path: String) -> Bool { run.expected(path).map { $0 != .gone } ?? fileExists(path) }

    /// Whether a file is one that a run would have made by then, and not before.
    func isMade(_ path: String) -> Bool { run.expected(path).map { $0 != .gone } ?? false }

    /// The path of a file that a run would write.
    func writing(_ path: String) throws(Failure) -> String {
        let path = try environment.writing(path)
        // A program may make the folder before.
        if !run.isGuessing { try AtomicFile.requirePlace(path) }
        return path
    }

    /// Notes a file that a run would write, with what is not known before.
    ///
    /// - Parameters:
    ///   - kind: `file`, `disk`, `seed`, `iso`.
    ///   - replaces: whether it takes the place of one that is there.
    ///   - warnings: what a person should know of it.
    /// - Returns: its path.
    func make(
        _ path: String, _ kind: String, part: PlanStep.Part? = nil, replaces: Bool = false,
        warnings: [String] = []
    ) throws(Failure) -> Value {
        let path = try writing(path)
        let isThere = isThere(path)
        guard replaces || !isThere else {
            throw Failure(.diskExists, "\(path) is there already", resource: path)
        }
        var step = PlanStep(action: isThere ? .change : .make, kind: kind, name: path)
        step.parts = part.map { [$0] } ?? []
        step.warnings = warnings
        add(step)
        run.expect(path, .made)
        return .string(path)
    }

    /// Notes an image that a run would put into the library.
    ///
    /// - Parameters:
    ///   - name: of its file; a baked image's has more to it than the script says.
    ///   - shown: the name that a person reads; `nil` for the same.
    ///   - path: the place of its file; `nil` for where most are.
    ///   - file: what its file will hold; `nil` where nobody knows yet.
    /// - Returns: its path.
    func makeImage(
        _ name: String, shown: String? = nil, part: PlanStep.Part? = nil, at path: String? = nil,
        like file: String? = nil, _ addition: ImageAddition? = nil
    ) -> Value {
        var step = PlanStep(action: .make, kind: "image", name: shown ?? name)
        step.parts = part.map { [$0] } ?? []
        add(step)
        let images = environment.images
        let path = path ?? images.place(of: name)
        run.expectImage(name, images.entry(name, at: path, like: file ?? path), addition)
        return .string(path)
    }

    /// Notes a key that a run would make for itself.
    func makeKey(_ path: String) {
        guard run.expected(path) == nil else { return }
        add(PlanStep(action: .make, kind: "key", name: path))
        run.expect(path, .made)
    }

    /// Reads what is there; what a run would have written by then is not.
    ///
    /// - Parameters:
    ///   - unknown: the answer where nobody can know.
    ///   - read: makes the answer of what a file will hold.
    func read(
        _ path: String, unknown: Value, _ read: (([UInt8]) throws -> Value)? = nil
    ) throws -> Value {
        let file = try environment.reading(path)
        switch (run.expected(file), read) {
        case (nil, _): return try perform()
        case (.gone, _): throw Failure(.notFound, "\(path) is not there", resource: file)
        case (.holds(let bytes), let read?): return try read(bytes)
        case (.made, _), (.holds, nil):
            _ = run.guess()
            return unknown
        }
    }
}
