/// Bytes that nobody can guess, from the system's own source.
public func randomBytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: .min ... .max) }
}
