import Basics
import Glibc

extension GuestAgent {
    /// Runs a program and tells its lines as they come. The agent gives a program's output at its end only: it goes into files
    /// of the guest, which are read while it runs.
    ///
    /// - Throws: as `exec`.
    func follow(
        _ command: [String], stdin: [UInt8]? = nil, timeout: Duration, cancellation: Cancellation,
        _ onLine: @escaping @Sendable ([UInt8]) -> Void
    ) throws(Failure) -> ExecResult {
        let make = "umask 077; d=$(mktemp -d) && : >\"$d/out\" && : >\"$d/err\" && echo \"$d\""
        let made = try exec(["sh", "-c", make], timeout: .seconds(60), cancellation: cancellation)
        let folder = String(decoding: made.stdout, as: UTF8.self).trimmed()
        guard made.code == 0, folder.hasPrefix("/") else {
            throw Failure(
                .guest, "no file can be made in \(name) for what the program writes", resource: name,
                cause: outsideText(String(decoding: made.stderr.prefix(2000), as: UTF8.self).trimmed()))
        }
        defer {
            // Also of a program that is given up: it writes on into files without a name.
            _ = try? exec(
                ["rm", "-rf", "--", folder], timeout: .seconds(60), cancellation: Cancellation())
        }
        let (output, errors) = (FollowedOutput(onLine), FollowedOutput(onLine))
        var result = try withFile("\(folder)/out", mode: "r") { out throws(Failure) -> ExecResult in
            try withFile("\(folder)/err", mode: "r") { err throws(Failure) -> ExecResult in
                let run = "d=$1; shift; exec \"$@\" >\"$d/out\" 2>\"$d/err\""
                func take() throws(Failure) {
                    output.take(try rest(of: out, "\(folder)/out", cancellation: cancellation))
                    errors.take(try rest(of: err, "\(folder)/err", cancellation: cancellation))
                }
                let result = try exec(
                    ["sh", "-c", run, "sh", folder] + command, stdin: stdin, timeout: timeout,
                    cancellation: cancellation, eachTime: take)
                try take()
                return result
            }
        }
        (result.stdout, result.stderr) = (output.end(), errors.end())
        return result
    }
}
