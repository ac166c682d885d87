import Basics
import Hypervisors

extension Machine {
    /// Does once more what found no domain and then met it: a run that was killed may have asked libvirt for it, which got to
    /// that after we had looked.
    func lookingAgain<Result>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        do throws(Failure) {
            return try body()
        } catch {
            guard error.code == .appeared else { throw error }
            return try body()
        }
    }

    var appeared: Failure {
        Failure(
            .appeared, "vm \(name) was defined on \(hypervisor.uri) while it was worked on",
            hint: "do the same again", resource: "vm \(name)")
    }
}
