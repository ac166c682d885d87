import LuaRuntime
import Primitives
import Steps

/// The display of what a spec prints, which is told with the results of its file, and logs, which is where it fails.
struct SpecDisplay: Display {
    let file: SpecFile

    func output(_ stream: OutputStream, _ bytes: [UInt8]) { file.print(bytes) }
    func progress(_ progress: Progress) {}

    func log(_ level: LogLevel, _ text: String) {
        file.log(level.prefix + text)
    }
}
