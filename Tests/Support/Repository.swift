import Foundation

/// The checkout the tests were built from.
public let repository: String = {
    var folder = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { folder.deleteLastPathComponent() }
    return folder.path
}()
