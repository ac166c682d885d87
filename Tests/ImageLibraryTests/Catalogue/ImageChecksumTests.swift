import Basics
import Testing

@testable import ImageLibrary

@Suite struct `A checksum that a person gives` {
    static let digits = String(repeating: "0a", count: 32)

    @Test(arguments: [
        digits, "sha256:\(digits)", "SHA256:\(digits)", digits.uppercased(), "\(digits)  disk.qcow2",
        "\(digits) *disk.qcow2\n", "SHA256 (disk.qcow2) = \(digits)",
    ])
    func `is the digits, or the whole line of a list`(_ text: String) throws {
        #expect(try ImageChecksum(parsing: text).text == "sha256:\(Self.digits)")
    }

    @Test(arguments: [
        "", "12", "sha512:\(digits)", "\(digits)  a\n\(digits)  b", "SHA512 (disk.qcow2) = \(digits)",
    ])
    func `is no other length, and no list of several`(_ text: String) {
        let failure = #expect(throws: Failure.self) { try ImageChecksum(parsing: text) }
        #expect(failure?.message == "checksum is no SHA-256 or SHA-512 in hexadecimal digits")
    }
}
