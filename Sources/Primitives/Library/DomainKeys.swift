import Basics
import Provisioning
import Records

private struct SendKeysArguments: DomainArguments {
    var domain = DomainReference()
    var keys: [String] = []
}

func sendKeys(_ environment: Environment) -> Definition {
    .domain(
        "domain.send_keys",
        .changes(.machine) { try $1.change($0.domain, "gets keys", $0.keys.joined(separator: " ")) },
        environment, SendKeysArguments.self,
        fields: [
            Field(
                "keys", \.keys, .list(of: .string), required: true,
                "Keys by QEMU's names (`a`, `ret`, `spc`, `f12`); those held together are joined: `ctrl-alt-delete`."
            )
        ],
        doc: "Presses keys one after the other, as if somebody sat at the guest's keyboard.",
        example: """
            local limiq = require "limiq"
            -- "Press any key to boot from CD or DVD"
            limiq.domain.get("windows-01"):send_keys { "ret" }
            """
    ) { machine, arguments, _ in
        try machine.sendKeys(arguments.keys)
        return .null
    }
}
