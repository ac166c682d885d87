import YAML

extension UserDataCheck {
    /// Checks a template, and what comes of it (`cloudinit/handlers/jinja_template.py`).
    mutating func checkTemplate(_ text: String) {
        hasTemplate = true
        let lines = text.unicodeScalars.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        let header = String(lines[0]).trimmed()
        guard header.lowercased().hasPrefix("##") else {
            return error(
                "is a template whose first line is not \"## template: jinja\", and cloud-init leaves it out",
                hint: "make that its first line, without space or an empty line in front")
        }
        let kind = header.split(separator: ":", maxSplits: 1).dropFirst().first?.trimmed().lowercased() ?? ""
        guard kind == "jinja" else {
            return error(
                "the first line is \"\(header.prefix(60))\", and cloud-init knows no such templates",
                hint: "make the first line ## template: jinja")
        }
        let body = lines.count > 1 ? String(lines[1]) : ""
        do throws(JinjaProblem) {
            let template = try JinjaTemplate(body, line: 2)
            let rendered = try template.rendered(InstanceData(metaData: metaData()).variables)
            for name in rendered.missing {
                warn(
                    "\(name.name) stands for nothing, and cloud-init writes \(JinjaEvaluator.missingPrefix)\(name.name)",
                    hint: "cloud-init query --all shows in a guest what there is",
                    at: YAMLMark(line: name.line, column: 1))
            }
            checkRendered(rendered)
        } catch {
            self.error(
                "\(error.message)", hint: error.hint, at: YAMLMark(line: error.line, column: 1))
        }
    }

    mutating func checkRendered(_ rendered: JinjaTemplate.Rendered) {
        let start = findings.count
        switch UserDataHeader(ofPart: rendered.text) {
        case .empty, .message: return
        case .cloudConfig:
            if rendered.isComplete {
                add(
                    CloudInitCheck.cloudConfig(
                        rendered.text, file: file, guest: guest, movesNetwork: file == .userData))
            }
        case .other(.script):
            if rendered.isComplete { checkScript(rendered.text) }
        case .other(let type):
            error("makes a text of the type \(type.rawValue), which cloud-init takes of no template")
        case .unknown(let message, let hint):
            // The line may go on with what is not known.
            guard rendered.isComplete || rendered.lines.count > 1 else { return }
            let line =
                rendered.text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
                .firstIndex { !$0.allSatisfy(\.properties.isWhitespace) } ?? 0
            error(
                message.replacing("the first line is", with: "the template's first line is"), hint: hint,
                at: YAMLMark(line: line + 1, column: 1))
        }
        // The places in what was rendered are those of the template's lines; of one with a word that is not known nothing is
        // said.
        for index in findings.indices.dropFirst(start) {
            guard let mark = findings[index].mark, rendered.lines.indices.contains(mark.line - 1) else {
                continue
            }
            findings[index].mark?.line = rendered.lines[mark.line - 1]
        }
        let found = findings[start...].filter { finding in
            !(finding.mark.map { rendered.uncertainLines.contains($0.line) } ?? false)
        }
        findings.replaceSubrange(start..., with: found)
    }
}
