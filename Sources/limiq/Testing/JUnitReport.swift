import Basics
import XML

/// The results of a run of specs as JUnit's XML, as CI servers read it
/// (<https://github.com/testmoapp/junitxml>).
struct JUnitReport {
    let files: [SpecFile]

    var text: String {
        let results = files.map { ($0.path, $0.result) }
        func sum(_ part: (SpecFile.Result) -> Int) -> String { "\(results.reduce(0) { $0 + part($1.1) })" }
        let time = results.reduce(Duration.zero) { $0 + $1.1.took }
        let root = XMLElement(
            "testsuites",
            [
                "name": "limiq test", "tests": sum(\.cases.count), "failures": sum(\.failed), "errors": "0",
                "skipped": sum(\.skipped), "time": Self.seconds(time),
            ], results.map { Self.suite($0, $1) })
        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\(root.xml)\n"
    }

    private static func suite(_ path: String, _ result: SpecFile.Result) -> XMLElement {
        let output = String(decoding: result.output, as: UTF8.self)
        return XMLElement(
            "testsuite",
            [
                "name": plain(path), "tests": "\(result.cases.count)", "failures": "\(result.failed)",
                "errors": "0",
                "skipped": "\(result.skipped)", "time": seconds(result.took),
            ],
            result.cases.map { element($0, path) }
                + [output.isEmpty ? nil : XMLElement("system-out", text: plain(output))])
    }

    private static func element(_ one: SpecFile.Case, _ path: String) -> XMLElement {
        var inner: XMLElement?
        switch one.outcome {
        case .passed: break
        case .skipped(let reason): inner = XMLElement("skipped", ["message": plain(reason)])
        case .failed(let message):
            let line = message.split(separator: "\n").first.map(String.init) ?? ""
            inner = XMLElement("failure", ["message": plain(line), "type": "failure"], text: plain(message))
        }
        return XMLElement(
            "testcase", ["name": plain(one.name), "classname": plain(path), "time": seconds(one.took)],
            [inner])
    }

    private static func seconds(_ time: Duration) -> String {
        let milliseconds = Int64(time / .milliseconds(1))
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
    }

    /// The text without what XML 1.0 has no way to write (section 2.2).
    private static func plain(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.value {
                    case 0x9, 0xA, 0xD, 0x20...0xFFFD, 0x10000...: scalar
                    default: "\u{FFFD}"
                    }
                }))
    }
}
