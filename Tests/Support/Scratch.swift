import Basics
import FoundationEssentials
import Glibc

/// Runs a blocking body on a thread of its own; the test's own thread is free meanwhile.
public func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result
{
    try await withCheckedThrowingContinuation { continuation in
        startThread { continuation.resume(with: Swift.Result { try body() }) }
    }
}

/// Runs a blocking body on a thread of a pool, as a part of the test's task.
public func onBlockingThread(_ body: @escaping @Sendable () throws -> Void) async throws {
    @Sendable func run() async throws { try body() }
    try await withTaskExecutorPreference(BlockingThreads.shared) { try await run() }
}

private final class BlockingThreads: TaskExecutor {
    static let shared = BlockingThreads()

    private let pool = WorkerPool(limit: 4)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pool.run { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// Removes a folder with all that is in it; links in it are not followed. One that is not there is no failure.
public func removeFolder(_ path: String) throws {
    guard access(path, F_OK) == 0 else { return }
    try FileManager.default.removeItem(atPath: path)
}

/// The names in a folder, none where it cannot be read.
public func folderNames(_ path: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
}

/// The text of a file, empty where it cannot be read.
public func fileText(_ path: String) -> String {
    guard let data = FileManager.default.contents(atPath: path) else { return "" }
    return String(decoding: data, as: UTF8.self)
}

/// The processes of an account that are not dead already.
func processes(ofUser uid: uid_t) -> [pid_t] {
    folderNames("/proc").compactMap { pid_t($0) }.filter { process in
        var status = stat()
        return stat("/proc/\(process)", &status) == 0 && status.st_uid == uid && isRunning(process)
    }
}

/// Not a zombie, which only waits for its parent to take note of it.
public func isRunning(_ process: pid_t) -> Bool {
    let status = fileText("/proc/\(process)/stat")
    return !status.isEmpty && status.split(separator: ")").last?.split(separator: " ").first != "Z"
}

/// SIGTERM, and after ten seconds SIGKILL.
public func endProcess(_ process: pid_t) {
    kill(process, SIGTERM)
    for _ in 0..<1000 where isRunning(process) { usleep(10_000) }
    if isRunning(process) { kill(process, SIGKILL) }
}
