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
            print(String(format: "  %-44@ %9.3f ms   limiq/this %.2f", way.name as NSString, middle, first / middle))
        }
        // Seen as it comes, in a pipe too.
        fflush(nil)
    }
}

/// Runs a program, its output thrown away.
///
/// - Throws: where it fails.
@discardableResult
func program(_ path: String, _ arguments: [String], environment: [String: String] = [:], keepsOutput: Bool = false) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = environment.map { "\($0.key)=\($0.value)" } + [path] + arguments
    let output = Pipe()
    process.standardOutput = keepsOutput ? output : FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = keepsOutput ? String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) : ""
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw BenchError("\(path) \(arguments.joined(separator: " ")) failed") }
    return text
}

struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
