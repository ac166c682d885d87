import Records

/// The library as a LuaLS definition file (`---@meta`): what an editor completes and checks a script with.
///
/// Each thing is taken from where it is decided: the primitives from their definitions, so that it cannot say anything
/// else than what is decoded, and what is written in Lua from its own comments.
/// Source: https://luals.github.io/wiki/annotations/
///
/// - Parameter sources: the texts of the library's Lua files.
public func libraryReference(_ definitions: [Definition], sources: [String]) -> String {
    var text = """
        ---@meta limiq
        -- Written by `limiq stubs` from the schema of the primitives and the comments of the library.

        ---What `require "limiq"` and `limiq.connect` return.
        ---@class limiq
        local limiq = {}

        """
    let lua = LuaComments(sources)
    text += lua.classes
    var written: Set<String> = []
    for definition in definitions {
        for record in definition.parameters.records + definition.answers { text += stub(record, &written) }
        if definition.arguments == .table { text += stub(definition.parameters, &written) }
    }
    var groups: Set<String> = []
    for definition in definitions {
        let path: String
        switch definition.place {
        case .inner: continue
        case .call(let table):
            groups.insert(table)
            text += "\n" + callable(table, definition)
            continue
        case .fields(let table):
            text +=
                "\n" + about(definition)
                + "---@type table<string, \(definition.returns)>\nlimiq.\(table) = {}\n"
            continue
        case .function(let name): path = "limiq.\(name)"
        case .named:
            let parts = definition.primitive.name.split(separator: ".", maxSplits: 1)
            if let handle = definition.handle, let verb = parts.last {
                path = "\(handle):\(verb)"
            } else {
                if let group = parts.first.map(String.init), groups.insert(group).inserted {
                    text += "\nlimiq.\(group) = {}\n"
                }
                path = "limiq.\(definition.primitive.name)"
            }
        }
        text += function(path, definition)
    }
    return text + lua.library + "\nreturn limiq\n"
}

extension Definition {
    /// The class whose method the primitive is: its first parameter is a handle. `nil` for a function.
    fileprivate var handle: String? {
        guard arguments == .positional, let first = parameters.fields.first,
            ["limiq.VM", "string|limiq.Domain", "string|limiq.Network"].contains(first.luaType)
        else { return nil }
        switch primitive.name.prefix(while: { $0 != "." }) {
        case "vm": return "VM"
        case "network": return "Network"
        default: return "Domain"
        }
    }
}

private func stub(_ record: RecordDescription, _ written: inout Set<String>) -> String {
    var text = ""
    for inner in record.records { text += stub(inner, &written) }
    guard written.insert(record.name).inserted else { return text }
    text += "\n" + comment(record.doc) + "---@class \(record.name)\n"
    for field in record.fields { text += "---@field " + words(field) }
    return text
}

private func function(_ path: String, _ definition: Definition) -> String {
    var text = "\n" + about(definition)
    if definition.effect != .pure { text += "---@async\n" }
    var names: [String]
    switch definition.arguments {
    case .table:
        let isOptional = !definition.parameters.fields.contains(where: \.isRequired)
        text += "---@param options\(isOptional ? "?" : "") \(definition.parameters.name)\n"
        names = ["options"]
    case .positional:
        let fields = definition.parameters.fields.dropFirst(definition.handle == nil ? 0 : 1)
        for field in fields { text += "---@param " + words(field) }
        names = fields.map(\.name)
    }
    if !definition.returns.isEmpty { text += "---@return \(definition.returns)\n" }
    return text + "function \(path)(\(names.joined(separator: ", "))) end\n"
}

/// The declaration of a table that is called, and may hold functions too.
private func callable(_ table: String, _ definition: Definition) -> String {
    let parameters = definition.parameters.fields.map {
        "\($0.name)\($0.isRequired ? "" : "?"): \($0.luaType)"
    }
    let answer = definition.returns.isEmpty ? "" : ": \(definition.returns)"
    return about(definition)
        + "---@class limiq.\(table)\n"
        + "---@overload async fun(\(parameters.joined(separator: ", ")))\(answer)\n"
        + "limiq.\(table) = {}\n"
}

private func about(_ definition: Definition) -> String {
    comment(definition.doc) + "---\n---Example:\n---```lua\n" + comment(definition.example) + "---```\n"
}

private func words(_ field: RecordDescription.Field) -> String {
    "\(field.name)\(field.isRequired ? "" : "?") \(field.luaType) \(oneLine(field.doc))\n"
}

private func comment(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { "---\($0)\n" }.joined()
}

private func oneLine(_ text: String) -> String {
    text.split(separator: "\n").joined(separator: " ")
}
