import Basics
import Steps
import XML

/// The timings of a run as a picture: a row for each machine, its phases as bars on an axis of time.
///
/// It is SVG 1.1. A person reads one row as well as a thousand: rows become lower where there are many, and the axis
/// comes again every sixty of them.
struct Timeline {
    private let timings: Timings
    private let rows: [Timings.Row]
    /// The phases in the order a machine goes through them, behind those of images; others follow by the time they
    /// first came.
    let phases: [String]

    private static let width = 1200.0
    private static let margin = 16.0
    private static let axisHeight = 20.0
    private static let rowsPerAxis = 60

    init(_ timings: Timings) {
        self.timings = timings
        let run = timings.run.map { Timings.Row(name: timings.script, outcome: "done", phases: $0) }
        rows = (run.map { [$0] } ?? []) + (timings.hosts ?? []) + timings.images + timings.vms
        func names(_ rows: [Timings.Row]) -> [String] {
            var first: [String: Double] = [:]
            for phase in rows.flatMap(\.phases) {
                first[phase.phase] = min(first[phase.phase] ?? .infinity, phase.began)
            }
            return first.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map(\.key)
        }
        let ofMachines = names(timings.vms)
        let known = Step.Kind.allCases.map(\.rawValue).filter(ofMachines.contains)
        let others = names((run.map { [$0] } ?? []) + (timings.hosts ?? []) + timings.images)
        phases = (others + known + ofMachines).reduce(into: []) { names, name in
            if !names.contains(name) { names.append(name) }
        }
    }

