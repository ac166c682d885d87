import LuaRuntime
import Primitives
import Steps

/// The display of what a spec prints and logs: it is told with the results of its file.
struct SpecDisplay: Display {
    let file: SpecFile

    func output(_ stream: OutputStream, _ bytes: [UInt8]) { file.print(bytes) }
    func progress(_ progress: Progress) {}

    func log(_ level: LogLevel, _ text: String) {
        file.print(Array("\(level.prefix)\(TerminalText.visible(text))\n".utf8))
    }
}
