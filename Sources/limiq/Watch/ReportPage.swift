import Basics
import FoundationEssentials
import HostFiles
import Steps

/// The timings of a run as one page of HTML that works by itself, without a network: a row for each machine, with filters.
///
/// The page is a file of the library, and the run stands in it as JSON: no text of the run is ever HTML.
struct ReportPage {
    private struct Content: Encodable {
        var timings: Timings
        var steps: [PageStep]
    }

    private struct PageStep: Encodable {
        var word: String
        var doc: String?
        var colour: String
        var aside: Bool
    }

    private let timings: Timings
    private let template: String

    /// The place in the file where the run goes.
    private static let place = "id=\"run\">{}</script>"

    /// - Parameter library: the folder of limiq's library.
    /// - Throws: `Failure` where the page's file is not there or not whole.
    init(_ timings: Timings, library: String) throws(Failure) {
        let file = library + "/report/page.html"
        template = String(decoding: try fileBytes(file, atMost: ReadLimit.document), as: UTF8.self)
        guard template.contains(Self.place) else {
            throw Failure(.io, "\(file) is not limiq's page", hint: "install limiq anew", resource: file)
        }
        self.timings = timings.visible
    }

    /// - Throws: `Failure` with code `internal` where the run cannot be written as JSON.
    func html() throws(Failure) -> String {
        let timeline = Timeline(timings)
        let steps = timeline.phases.map { word in
            let kind = Step.Kind(rawValue: word)
            return PageStep(
                word: word, doc: kind?.doc, colour: timeline.colour(of: word), aside: kind?.isAside ?? true)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(Content(timings: timings, steps: steps)) else {
            throw Failure(.internal, "the run cannot be written as JSON")
        }
        // Of JSON only `<` could mean something to a reader of HTML: the end of the script, or a comment.
        let json = String(decoding: data, as: UTF8.self).replacing("<", with: "\\u003c")
        return template.replacing(Self.place, with: "id=\"run\">\(json)</script>", maxReplacements: 1)
    }
}

extension Timings {
    /// The same with every text of somebody else's as it is shown: nothing in it steers how it is read.
    fileprivate var visible: Timings {
        var timings = self
        func show(_ text: inout String) { text = TerminalText.visible(text) }
        func show(_ text: inout String?) { text = text.map { TerminalText.visible($0) } }
        func show(_ row: inout Row) {
            show(&row.name)
            show(&row.host)
            show(&row.image)
            show(&row.failure)
            show(&row.line)
        }
        show(&timings.script)
        show(&timings.began)
        for index in timings.vms.indices { show(&timings.vms[index]) }
        for index in timings.images.indices { show(&timings.images[index]) }
        timings.hosts = timings.hosts?.map { row in
            var row = row
            show(&row)
            return row
        }
        return timings
    }
}
