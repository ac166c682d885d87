import Basics
import YAML

extension JSONSchema {
    /// The place of a value, and what its keys are called in a message: `cloud-config key`.
    struct Place {
        var path = DocumentPath()
        var mark: YAMLMark
        var keyName: String

        func key(_ key: String, _ mark: YAMLMark) -> Place {
            Place(path: path.key(key), mark: mark, keyName: keyName)
        }

        func member(_ index: Int, _ mark: YAMLMark) -> Place {
            Place(path: path.member(index), mark: mark, keyName: keyName)
        }

        func problem(_ kind: SchemaProblem.Kind, _ message: String, hint: String? = nil) -> SchemaProblem {
            SchemaProblem(kind: kind, path: path, mark: mark, message: message, hint: hint)
        }
    }

    /// The problems of a document, in the order of its lines.
    ///
    /// - Parameter keyName: what a message calls a key: `cloud-config key`.
    package func problems(of document: YAMLNode, keyName: String) -> [SchemaProblem] {
        let found = problems(of: document, at: Place(mark: document.mark, keyName: keyName))
        return found.sorted { ($0.mark.line, $0.mark.column) < ($1.mark.line, $1.mark.column) }
    }

    func problems(of node: YAMLNode, at place: Place) -> [SchemaProblem] {
        if !types.isEmpty, !types.contains(where: { $0.fits(node) }) {
            return [place.mismatch(.type(given: node, wanted: types), node, allowed: allowedWords)]
        }
        var problems: [SchemaProblem] = []
        if isDeprecated {
            problems.append(
                place.problem(.deprecated(since: deprecatedSince), "is deprecated", hint: wayOut))
        }
        if let enumeration, !enumeration.contains(where: { $0.isSame(as: node) }) {
            problems.append(
                place.mismatch(.enumeration(given: node), node, allowed: allowedWords, showsValue: true))
        }
        if let reference { problems += reference.problems(of: node, at: place) }
        for part in allOf { problems += part.problems(of: node, at: place) }
        if !anyOf.isEmpty { problems += choice(anyOf, isExclusive: false, node, place) }
        if !oneOf.isEmpty { problems += choice(oneOf, isExclusive: true, node, place) }
        if let not, !not.problems(of: node, at: place).contains(where: \.isError) {
            problems.append(not.exclusion(at: place))
        }
        switch node.content {
        case .map(let entries): problems += self.problems(ofMap: entries, at: place)
        case .list(let members): problems += self.problems(ofList: members, at: place)
        case .scalar(let value, _): problems += self.problems(ofScalar: value, at: place)
        case .timestamp, .largeNumber: break
        }
        return problems
    }

    // MARK: - Maps, lists, scalars

    private func problems(ofMap entries: [YAMLNode.Entry], at place: Place) -> [SchemaProblem] {
        var problems: [SchemaProblem] = []
        for entry in entries {
            let inner = place.key(entry.key, entry.mark)
            let value = place.key(entry.key, entry.node.mark)
            let patterned = patternProperties.filter { $0.pattern.matches(entry.key) }.map(\.schema)
            let schemas = [properties[entry.key]].compactMap(\.self) + patterned
            for schema in schemas {
                problems += schema.problems(of: entry.node, at: value).map { problem in
                    // That a key is deprecated is said of the key.
                    guard problem.isDeprecation, problem.path == inner.path else { return problem }
                    var problem = problem
                    problem.mark = inner.mark
                    return problem
                }
            }
            guard schemas.isEmpty else { continue }
            switch additionalProperties {
            case .allowed: break
            case .schema(let schema): problems += schema.problems(of: entry.node, at: value)
            case .refused: problems.append(unknown(entry.key, inner))
            }
        }
        for name in required where !entries.contains(where: { $0.key == name }) {
            problems.append(place.problem(.missing(name), "has no \(name)"))
        }
        if entries.count < minProperties {
            problems.append(
                place.problem(.other, entries.isEmpty ? "is empty" : "needs \(minProperties) keys"))
        }
        return problems
    }

    /// The problem of a value that this schema fits, where none may.
    private func exclusion(at place: Place) -> SchemaProblem {
        guard required.count > 1 else { return place.problem(.other, "is what must not be here") }
        return place.problem(
            .other, "has both \(listed(required, "and"))", hint: "leave \(required[0]) alone")
    }

    private func unknown(_ key: String, _ place: Place) -> SchemaProblem {
        let known = properties.filter { !$0.value.isDeprecated }.keys.sorted()
        let nearest = nearestName(to: key, in: known).map { "did you mean \($0)?" }
        let list =
            known.isEmpty || known.count > 12 ? nil : "the keys here are \(known.joined(separator: ", "))"
        return place.problem(.unknownKey, "is no \(place.keyName)", hint: nearest ?? list)
    }

