import Basics
import Glibc
import HostFiles
import Steps

/// A program that builds an image on this host: `stdlib/images/NAME OUTPUT.qcow2`. It says on standard error what it
/// does, one `NAME: …` a line, and leaves nothing behind when it fails or is ended.
struct ImageBuilder {
    let name: String
    let program: String

    /// - Parameter folder: that of the builders.
    /// - Returns: `nil` where there is none for this image.
    init?(_ name: String, in folder: String) {
        self.name = name
        program = "\(folder)/\(name)"
        guard access(program, X_OK) == 0 else { return nil }
    }

    /// Builds the image, which takes minutes.
    ///
    /// - Throws: `Failure` with code `program`, its cause and hint the builder's own words, or `cancelled`.
    func build(_ target: String, _ cancellation: Cancellation, _ news: ImageNews) throws(Failure) {
        let prefix = "\(name): "
        var run = HostProgram([program, target])
        // It has a tree of some ten thousand files to remove.
        run.grace = .seconds(30)
        run.onErrorLine = { line in
            if line.hasPrefix(prefix) {
                news.tell(.detail(Step(.build), String(line.dropFirst(prefix.count))))
            }
        }
        let result: HostProgram.Result
        do { result = try run.run(cancellation) } catch {
            guard error.code == .cancelled else { throw error }
            throw Failure(.cancelled, "\(name): the build was cancelled", resource: name)
        }
        guard result.code != 0 else { return }
        let lines = String(decoding: result.errors, as: UTF8.self).split(separator: "\n").map(String.init)
        let hint = lines.last { $0.hasPrefix("  hint: ") }.map { String($0.dropFirst(8)) }
        let words =
            lines.last { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) } ?? lines.last
        throw Failure(.program, "\(name) cannot be built", hint: hint, resource: name, cause: words)
    }
}
