import Foundation
import Testing

/// What a program of Python makes of its standard input, as it writes it in JSON.
public func python<Answer: Decodable>(
    _ program: String, input: String, as type: Answer.Type
) async throws -> Answer {
    let result = try await command("/usr/bin/python3", ["-c", program], input: input)
    try #require(result.status == 0, "\(result.errors)")
    return try JSONDecoder().decode(type, from: Data(result.output.utf8))
}
