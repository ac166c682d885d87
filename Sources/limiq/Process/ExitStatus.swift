import Basics

/// The exit status of a failure: 1 the script failed, 3 the host is not able, 130 interrupted.
func exitStatus(_ failure: Failure) -> Int32 {
    switch failure.code {
    case .hostNotAble: 3
    case .interrupted, .cancelled: 130
    default: 1
    }
}
