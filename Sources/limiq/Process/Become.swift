import Basics
import Glibc

/// Becomes another program: it has the terminal, the signals and the exit status as if it had been called itself.
///
/// - Parameter words: the program, looked up in PATH, and its arguments.
/// - Throws: `Failure` with code `host_not_able` where it cannot be run.
func become(_ words: [String], package: String) throws(Failure) -> Never {
    Signals.unblock()
    // What is ignored stays so in the next program.
    signal(SIGPIPE, SIG_DFL)
    var arguments = words.map { strdup($0) } + [nil]
    let name = words.first ?? ""
    execvp(name, &arguments)
    let code = errno
    throw Failure(
        .hostNotAble,
        code == ENOENT
            ? "\(name) is not installed" : "\(name) cannot be run: \(String(cString: strerror(code)))",
        hint: code == ENOENT ? "you can install it with: apt-get install \(package)" : nil)
}
