import Foundation

/// The decoder that this process tries, by the variable `LIMIQ_FUZZ`.
private let decoder: Decoder = {
    let name = ProcessInfo.processInfo.environment["LIMIQ_FUZZ"] ?? ""
    guard let decoder = Decoder(rawValue: name) else {
        fatalError("LIMIQ_FUZZ is one of \(Decoder.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return decoder
}()

private typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

/// libFuzzer's own main function (https://llvm.org/docs/LibFuzzer.html, "Using libFuzzer as a library").
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<Arguments>,
    _ tryOne: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func tryOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    decoder.read(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

/// The entry of the program: the package manager takes it for the main function of an executable of this name.
@_cdecl("fuzz_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments) { tryOne($0, $1) }
}
