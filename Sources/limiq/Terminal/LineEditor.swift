import Basics
import Glibc
import Synchronization

/// The reader of a person's lines: edited by libedit where that is installed and somebody types, else as they come.
///
/// libedit is looked for when it is needed, and no other command waits for it to be loaded
/// (https://www.thrysoee.dk/editline, `readline(3)`). A line is read a key at a time, so that Ctrl-C can clear it.
struct LineEditor: ~Copyable {
    enum Reading {
        case line(String)
        /// The line was given up by Ctrl-C.
        case cleared
        /// The end of the input.
        case end
    }

    private static let typed = Mutex<Reading?>(nil)
    /// The words that Tab offers.
    private static let words = Mutex<[String]>([])

    private let isTerminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
    private let library: Editline?
    private let history: String
    /// The pipe by which another thread says that the line is given up.
    private let clearing: (read: CInt, write: CInt)

    /// - Parameter history: the file that keeps lines over sessions; the caller's alone.
    init(history: String) {
        self.history = history
        var ends: [CInt] = [-1, -1]
        clearing = pipe(&ends) == 0 ? (ends[0], ends[1]) : (-1, -1)
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        library = isTerminal ? Editline() : nil
        // It is made before it is written, so that nobody else can ever read it.
        let file = open(history, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if file >= 0 { close(file) }
        if file >= 0 { _ = library?.readHistory(history) }
        library?.complete { text, _, _ in LineEditor.matches(text) }
    }

    deinit {
        close(clearing.read)
        close(clearing.write)
    }

    /// The function that gives the line up that is being typed; any thread may call it.
    var clear: @Sendable () -> Void {
        let end = clearing.write
        return { _ = write(end, "x", 1) }
    }

    /// - Parameter words: the words that Tab offers.
    func read(prompt: String, words: [String]) -> Reading {
        guard let library else {
            if isTerminal { writeAll(prompt.utf8, to: STDOUT_FILENO) }
            return Swift.readLine().map(Reading.line) ?? .end
        }
        Self.words.withLock { $0 = words }
        Self.typed.withLock { $0 = nil }
        library.install(prompt) { bytes in
            let reading = bytes.map { Reading.line(String(cString: $0)) } ?? .end
            free(bytes)
            LineEditor.typed.withLock { $0 = reading }
        }
        defer { library.remove() }
        while true {
            var waiting = [
                pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
                pollfd(fd: clearing.read, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&waiting, 2, -1) >= 0 || errno == EINTR else { return .end }
            if waiting[1].revents != 0 {
                var bytes = [UInt8](repeating: 0, count: 64)
                while Glibc.read(clearing.read, &bytes, bytes.count) > 0 {}
                writeAll("^C\n".utf8, to: STDOUT_FILENO)
                return .cleared
            }
            guard waiting[0].revents != 0 else { continue }
            library.readKey()
            guard let reading = Self.typed.withLock(\.self) else { continue }
            switch reading {
            case .line(let line) where !line.isEmpty:
                library.addHistory(line)
                _ = library.writeHistory(history)
            case .end: writeAll("\n".utf8, to: STDOUT_FILENO)
            default: break
            }
            return reading
        }
    }

    /// The words that begin so, as libedit wants them: the longest beginning they share, then each, then nothing.
    private static func matches(
        _ text: UnsafePointer<CChar>?
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
        let typed = text.map { String(cString: $0) } ?? ""
        let found = words.withLock { $0.filter { $0.hasPrefix(typed) } }
        guard let first = found.first else { return nil }
        let shared = found.reduce(first) { $0.commonPrefix(with: $1) }
        let list = found.count == 1 ? [first] : [shared] + found
        let size = MemoryLayout<UnsafeMutablePointer<CChar>?>.stride
        guard let memory = calloc(list.count + 1, size) else { return nil }
        let result = memory.assumingMemoryBound(to: UnsafeMutablePointer<CChar>?.self)
        for (index, word) in list.enumerated() { result[index] = strdup(word) }
        return result
    }
}

extension String {
    fileprivate func commonPrefix(with other: String) -> String {
        String(zip(self, other).prefix { $0 == $1 }.map(\.0))
    }
}

/// The functions of libedit that are used, as `readline(3)` names them.
private struct Editline {
    typealias Line = @convention(c) (UnsafeMutablePointer<CChar>?) -> Void
    typealias Completion =
        @convention(c) (UnsafePointer<CChar>?, CInt, CInt) -> UnsafeMutablePointer<
            UnsafeMutablePointer<CChar>?
        >?
    private typealias Install = @convention(c) (UnsafePointer<CChar>?, Line?) -> Void
    private typealias Do = @convention(c) () -> Void
    private typealias OnText = @convention(c) (UnsafePointer<CChar>?) -> CInt

    private let installHandler: Install
    private let removeHandler: Do
    private let readCharacter: Do
    private let add: OnText
    private let readFile: OnText
    private let writeFile: OnText
    private let completion: UnsafeMutableRawPointer?

    init?() {
        guard let library = dlopen("libedit.so.2", RTLD_NOW) else { return nil }
        func function<Function>(_ name: String) -> Function? {
            dlsym(library, name).map { unsafeBitCast($0, to: Function.self) }
        }
        guard let install: Install = function("rl_callback_handler_install"),
            let remove: Do = function("rl_callback_handler_remove"),
            let read: Do = function("rl_callback_read_char"), let add: OnText = function("add_history"),
            let readFile: OnText = function("read_history"),
            let writeFile: OnText = function("write_history"),
            let begin: @convention(c) () -> CInt = function("rl_initialize")
        else { return nil }
        (installHandler, removeHandler, readCharacter) = (install, remove, read)
        (self.add, self.readFile, self.writeFile) = (add, readFile, writeFile)
        completion = dlsym(library, "rl_attempted_completion_function")
        _ = begin()
    }

    func install(_ prompt: String, _ line: Line) { installHandler(prompt, line) }
    func remove() { removeHandler() }
    func readKey() { readCharacter() }
    func addHistory(_ line: String) { _ = add(line) }
    func readHistory(_ file: String) -> CInt { readFile(file) }
    func writeHistory(_ file: String) -> CInt { writeFile(file) }

    func complete(_ function: Completion) {
        completion?.assumingMemoryBound(to: Completion?.self).pointee = function
    }
}
