import Foundation

/// The middle of the samples, in milliseconds.
func median(_ samples: [Double]) -> Double {
    let sorted = samples.sorted()
    guard !sorted.isEmpty else { return .nan }
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}

/// Milliseconds of `body`.
func milliseconds(_ body: () throws -> Void) rethrows -> Double {
    let began = ContinuousClock.now
    try body()
    return began.duration(to: .now) / .milliseconds(1)
}

/// Two or more ways to do one thing, in turn within one run, so that a machine that slows down slows all of them.
struct Comparison {
    let name: String
    /// What the first is to be measured against, and the ratio to reach.
    var goal: String?
    var ways: [(name: String, body: () throws -> Double)] = []

    init(_ name: String, goal: String? = nil) {
        self.name = name
        self.goal = goal
    }

    /// - Parameter body: answers the milliseconds it took, preparation left out.
    mutating func add(_ name: String, _ body: @escaping () throws -> Double) { ways.append((name, body)) }

    func run(_ rounds: Int = 20) throws {
        var samples = [[Double]](repeating: [], count: ways.count)
        for round in 0...rounds {
            for (index, way) in ways.enumerated() {
                let took = try way.body()
                // The first round warms caches.
                if round > 0 { samples[index].append(took) }
            }
        }
        print("\n\(name)\(goal.map { " (goal \($0))" } ?? "")")
        let first = median(samples[0])
        for (way, samples) in zip(ways, samples) {
            let middle = median(samples)
            print(line(way.name, middle) + String(format: "   limiq/this %.2f", first / middle))
        }
        // Seen as it comes, in a pipe too.
        fflush(nil)
    }
}

/// A name and milliseconds, in columns.
func line(_ name: String, _ milliseconds: Double) -> String {
    "  " + name.padding(toLength: 44, withPad: " ", startingAt: 0) + String(format: " %9.3f ms", milliseconds)
}

/// Runs a program to its end and returns what it wrote to its standard output.
///
/// By `posix_spawn` and `waitpid`: Foundation's `Process` sees an end up to 50 ms late.
///
/// - Throws: where it fails, with what it wrote.
@discardableResult
func program(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws -> String {
    let (output, errors) = (try temporaryFile(), try temporaryFile())
    defer { for descriptor in [output, errors] { close(descriptor) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)

    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0.key)=\($0.value)" }
    var process = pid_t()
    let code = withCStrings([path] + arguments) { words in
        withCStrings(variables) { posix_spawnp(&process, path, &actions, nil, words, $0) }
    }
    guard code == 0 else { throw BenchError("cannot run \(path): \(String(cString: strerror(code)))") }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    guard status == 0 else {
        // limiq --json says on its standard output what went wrong.
        let words = try contents(of: errors) + contents(of: output).suffix(1000)
        throw BenchError("\(path) \(arguments.joined(separator: " ")) failed: \(words)")
    }
    return try contents(of: output)
}

private func temporaryFile() throws -> Int32 {
    var path = Array("/tmp/limiq-bench-output.XXXXXX".utf8CString)
    let descriptor = mkstemp(&path)
    guard descriptor >= 0 else { throw BenchError("no temporary file: \(String(cString: strerror(errno)))") }
    unlink(path)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    return descriptor
}

private func contents(of descriptor: Int32) throws -> String {
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
    try file.seek(toOffset: 0)
    return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
}

private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { preconditionFailure("a list with an end is not empty") }
        return body(base)
    }
}

struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
