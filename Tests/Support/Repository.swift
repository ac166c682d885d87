import Foundation

/// The checkout the tests were built from.
public let repository: String = {
    var folder = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { folder.deleteLastPathComponent() }
    return folder.path
}()

/// The command as it was built with the tests, beside them. Not `scripts/limiq`: that builds where a source is newer, and
/// would wait for ever, as SwiftPM locks the build folder while tests run.
public let program: String = {
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
        + "/limiq"
}()