    private func problems(ofList members: [YAMLNode], at place: Place) -> [SchemaProblem] {
        var problems: [SchemaProblem] = []
        if let items {
            for (index, member) in members.enumerated() {
                problems += items.problems(of: member, at: place.member(index, member.mark))
            }
        }
        if members.count < minItems {
            problems.append(
                place.problem(
                    .other,
                    members.isEmpty ? "is empty" : "has \(members.count) members, not \(minItems) or more"))
        }
        if let maxItems, members.count > maxItems {
            problems.append(place.problem(.other, "has \(members.count) members, more than \(maxItems)"))
        }
        if uniqueItems {
            for (index, member) in members.enumerated()
            where members[..<index].contains(where: { $0.value.isSame(as: member) }) {
                let inner = place.member(index, member.mark)
                problems.append(inner.problem(.other, "is there already, and each may be there once only"))
            }
        }
        return problems
    }

    private func problems(ofScalar value: Value, at place: Place) -> [SchemaProblem] {
        var problems: [SchemaProblem] = []
        if let minimum, value.number.map({ $0 < Double(minimum) }) ?? false {
            problems.append(place.problem(.other, "must be \(minimum) or more"))
        }
        if let maximum, value.number.map({ $0 > Double(maximum) }) ?? false {
            problems.append(place.problem(.other, "must be \(maximum) or less"))
        }
        if pattern != nil, case .bytes = value {
            problems.append(place.problem(.other, "must be a text, not bytes"))
        }
        guard let text = value.string else { return problems }
        if let maxLength, text.unicodeScalars.count > maxLength {
            problems.append(place.problem(.other, "must be of \(maxLength) characters or less"))
        }
        if let pattern, !pattern.matches(text) {
            problems.append(place.problem(.other, "does not match \(pattern.text)"))
        }
        if let format, let problem = SchemaFormat.problem(text, format) {
            // As Debian's cloud-init, which lacks what checks the others.
            problems.append(place.problem(format == "date" ? .other : .format, problem))
        }
        return problems
    }

    // MARK: - Choices

    /// The problems by `anyOf`, and `oneOf` where only one may fit. What is deprecated in the first that fits counts.
    private func choice(
        _ schemas: [JSONSchema], isExclusive: Bool, _ node: YAMLNode, _ place: Place
    ) -> [SchemaProblem] {
        let results = schemas.map { $0.problems(of: node, at: place) }
        let fitting = results.filter { !$0.contains(where: \.isError) }
        if let first = fitting.first {
            guard isExclusive, fitting.count > 1 else { return first }
            return [place.problem(.other, "fits more than one of \(listed(allowedWords, "and"))")]
        }
        return Self.nearest(results, schemas, node, place)
    }

    /// The problems to be told of branches of which none fits: those of the one that was most likely meant, or in one
    /// line all that is allowed.
    private static func nearest(
        _ results: [[SchemaProblem]], _ schemas: [JSONSchema], _ node: YAMLNode, _ place: Place
    ) -> [SchemaProblem] {
        let errors = results.map { $0.filter(\.isError) }
        // The branches for values of this type.
        let shaped = errors.filter { branch in
            !branch.contains { $0.path == place.path && ($0.isType || $0.isEnumeration) }
        }
        let missing = shaped.flatMap { branch in
            branch.compactMap { problem -> String? in
                guard case .missing(let name) = problem.kind, problem.path == place.path else { return nil }
                return name
            }
        }
        if shaped.count > 1, missing.count == shaped.reduce(0, { $0 + $1.count }) {
            return [place.problem(.missing(missing[0]), "needs \(listed(missing, "or"))")]
        }
        let best = shaped.min { weight($0) < weight($1) }
        let isAboutItself = best?.allSatisfy { $0.path == place.path } ?? true
        if let best, !isAboutItself || node.text == nil { return best }
        let allowed = schemas.flatMap { $0.isDeprecated ? [] : $0.allowedWords }
        return [
            place.mismatch(
                .type(given: node, wanted: schemas.flatMap(\.types)), node, allowed: allowed,
                showsValue: schemas.contains { $0.enumeration != nil })
        ]
    }

    /// The distance of a branch from what was written. A key whose fixed value is another tells the branch is not
    /// meant.
    private static func weight(_ problems: [SchemaProblem]) -> Int {
        problems.reduce(0) { $0 + ($1.isEnumeration ? 5 : 1) }
    }
}

extension JSONSchema.InstanceType {
    func fits(_ node: YAMLNode) -> Bool {
        switch (self, node.content) {
        case (.object, .map), (.array, .list): true
        case (.string, .scalar(.string, _)), (.string, .scalar(.bytes, _)): true
        case (.integer, .scalar(.int, _)), (.integer, .largeNumber), (.number, .largeNumber): true
        case (.number, .scalar(.int, _)), (.number, .scalar(.double, _)): true
        case (.boolean, .scalar(.bool, _)), (.null, .scalar(.null, _)): true
        default: false
        }
    }
}

extension Value {
    fileprivate var number: Double? {
        switch self {
        case .int(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    /// Whether two values are equal to JSON: 1 and 1.0 are the same, 1 and true are not.
    fileprivate func isSame(as node: YAMLNode) -> Bool {
        switch node.content {
        case .timestamp, .largeNumber: return false
        default: break
        }
        let other = node.value
        if let left = number, let right = other.number { return left == right }
        return self == other
    }
}
