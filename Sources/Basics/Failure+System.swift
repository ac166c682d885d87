import Glibc

extension Failure {
    /// A refusal of the system: `not_found` where the file is not there, else `io`.
    ///
    /// - Parameters:
    ///   - error: the `errno`.
    ///   - what: that which could not be done: `cannot open disk.qcow2`.
    public static func system(_ error: Int32, _ what: String, resource: String? = nil) -> Failure {
        let text = String(cString: strerror(error)).lowercased()
        switch error {
        case ENOENT, ENOTDIR:
            return Failure(.notFound, "\(what): there is no such file", resource: resource)
        case ENOSPC, EDQUOT:
            return Failure(
                .io, "\(what): \(text)", hint: "free some space, or use another folder", resource: resource)
        case EACCES, EPERM:
            return Failure(
                .io, "\(what): \(text)", hint: "use a folder of your own, or run limiq as a user who may",
                resource: resource)
        default:
            return Failure(.io, "\(what): \(text)", resource: resource)
        }
    }
}
