/// The text of rows in columns, two spaces apart; what is in a cell is visible and stays there.
func table(_ rows: [[String]]) -> String {
    let rows = rows.map { $0.map { TerminalText.visible($0) } }
    let widths = (rows.first ?? []).indices.map { column in
        rows.map { TerminalText.columns($0[column]) }.max() ?? 0
    }
    return rows.map { row in
        var line = zip(row, widths).map { TerminalText.pad($0, $1) }.joined(separator: "  ")
        while line.last == " " { line.removeLast() }
        return line
    }.joined(separator: "\n")
}
