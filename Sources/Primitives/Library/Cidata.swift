import Basics
import GuestConfig
import Hypervisors
import MachineSpec
import Records

/// The primitives of `limiq.cidata.*`: the seed cloud-init reads in the guest.
func cidataDefinitions(_ environment: Environment) -> [Definition] {
    return [
        Definition(
            "cidata.create",
            .changes(.disks) { arguments, call in
                try CloudInitCheck.requireNoErrors(in: CloudInitCheck.check(arguments.spec))
                return try call.make(arguments.path, "seed", replaces: true)
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
                call.report(CloudInitCheck.check(arguments.spec))
                return .string(try call.environment.writing(arguments.path))
            }
        ) { arguments, _ in
            let path = try environment.writing(arguments.path)
            try CloudInitCheck.requireNoErrors(in: CloudInitCheck.check(arguments.spec))
            try Cidata.create(path, arguments.spec, user: PrivateDaemons.reader)
            return .string(path)
        }
    ]
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
    ])
