import Basics
import Glibc

/// The program `curl`: it knows the user's proxies, certificates and `.netrc`.
struct Curl {
    /// The other end cannot be reached from here: no name, no connection, a proxy's refusal, no trusted certificate.
    static let unreachable: Failure.Code = "unreachable"

    /// The image it is for.
    let subject: String
    let cancellation: Cancellation

    /// A small text.
    ///
    /// - Throws: `Failure` with code `unreachable`, `not_found`, `program` or `cancelled`.
    func text(_ url: String) throws(Failure) -> String {
        // No second try: a machine without a network learns it within five seconds.
        let result = try run(["--max-time", "60", url])
        guard result.code == 0 else {
            // curl(1), EXIT CODES: what can go wrong before there is an answer.
            let isUnreachable = [5, 6, 7, 28, 35, 52, 56, 60, 97].contains(result.code)
            throw failure(url, result, isUnreachable ? Self.unreachable : nil)
        }
        return String(decoding: result.output, as: UTF8.self)
    }

    /// What a GET would answer, in bytes; `nil` where the server does not say.
    func length(_ url: String) throws(Failure) -> UInt64? {
        let result = try run(["--head", "--max-time", "30", url])
        guard result.code == 0 else { return nil }
        // The headers of every answer on the way; the last is the file's.
        return String(decoding: result.output, as: UTF8.self).split(whereSeparator: \.isNewline)
            .last { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { UInt64($0.drop { $0 != ":" }.dropFirst().filter(\.isNumber)) }
    }

    /// Downloads to a file, from where it ends. What came stays there when it fails.
    ///
    /// - Throws: `Failure` with code `not_found`, `io`, `program` or `cancelled`.
    func download(_ url: String, to file: String) throws(Failure) {
        let arguments = [
            // A connection that hangs is no connection.
            "--speed-limit", "1", "--speed-time", "60", "--retry", "3", "--continue-at", "-", "--output",
            file, url,
        ]
        var result = try run(arguments)
        // A server that cannot continue (33), or has less than is here (416): from the start.
        let cannotContinue = result.code == 33 || result.code == 22 && words(result).contains("416")
        if cannotContinue, unlink(file) == 0 { result = try run(arguments) }
        if result.code != 0 { throw failure(url, result, nil) }
    }

    private func run(_ arguments: [String]) throws(Failure) -> HostProgram.Result {
        let program = HostProgram(
            ["curl", "--fail", "--silent", "--show-error", "--location", "--connect-timeout", "5"] + arguments
        )
        do { return try program.run(cancellation) } catch {
            if error.code == .cancelled {
                throw Failure(.cancelled, "\(subject): the download was cancelled")
            }
            guard error.code == .notFound else { throw error }
            throw Failure(
                .hostNotAble, "curl is not installed", hint: "you can install it with: apt-get install curl",
                resource: subject)
        }
    }

    private func words(_ result: HostProgram.Result) -> String {
        String(decoding: result.errors, as: UTF8.self).split(separator: "\n").last.map(String.init) ?? ""
    }

    private func failure(_ url: String, _ result: HostProgram.Result, _ code: Failure.Code?) -> Failure {
        let words = words(result)
        if result.code == 22, words.contains("404") {
            return Failure(
                .notFound, "\(url) is not there any more",
                hint: "its publisher may have moved it: give a file instead",
                resource: subject, cause: words)
        }
        if result.code == 23 {
            return Failure(
                .io, "the download of \(subject) cannot be written",
                hint: "free some space: what came is kept",
                resource: subject, cause: words)
        }
        return Failure(
            code ?? .program, "\(subject) cannot be downloaded",
            hint: code == nil
                ? "try again: what came is kept" : "is there a network, or a proxy to name in https_proxy?",
            resource: subject, cause: words)
    }
}
