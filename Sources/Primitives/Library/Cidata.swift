import Basics
import GuestConfig
import HostFiles
import Hypervisors
import MachineSpec
import Records

/// The primitives of `limiq.cidata.*`: the seed cloud-init reads in the guest.
///
/// - Parameter log: takes what a guest would do otherwise than a seed says.
func cidataDefinitions(
    _ environment: Environment, log: @escaping @Sendable (LogLevel, String) -> Void
) -> [Definition] {
    return [
        Definition(
            "cidata.create",
            .changes(.disks) { arguments, call in
                let warnings = try CloudInitCheck.check(arguments.spec).map(GuestFinding.init).warnings()
                return try call.make(arguments.path, "seed", replaces: true, warnings: warnings)
            }, .table, cidataRecord, returns: "string",
            doc: """
                Makes the ISO image cloud-init's NoCloud datasource looks for, and returns its path. The same \
                arguments make the same bytes. What a guest would not understand in them is an error; `network` in \
                `user_data` goes into `network_config`.
                """,
            example: """
                local limiq = require "limiq"
                local seed = limiq.cidata.create {
                  path = "seed.iso",
                  user_data = "#cloud-config\\nhostname: web-01\\n",
                }
                """
            ,
            check: { arguments, call in
                call.report(CloudInitCheck.check(arguments.spec).map(GuestFinding.init))
                return .string(try call.environment.writing(arguments.path))
            }
        ) { arguments, _ in
            let path = try environment.writing(arguments.path)
            for warning in try CloudInitCheck.check(arguments.spec).map(GuestFinding.init).warnings() {
                log(.warn, "\(lastComponent(path)): \(warning)")
            }
            try Cidata.create(path, arguments.spec, user: PrivateDaemons.reader)
            return .string(path)
        },
        Definition(
            "cidata.problem", .pure, in: .inner, .positional,
            Record(
                "limiq.CidataProblem", "", make: PartArguments.init,
                fields: [
                    Field("user_data", \.userData, .cloudInitDocument, required: true, "What a recipe makes.")
                ]),
            returns: "{ message: string, hint?: string }?",
            doc: "The first error of a user-data; nil where there is none.", example: ""
        ) { arguments, _ in
            let findings = CloudInitCheck.check(CloudInitSpec(userData: arguments.userData))
            guard let error = findings.first(where: { $0.severity == .error }) else { return .null }
            var answer: Map = ["message": .string(error.text)]
            if let hint = error.hint { answer.append("hint", .string(hint)) }
            return .map(answer)
        },
    ]
}

private struct PartArguments: Sendable {
    var userData: CloudInitDocument?
}

struct CidataArguments: Sendable {
    var path = ""
    var spec = CloudInitSpec()
}

let cidataRecord = Record(
    "limiq.CidataCreate", "A NoCloud seed to make.", make: CidataArguments.init,
    fields: [
        Field(
            "path", \.path, .path, required: true,
            "Where the ISO is made; an ISO that is there is replaced."),
        Field(
            "user_data", \.spec.userData, .cloudInitDocument,
            "What the guest is to do; empty where left out."),
        Field(
            "meta_data", \.spec.metaData, .cloudInitDocument,
            "Who the guest is; an instance-id made from the rest where left out."),
        Field(
            "network_config", \.spec.networkConfig, .cloudInitDocument,
            "How the guest's network is set up."),
        Field("vendor_data", \.spec.vendorData, .cloudInitDocument, "Defaults below user_data."),
        Field(
            "check", \.spec.check, .choice(),
            "`warn` goes on where an error is found in them; `error` where left out."),
    ])
