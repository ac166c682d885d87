import Basics
import Glibc

/// The reader of a person's lines: edited by libedit where that is installed and somebody types, else as they come.
///
/// libedit is looked for when it is needed, and no other command waits for it to be loaded
/// (https://www.thrysoee.dk/editline, `readline(3)`).
struct LineEditor {
    private typealias Readline = @convention(c) (UnsafePointer<CChar>?) -> UnsafeMutablePointer<CChar>?
    private typealias AddHistory = @convention(c) (UnsafePointer<CChar>?) -> CInt

    private let isTerminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
    private let readline: Readline?
    private let addHistory: AddHistory?

    init() {
        let library = isTerminal ? dlopen("libedit.so.2", RTLD_NOW) : nil
        func function<Function>(_ name: String) -> Function? {
            guard let library, let address = dlsym(library, name) else { return nil }
            return unsafeBitCast(address, to: Function.self)
        }
        readline = function("readline")
        addHistory = function("add_history")
    }

    /// - Returns: the next line without its end; `nil` at the end of the input.
    func read(prompt: String) -> String? {
        guard let readline else {
            if isTerminal { writeAll(prompt.utf8, to: STDOUT_FILENO) }
            return Swift.readLine()
        }
        guard let bytes = readline(prompt) else {
            writeAll("\n".utf8, to: STDOUT_FILENO)
            return nil
        }
        defer { free(bytes) }
        if bytes.pointee != 0 { _ = addHistory?(bytes) }
        return String(cString: bytes)
    }
}
