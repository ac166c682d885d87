import HostFiles
import Provisioning
import Steps
import Support

/// The times of earlier runs, for a test.
enum UsualTimesFixture {
    static func times(
        _ like: Likeness, step: Step, _ time: Duration, total: Duration
    ) throws -> UsualTimes {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let state = StateFolder(root: folder.path)
        UsualTimes.add([like: .init(steps: [step: time], total: total)], in: state)
        return UsualTimes(in: state)
    }
}