    /// The picture as an XML document.
    var svg: String {
        var parts: [XMLElement] = [
            XMLElement("title", text: heading),
            rectangle(0, 0, Self.width, height, fill: "#ffffff"),
            label(heading, x: Self.margin, y: 26, size: 15, weight: "bold"),
        ]
        if !rows.flatMap(\.phases).allSatisfy(\.ok) { parts.append(Self.pattern) }
        parts += legend
        for (index, row) in rows.enumerated() {
            if index % Self.rowsPerAxis == 0 { parts += axis(above: index) }
            parts += drawing(of: row, index)
        }
        parts += axis(above: rows.count)
        let root = XMLElement(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "width": number(Self.width), "height": number(height),
                "viewBox": "0 0 \(number(Self.width)) \(number(height))",
                "font-family": "DejaVu Sans, Verdana, sans-serif",
            ], parts)
        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + root.xml
    }

    private var heading: String {
        let count = timings.vms.count
        let failed = timings.vms.count { $0.outcome == "failed" }
        return "\(timings.script): \(count) machine\(count == 1 ? "" : "s") in "
            + readable(.seconds(timings.seconds)) + (failed > 0 ? ", \(failed) failed" : "")
            + ", \(timings.began)"
    }

    /// Stripes over what failed: they show without colours as well.
    private static let pattern = XMLElement(
        "defs", [:],
        [
            XMLElement(
                "pattern",
                [
                    "id": "failed", "width": "6", "height": "6", "patternUnits": "userSpaceOnUse",
                    "patternTransform": "rotate(45)",
                ],
                [
                    rectangle(0, 0, 6, 6, fill: "#ffffff", opacity: "0.55"),
                    rectangle(0, 0, 3, 6, fill: failedColour),
                ])
        ])
    private static let failedColour = "#c00000"

    // MARK: where things are

    private var rowHeight: Double { rows.count <= Self.rowsPerAxis ? 20 : 12 }
    private var fontSize: Double { rows.count <= Self.rowsPerAxis ? 12 : 9 }
    private var legendLines: Int { max(1, (phases.count + Self.legendColumns - 1) / Self.legendColumns) }
    private var top: Double { 44 + Double(legendLines) * 20 }
    private var height: Double { position(of: rows.count) + Self.axisHeight + Self.margin }

    /// The column of the names.
    private var nameWidth: Double {
        let longest = rows.map { shown($0).count }.max() ?? 0
        return Double(max(longest, 4)) * fontSize * 0.64 + 8
    }

    private var left: Double { Self.margin + nameWidth }
    private var scale: Double { (Self.width - Self.margin - 30 - left) / span }

    /// The seconds of the whole axis: a phase may have ended after the last time anybody looked.
    private var span: Double {
        max(rows.flatMap(\.phases).map { $0.began + $0.seconds }.max() ?? 0, timings.seconds, 0.001)
    }

    /// The upper edge of a row, below the axes that come before it.
    private func position(of row: Int) -> Double {
        let axes =
            rows.isEmpty
            ? 0 : row == rows.count ? (row - 1) / Self.rowsPerAxis + 1 : row / Self.rowsPerAxis + 1
        return top + Double(row) * rowHeight + Double(axes) * Self.axisHeight
    }

    // MARK: parts

    private static let legendColumns = 8

    private var legend: [XMLElement] {
        phases.enumerated().flatMap { index, phase in
            let x = Self.margin + Double(index % Self.legendColumns) * 145
            let y = 40 + Double(index / Self.legendColumns) * 20
            return [
                rectangle(x, y, 12, 12, fill: colour(of: phase)),
                label(phase, x: x + 18, y: y + 11, size: 12),
            ]
        }
    }

    /// The axis: the time above the row, and lines through those that follow.
    private func axis(above row: Int) -> [XMLElement] {
        let end = min(row + Self.rowsPerAxis, rows.count)
        let isLast = row == rows.count
        let y = isLast ? position(of: row) + 14 : position(of: row) - 6
        let step = tickStep
        var parts: [XMLElement] = []
        var tick = 0
        while Double(tick) * step <= span {
            let seconds = Double(tick) * step
            let x = left + seconds * scale
            parts.append(
                label(
                    TimeAxis.label(seconds, tick: step), x: x, y: y, size: 11, anchor: "middle",
                    fill: "#555555"))
            if !isLast {
                let bottom = position(of: end - 1) + rowHeight
                parts.append(
                    rectangle(x, position(of: row), 0.5, bottom - position(of: row), fill: "#cccccc"))
            }
            tick += 1
        }
        return parts
    }

    /// The distance of the ticks: at most twelve, at round numbers.
    private var tickStep: Double { TimeAxis.step(span: span, ticks: 12) }

    private func drawing(of row: Timings.Row, _ index: Int) -> [XMLElement] {
        let y = position(of: index)
        let failed = row.outcome == "failed"
        var parts: [XMLElement] = []
        if index % 2 == 1 {
            let stripe = rectangle(
                Self.margin, y, Self.width - 2 * Self.margin, rowHeight, fill: "#000000", opacity: "0.04")
            parts.append(stripe)
        }
        parts.append(
            label(
                shown(row), x: left - 6, y: y + rowHeight * 0.5 + fontSize * 0.36, size: fontSize,
                weight: failed ? "bold" : nil, anchor: "end",
                fill: failed ? Self.failedColour : "#222222"))
        for phase in row.phases {
            let title =
                "\(row.name): \(phase.phase) \(readable(.seconds(phase.seconds)))"
                + (phase.usual.map { ", usually \(readable(.seconds($0)))" } ?? "")
                + (phase.ok ? "" : ", failed")
            let (x, width) = (left + phase.began * scale, max(phase.seconds * scale, 0.8))
            parts.append(
                rectangle(
                    x, y + rowHeight * 0.12, width, rowHeight * 0.76, fill: colour(of: phase.phase),
                    title: title))
            guard !phase.ok else { continue }
            // Over the bar, and wide enough to be seen where that is short.
            parts.append(
                rectangle(
                    x, y + rowHeight * 0.12, max(width, 4), rowHeight * 0.76, fill: "url(#failed)",
                    stroke: Self.failedColour))
        }
        return parts
    }

    private func shown(_ row: Timings.Row) -> String {
        let name = TerminalText.fitMiddle(row.name, 36)
        return row.outcome == "done"
            ? name : (row.outcome == "failed" ? "✗ " : "") + "\(name) (\(row.outcome))"
    }

    /// The colours of calls and of steps in files that a limiq to come has written.
    private static let furtherColours = [
        "#8da0cb", "#66a61e", "#a6761d", "#7570b3", "#e7298a", "#1b9e77", "#999999",
    ]

    func colour(of phase: String) -> String {
        if let kind = Step.Kind(rawValue: phase) { return kind.colour }
        let others = phases.filter { Step.Kind(rawValue: $0) == nil }
        return Self.furtherColours[(others.firstIndex(of: phase) ?? 0) % Self.furtherColours.count]
    }
}

private func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, fill: String, stroke: String? = nil,
    opacity: String? = nil, title: String? = nil
) -> XMLElement {
    XMLElement(
        "rect",
        [
            "x": number(x), "y": number(y), "width": number(width), "height": number(height), "fill": fill,
            "stroke": stroke, "stroke-width": stroke.map { _ in "1.5" }, "fill-opacity": opacity,
        ], [title.map { XMLElement("title", text: $0) }])
}

private func label(
    _ text: String, x: Double, y: Double, size: Double, weight: String? = nil, anchor: String? = nil,
    fill: String = "#222222"
) -> XMLElement {
    XMLElement(
        "text",
        [
            "x": number(x), "y": number(y), "font-size": number(size), "font-weight": weight,
            "text-anchor": anchor, "fill": fill,
        ], text: text)
}

/// The number to a thousandth, without zeros at the end.
private func number(_ value: Double) -> String {
    let rounded = (value * 1000).rounded() / 1000
    return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
}
