import Basics

extension ISOContents {
    /// The names that Windows, which reads Joliet's, shows otherwise or cannot open.
    ///
    /// Source: Microsoft's "Naming Files, Paths, and Namespaces".
    ///
    /// - Throws: as `ISOImage.bytes` for names that no image can have.
    package func windowsNameWarnings() throws(Failure) -> [(message: String, hint: String)] {
        let tree = try ISOTree(files: files, folders: folders)
        let names = ISONames(tree)
        var warnings: [(message: String, hint: String)] = []
        for folder in tree.nodes where folder.isFolder {
            var seen: [ExactText: String] = [:]
            for child in folder.children {
                let name = String(decoding: tree.nodes[child].name, as: UTF8.self)
                let shown = ISOReader.wideText(names.joliet[child][...])
                let path = tree.path(child)
                let isTooLong = !tree.nodes[child].isFolder && path.utf16.count > Self.longestPath
                if let warning = Self.warning(name, shown, path, isTooLong) { warnings.append(warning) }
                if let other = seen.updateValue(name, forKey: ExactText(shown.uppercased())) {
                    warnings.append(
                        (
                            message:
                                "\"\(path)\" is to Windows the name of \"\(other)\" too, and one of them is not seen",
                            hint: "let the names differ in more than capitals"
                        ))
                }
            }
        }
        guard warnings.count > Self.mostWarnings else { return warnings }
        let more = warnings.count - Self.mostWarnings
        return warnings.prefix(Self.mostWarnings) + [
            ("\(more) more names are others on Windows", "list them with isoinfo -J -f -i IMAGE")
        ]
    }

    /// The number of names that are told of one by one.
    private static let mostWarnings = 10

    private static func warning(
        _ name: String, _ shown: String, _ path: String, _ isTooLong: Bool
    ) -> (message: String, hint: String)? {
        if name.utf16.count > ISONames.jolietLimit {
            return (
                message: "the name \"\(path)\" is cut on Windows, to \"\(shown)\"",
                hint: "use at most \(ISONames.jolietLimit) characters"
            )
        }
        if !shown.utf8.elementsEqual(name.utf8) {
            return (
                message: "the name \"\(path)\" is \"\(shown)\" on Windows",
                hint: "leave out * / : ; ? \\ and control characters"
            )
        }
        let problem: String
        let base = shown.prefix { $0 != "." }
        if shown.contains(where: { "<>|\"".contains($0) }) {
            problem = "it has one of < > | \" in it"
        } else if shown.hasSuffix(".") || shown.hasSuffix(" ") {
            problem = "it ends in a \(shown.hasSuffix(".") ? "dot" : "blank")"
        } else if isDevice(base) {
            problem = "it is that of a device"
        } else if isTooLong {
            problem = "it has more than \(longestPath) characters with its folders"
        } else {
            return nil
        }
        return (
            message: "the name \"\(path)\" cannot be opened on Windows: \(problem)",
            hint: "give it another name"
        )
    }

    /// What `MAX_PATH` leaves beside the drive and the end: `D:\`.
    private static let longestPath = 256

    /// Whether a name without its ending is a device's.
    private static func isDevice(_ base: Substring) -> Bool {
        let name = base.trimmed().uppercased()
        if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(name) { return true }
        return (name.hasPrefix("COM") || name.hasPrefix("LPT")) && name.count == 4
            && "0123456789¹²³".contains(name.last ?? " ")
    }
}

extension ISOTree {
    /// The path of a node, its folders divided by `/`.
    func path(_ node: Int) -> String {
        var names: [String] = []
        var node = node
        while node != 0 {
            names.append(String(decoding: nodes[node].name, as: UTF8.self))
            node = nodes[node].parent
        }
        return names.reversed().joined(separator: "/")
    }
}
