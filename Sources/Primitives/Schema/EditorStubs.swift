/// The library as a LuaLS definition file (`---@meta`): what an editor completes and checks a script with.
///
/// Written from the definitions alone, so it cannot say anything else than what is decoded.
/// Source: https://luals.github.io/wiki/annotations/
public func editorStubs(_ definitions: [Definition]) -> String {
    var text = """
        ---@meta limiq
        -- Written by `limiq stubs` from the schema of the primitives.

        ---@class limiq
        local limiq = {}

        """
    var written: Set<String> = []
    for definition in definitions {
        for record in definition.parameters.records { text += stub(record, &written) }
        if definition.arguments == .table { text += stub(definition.parameters, &written) }
    }
    var groups: Set<String> = []
    for definition in definitions {
        if let dot = definition.primitive.name.firstIndex(of: ".") {
            let group = definition.primitive.name[..<dot]
            if groups.insert(String(group)).inserted { text += "\nlimiq.\(group) = {}\n" }
        }
        text += stub(definition)
    }
    return text + "\nreturn limiq\n"
}

private func stub(_ record: RecordDescription, _ written: inout Set<String>) -> String {
    var text = ""
    for inner in record.records { text += stub(inner, &written) }
    guard written.insert(record.name).inserted else { return text }
    text += "\n" + comment(record.doc) + "---@class \(record.name)\n"
    for field in record.fields {
        text +=
            "---@field \(field.name)\(field.isRequired ? "" : "?") \(field.luaType) \(oneLine(field.doc))\n"
    }
    return text
}

private func stub(_ definition: Definition) -> String {
    var text = "\n" + comment(definition.doc)
    text += "---\n---Example:\n---```lua\n" + comment(definition.example) + "---```\n---@async\n"
    let names: [String]
    switch definition.arguments {
    case .table:
        text += "---@param options \(definition.parameters.name)\n"
        names = ["options"]
    case .positional:
        for field in definition.parameters.fields {
            text +=
                "---@param \(field.name)\(field.isRequired ? "" : "?") \(field.luaType) \(oneLine(field.doc))\n"
        }
        names = definition.parameters.fields.map(\.name)
    }
    if !definition.returns.isEmpty { text += "---@return \(definition.returns)\n" }
    return text + "function limiq.\(definition.primitive.name)(\(names.joined(separator: ", "))) end\n"
}

private func comment(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { "---\($0)\n" }.joined()
}

private func oneLine(_ text: String) -> String {
    text.split(separator: "\n").joined(separator: " ")
}
