/// The text of rows in columns, two spaces apart; what is in a cell is visible and stays there.
func table(_ rows: [[String]]) -> String { table(rows, .none) { _, _ in nil }.text }

/// The same in colours.
///
/// - Parameter tone: of a cell, by its row and column.
func table(_ rows: [[String]], _ colours: Colours, tone: (_ row: Int, _ column: Int) -> Tone?) -> Painted {
    let rows = rows.map { $0.map { TerminalText.visible($0) } }
    let widths = (rows.first ?? []).indices.map { column in
        rows.map { TerminalText.columns($0[column]) }.max() ?? 0
    }
    return rows.enumerated().map { number, row in
        var line: [Painted] = []
        let last = row.lastIndex { !$0.isEmpty } ?? 0
        for (column, cell) in row.enumerated().prefix(last + 1) {
            let gap = max(0, widths[column] - TerminalText.columns(cell)) + 2
            let isLast = column == last
            line.append(
                colours.paint(cell, tone(number, column))
                    + Colours.none.paint(isLast ? "" : String(repeating: " ", count: gap)))
        }
        return line.joined()
    }.joined(separator: "\n")
}
