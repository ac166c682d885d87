import Basics
import Provisioning
import Records

extension Inventory.Document {
    /// The document as text, with the end of its last line.
    public func written() throws(Failure) -> String {
        switch self {
        case .json(let value): try jsonText(value, pretty: true) + "\n"
        case .text(let text): text
        }
    }
}

private struct InventoryArguments: Sendable {
    var format = Inventory.Format.ansible
    var uri: String?
}

func inventoryDefinitions(_ environment: Environment) -> [Definition] {
    let record = Record(
        "limiq.Inventory", "Which form, and of which host.", make: InventoryArguments.init,
        fields: [
            Field(
                "format", \.format, .choice(),
                "`ansible` is an inventory file, `list` what an inventory program answers, `ssh-config` blocks of ssh's configuration, `hosts` lines of a hosts file; ansible where left out."
            ),
            Field("uri", \.uri, .string, "The host's URI; the run's own where left out."),
        ])
    return [
        Definition(
            "inventory.text",
            .reads(.host) { arguments, call in
                let uri = try call.environment.hypervisor(arguments.uri).uri
                // Of machines that a run would have made by then.
                return call.run.forecasts(on: uri).isEmpty ? try call.perform() : call.run.guess()
            }, in: .function("inventory"),
            .positional, record, returns: "string",
            doc: """
                The machines of a host as other programs take them, each with the way into it. A label is a group of \
                Ansible's, `label_value`, and a fleet one by its own name.
                """,
            example: """
                local limiq = require "limiq"
                limiq.file.write("inventory.json", limiq.inventory())
                limiq.host.run { "ansible", "-i", "inventory.json", "all", "-m", "ping" }
                """
        ) { arguments, _ in
            try environment.gate.inventory()
            return .string(
                try Inventory(on: try environment.hypervisor(arguments.uri), state: environment.state)
                    .document(arguments.format).written())
        }
    ]
}
