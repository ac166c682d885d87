import Basics
import Foundation
import Synchronization

/// A publisher of images: an HTTP server on loopback with faults on request (`publisher.py` beside this file).
public final class LocalPublisher: Sendable {
    /// What goes wrong with a path; the words are those of `publisher.py`.
    public struct Fault: Encodable, Sendable {
        public var status: Int?
        public var login: Bool?
        public var wrong: Bool?
        /// Bytes of the body.
        public var breakAfter: Int?
        /// Bytes a second.
        public var rate: Int?
        public var noRange: Bool?
        public var noHead: Bool?
        public var location: String?

        public init(
            status: Int? = nil, login: Bool? = nil, wrong: Bool? = nil, breakAfter: Int? = nil,
            rate: Int? = nil, noRange: Bool? = nil, noHead: Bool? = nil, location: String? = nil
        ) {
            self.status = status
            self.login = login
            self.wrong = wrong
            self.breakAfter = breakAfter
            self.rate = rate
            self.noRange = noRange
            self.noHead = noHead
            self.location = location
        }
    }

    /// One answer it gave.
    public struct Answer: Decodable, Sendable, Equatable {
        public let method: String
        public let path: String
        /// As it was asked for: `bytes=1024-`.
        public let range: String?
        public let status: Int
        /// Bytes of the body.
        public let sent: Int
    }

    /// `http://127.0.0.1:PORT`.
    public let url: String
    /// What it serves.
    public let files: String
    /// Of the authority its hosts are known by; empty without hosts.
    public let certificate: String
    private let folder: String
    private let input: FileHandle
    private let ended = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - folder: a new one, for what it serves and its log.
    ///   - hosts: it is a proxy for these too, and answers in their place: `https://HOST/PATH` is the file `HOST/PATH`.
    public init(_ folder: String, hosts: [String] = []) throws {
        self.folder = folder
        files = folder + "/files"
        try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: true)
        try Data("{}".utf8).write(to: URL(fileURLWithPath: folder + "/rules"))
        var arguments = ["python3", "\(repository)/Tests/Support/publisher.py", folder]
        certificate = hosts.isEmpty ? "" : folder + "/certificate"
        if !hosts.isEmpty { arguments.append(try Self.makeCertificate(certificate, hosts)) }

        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let stdin = Pipe()
        let stdout = Pipe()
        process.standardInput = stdin
        process.standardOutput = stdout
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
        input = stdin.fileHandleForWriting
        // One line, written when it listens; all there is where it cannot start.
        var line = Data()
        while !line.contains(UInt8(ascii: "\n")) {
            let more = stdout.fileHandleForReading.availableData
            if more.isEmpty { break }
            line += more
        }
        guard let port = Int(String(decoding: line, as: UTF8.self).filter(\.isNumber)) else {
            throw Failure(.program, "the publisher does not start")
        }
        url = "http://127.0.0.1:\(port)"
    }

    /// Ends it. It ends by itself, too, when the process that started it does.
    public func stop() {
        try? input.close()
        ended.wait()
    }

    public func set(_ faults: [String: Fault]) throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        try encoder.encode(faults).write(to: URL(fileURLWithPath: folder + "/rules"), options: .atomic)
    }

    /// All answers so far, in the order they ended.
    public func answers() throws -> [Answer] {
        try fileText(folder + "/log").split(separator: "\n")
            .map { try JSONDecoder().decode(Answer.self, from: Data($0.utf8)) }
    }

    /// The answers to GET for a path.
    public func downloads(_ path: String) throws -> [Answer] {
        try answers().filter { $0.method == "GET" && $0.path == path }
    }

    /// - Returns: the path of a file with the certificate and its key.
    private static func makeCertificate(_ path: String, _ hosts: [String]) throws -> String {
        let names = hosts.map { "DNS:\($0)" }.joined(separator: ",")
        let made = try run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", "/CN=limiq test", "-addext", "subjectAltName=\(names)", "-keyout",
            path + ".key", "-out", path)
        guard made.status == 0 else {
            throw Failure(.program, "openssl makes no certificate", cause: made.errors)
        }
        let both = fileText(path + ".key") + fileText(path)
        try Data(both.utf8).write(to: URL(fileURLWithPath: path + ".both"))
        return path + ".both"
    }
}
