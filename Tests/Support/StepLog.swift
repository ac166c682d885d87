import Steps
import Synchronization

/// The steps a call told of, from whatever thread.
package final class StepLog: Sendable {
    private let all = Mutex<[Progress]>([])
    private let watcher = Mutex<(@Sendable (Progress) -> Void)?>(nil)

    package init() {}

    package func add(_ step: Progress) {
        all.withLock { $0.append(step) }
        watcher.withLock { $0 }?(step)
    }

    /// Called at each step to come.
    package func watch(_ body: @escaping @Sendable (Progress) -> Void) { watcher.withLock { $0 = body } }

    /// `download 1 of 4 MiB (25 %)`, without the name.
    package var lines: [String] {
        all.withLock { all in
            all.compactMap { step in
                switch step.event {
                case .begins(let step, let detail): step.word + (detail.map { " " + $0 } ?? "")
                case .detail(let step, let detail): "\(step.word) \(detail)"
                case .ended(let step, _, ok: false): "\(step.word) failed"
                case .finished(let outcome, _): outcome.rawValue
                default: nil
                }
            }
        }
    }

    /// `disks begins`, `disks ends`, `start fails`; without the look at what is there, which ends with the next step's
    /// beginning.
    package var bounds: [String] {
        all.withLock { all in
            all.compactMap { step in
                switch step.event {
                case .begins(let step, _) where step.kind == .look: nil
                case .begins(let step, _): "\(step.word) begins"
                case .ended(let step, _, let ok): "\(step.word) \(ok ? "ends" : "fails")"
                default: nil
                }
            }
        }
    }
}
