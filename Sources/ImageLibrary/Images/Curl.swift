import Basics
import Glibc
import HostFiles

/// The program `curl`: it knows the user's proxies, certificates and `.netrc`.
struct Curl {
    /// The end of a download, which another try may complete.
    enum End {
        case complete
        /// The connection broke, or the server was not able for now.
        case brokenOff(Failure)
        /// The server sends the whole or nothing, or has less than was asked for.
        case cannotContinue
    }

    /// The name of the image it is for.
    let subject: String
    let cancellation: Cancellation

    /// The exit codes of what can go wrong before there is an answer (curl(1), EXIT CODES).
    private static let unreachable = [5, 6, 7, 28, 35, 52, 56, 60, 97]

    /// Fetches a small text.
    ///
    /// - Throws: `Failure` with code `unreachable`, `not_found`, `program` or `cancelled`.
    func text(_ url: String) throws(Failure) -> String {
        // No second try: a machine without a network learns it within five seconds.
        let answer = try run(["--max-time", "60"], url)
        guard answer.code == 0 else {
            throw failure(url, answer, Self.unreachable.contains(answer.code) ? .unreachable : .program)
        }
        return String(decoding: answer.output, as: UTF8.self)
    }

    /// The length of what a GET would answer, in bytes; `nil` where the server does not say.
    ///
    /// - Throws: `Failure` with code `cancelled`, or `host_not_able` without curl.
    func length(_ url: String) throws(Failure) -> UInt64? {
        let answer = try run(["--head", "--max-time", "30"], url)
        guard answer.code == 0 else { return nil }
        // The headers of every answer on the way, a proxy's and each redirect's; the last are the file's.
        return String(decoding: answer.output, as: UTF8.self).lowercased().split(whereSeparator: \.isNewline)
            .reversed().prefix { !$0.hasPrefix("http/") }
            .first { $0.hasPrefix("content-length:") }
            .flatMap { UInt64($0.filter(\.isNumber)) }
    }

    /// Downloads what follows an offset. The bytes come through a pipe: a curl that outlives limiq ends, and never
    /// writes beside the next one.
    ///
    /// - Parameter take: is given the bytes, in order; what it throws ends the download.
    /// - Throws: `Failure` with code `not_found`, `program` or `cancelled`, or what `take` throws.
    func download(
        _ url: String, from offset: UInt64, _ take: @escaping @Sendable ([UInt8]) throws -> Void
    ) throws(Failure) -> End {
        // A connection that hangs is no connection.
        var arguments = ["--speed-limit", "1", "--speed-time", "60"]
        if offset > 0 { arguments += ["--continue-at", "\(offset)"] }
        let answer = try run(arguments, url, take)
        switch (answer.code, answer.status) {
        case (0, _): return .complete
        case (33, _) where offset > 0: return .cannotContinue
        case (_, 416) where offset > 0: return .cannotContinue
        // A part of the file, too slow, an empty answer, failures to send and to receive, a broken stream; and the
        // answers by which a server says that it is its own fault.
        case (18, _), (28, _), (52, _), (55, _), (56, _), (92, _), (_, 429), (_, 500), (_, 502), (_, 503),
            (_, 504):
            return .brokenOff(failure(url, answer, .program))
        default: throw failure(url, answer, .program)
        }
    }

    private func run(
        _ arguments: [String], _ url: String, _ take: (@Sendable ([UInt8]) throws -> Void)? = nil
    ) throws(Failure) -> Answer {
        var program = HostProgram(
            [
                "curl", "--fail", "--silent", "--show-error", "--location", "--connect-timeout", "5",
                "--netrc-optional",
                // The address as it is: brackets and braces are not patterns, and it is no option.
                "--globoff", "--proto", "=http,https",
                // Behind what it says of an error; the body has the output for itself.
                "--write-out", "%{stderr}\\n%{http_code}",
            ] + arguments + ["--config", "-"])
        // Not on the command line, where everybody on the machine reads it: it may hold a password.
        program.input = Array("url = \"\(Self.quoted(url))\"\n".utf8)
        program.onOutput = take
        do { return Answer(try program.run(cancellation)) } catch {
            if error.code == .cancelled {
                throw Failure(.cancelled, "\(subject): the download was cancelled")
            }
            guard error.code == .notFound else { throw error }
            throw Failure(
                .hostNotAble, "curl is not installed", hint: "you can install it with: apt-get install curl",
                resource: subject)
        }
    }

    /// The text within quotation marks of curl's configuration (curl(1), `--config`).
    private static func quoted(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            switch scalar {
            case "\\", "\"": "\\\(scalar)"
            case "\n": "\\n"
            case "\r": "\\r"
            default: String(scalar)
            }
        }.joined()
    }

    /// The answer curl has brought.
    private struct Answer {
        /// curl's own exit code.
        let code: Int
        /// The status of the last answer by HTTP; `nil` where there was none.
        let status: Int?
        let output: [UInt8]
        /// The words of curl about an error, its last line.
        let words: String

        init(_ result: HostProgram.Result) {
            code = result.code
            output = result.output
            var lines = String(decoding: result.errors, as: UTF8.self).split(separator: "\n")
            // 000 where nobody has answered.
            status = lines.popLast().flatMap { Int($0) }.flatMap { $0 == 0 ? nil : $0 }
            words = lines.last.map(String.init) ?? ""
        }
    }

    private func failure(_ url: String, _ answer: Answer, _ code: Failure.Code) -> Failure {
        if let status = answer.status, let refusal = refusal(shownAddress(url), status, answer) {
            return refusal
        }
        // curl(1), EXIT CODES: 1 is a protocol that is not allowed, 47 too many redirects.
        if [1, 47].contains(answer.code) {
            return Failure(
                code,
                "\(shownAddress(url)) redirects "
                    + (answer.code == 47 ? "in a circle" : "to what is neither https nor http"),
                hint: "look where it leads: curl --head --location \(shownAddress(url))",
                resource: subject, cause: answer.words)
        }
        return Failure(
            code, "\(subject) cannot be downloaded",
            hint: answer.status == nil && Self.unreachable.contains(answer.code)
                ? "is there a network, or a proxy to name in https_proxy?" : "try again later",
            resource: subject, cause: answer.words)
    }

    /// The failure of a server that refuses; `nil` for the other answers.
    private func refusal(_ url: String, _ status: Int, _ answer: Answer) -> Failure? {
        let (code, message, hint): (Failure.Code, String, String)
        switch status {
        case 401:
            (code, message, hint) = (
                .program, "\(url) wants a name and a password",
                "write them into ~/.netrc (machine HOST login NAME password WORD), or download it yourself and give the file"
            )
        case 403:
            (code, message, hint) = (
                .program, "the server of \(url) refuses it to you",
                "does the address hold a signature that has expired, or is it for members only? download it with a browser and give the file"
            )
        case 407:
            (code, message, hint) = (
                .program, "the proxy on the way to \(url) wants a name and a password",
                "https_proxy=http://NAME:PASSWORD@PROXY"
            )
        case 404, 410:
            (code, message, hint) = (
                .notFound, "\(url) is not there any more",
                "its publisher may have moved it: look whether the address is right, or give a file instead"
            )
        default: return nil
        }
        return Failure(code, message, hint: hint, resource: subject, cause: answer.words)
    }
}
