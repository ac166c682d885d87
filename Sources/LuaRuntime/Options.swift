import Basics
import Glibc

/// The stream that a script's output goes to.
public enum OutputStream: Sendable {
    case standard
    case error

    /// The descriptor of the process's own stream.
    public var descriptor: Int32 { self == .error ? STDERR_FILENO : STDOUT_FILENO }
}

extension LuaRuntime {
    public struct Options: Sendable {
        /// The folder that holds `runtime/` (the prelude) and `limiq/`: `require "limiq.x"` is `limiq/x.lua` or
        /// `limiq/x/init.lua` in it.
        public var libraryFolder: String
        /// The folders `require` looks in, after the script's own: those of `LIMIQ_PATH`.
        public var search: [String] = []
        /// The most memory a script may use, in bytes.
        public var memoryLimit = 512 << 20
        /// The pool that runs the pooled primitives; several runtimes may share one.
        public var workers = Options.sharedWorkers
        /// Whether `limiq.sleep` returns at once: for a look at a script without what it waits for.
        public var skipsSleep = false
        /// The plain values the library finds in `require "limiq.runtime".constants`.
        public var constants: [String: Value] = [:]
        /// The function that gets what the script prints, byte for byte and in order, on the thread of `run`.
        public var output: @Sendable (OutputStream, UnsafeRawBufferPointer) -> Void = Options.writeToProcess

        /// The function that gives `io.read` some bytes of the input, `nil` at its end. It is called on a thread of the
        /// pool; it may block.
        public var input: @Sendable () throws(Failure) -> [UInt8]? = Options.readFromProcess

        /// The function that gives the path to open for a module, or for a folder of modules, that a script names.
        public var admit: @Sendable (_ path: String) throws(Failure) -> String = { path throws(Failure) in
            path
        }
        /// The function that gives a variable of the environment, for `os.getenv`.
        public var variable: @Sendable (_ name: String) throws(Failure) -> [UInt8]? = Options.readVariable

        public init(libraryFolder: String) { self.libraryFolder = libraryFolder }

        public static let sharedWorkers = WorkerPool(limit: 64)

        @Sendable public static func readVariable(_ name: String) throws(Failure) -> [UInt8]? {
            guard !name.utf8.contains(0), let text = getenv(name) else { return nil }
            return Array(UnsafeBufferPointer(start: text, count: strlen(text))).map(UInt8.init(bitPattern:))
        }

        @Sendable public static func readFromProcess() throws(Failure) -> [UInt8]? {
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = read(0, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else {
                    throw Failure(.io, "standard input: \(String(cString: strerror(errno)).lowercased())")
                }
                return count == 0 ? nil : Array(buffer[..<count])
            }
        }

        /// Writes to the process's own streams at once. What a closed pipe refuses is lost.
        @Sendable public static func writeToProcess(_ stream: OutputStream, _ bytes: UnsafeRawBufferPointer) {
            writeAll(bytes, to: stream.descriptor)
        }
    }
}
