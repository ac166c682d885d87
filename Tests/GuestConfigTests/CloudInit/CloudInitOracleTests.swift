import Basics
import MachineSpec
import Support
import Testing
import YAML

@testable import GuestConfig

/// What limiq says of a cloud-config, and what cloud-init itself says, by the schema of each release.
struct `The check beside cloud-init's own` {
    /// The guests: one of each release that limiq has a schema of.
    private static let guests = CloudConfigSchema.all.map {
        GuestCloudInit($0.release, image: "an image")
    }

    /// Where limiq is stricter on purpose: a key of the first level that is nearly a known one.
    private func isStricter(_ finding: CloudInitCheck.Finding) -> Bool {
        finding.message == "is no cloud-config key" && !finding.path.contains { ".[".contains($0) }
    }

    /// What is found by the schema: of values that it lets through it says nothing.
    private func findings(_ text: String, _ guest: GuestCloudInit? = nil) -> [CloudInitCheck.Finding] {
        let values = valueFindings(text)
        return CloudInitCheck.check(CloudInitSpec(userData: .text(text)), guest: guest)
            .filter { !values.contains($0) }
    }

    private func valueFindings(_ text: String) -> [CloudInitCheck.Finding] {
        guard let root = try? YAML.nodes(text).root, case .map = root.content else { return [] }
        return CloudConfigCheck.values(of: root, file: .userData)
    }

    /// `users[1].sudo` as cloud-init writes it: `users.0.sudo`.
    private func cloudInitPath(_ path: String) -> String {
        var result = ""
        for part in path.split(whereSeparator: { ".[".contains($0) }) {
            if !result.isEmpty { result += "." }
            if part.hasSuffix("]"), let number = Int(part.dropLast()) {
                result += "\(number - 1)"
            } else {
                result += part.hasSuffix("]") ? String(part.dropLast().dropFirst().dropLast()) : String(part)
            }
        }
        return result
    }

    /// - Parameter verdicts: one by the schema of each release, the oldest first.
    private func compare(
        _ text: String, _ verdicts: [CloudInitOracle.Verdict], _ name: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        // A schema says nothing of what stands below a key that it does not know.
        var keys: [String] = []
        if case .map(let entries)? = (try? YAML.nodes(text))?.root?.content { keys = entries.map(\.key) }
        let known = CloudConfigSchema.all.map { (try? $0.keys()) ?? [] }
        let isTakenByAny = zip(verdicts, known).contains { verdict, own in
            verdict.error == nil
                && keys.allSatisfy { key in own.contains(key) || !known.contains { $0.contains(key) } }
        }
        let refused = keys.filter { key in verdicts.allSatisfy { $0.refusedKeys.contains(key) } }
        let told = verdicts.map { $0.error ?? "takes it" }
        for (guest, verdict) in zip(Self.guests, verdicts) {
            let found = findings(text, guest)
            let errors = found.filter { $0.severity == .error && !isStricter($0) }
            let newer = found.filter {
                $0.message.hasPrefix("is taken by cloud-init") && $0.path.contains { ".[".contains($0) }
            }
            let comment = Comment(
                rawValue:
                    "\(name), \(guest.release): limiq \(found.map(\.text)), cloud-init \(told):\n\(text)")
            if verdict.error == nil {
                #expect(errors.isEmpty && newer.isEmpty, comment, sourceLocation: sourceLocation)
            } else if isTakenByAny {
                #expect(errors.isEmpty, comment, sourceLocation: sourceLocation)
            }
            // What each release refuses, one for another reason than the next.
            for key in refused {
                let isFound = (errors + newer).contains {
                    $0.path.hasPrefix(key) || $0.path.hasPrefix("[\"\(key)")
                }
                #expect(isFound, comment, sourceLocation: sourceLocation)
            }
            let deprecated = found.filter { $0.message == "is deprecated" }.map { cloudInitPath($0.path) }
            let expected = verdict.deprecated.filter { !isHyphenated($0) }
            #expect(Set(deprecated) == Set(expected), comment, sourceLocation: sourceLocation)
            for finding in found {
                #expect(!finding.text.contains("\n"), "one line", sourceLocation: sourceLocation)
                #expect(finding.mark != nil, "\(finding.text)", sourceLocation: sourceLocation)
            }
        }
        // Of a guest that is not known nothing is said but what no release takes.
        let found = findings(text).filter { !isStricter($0) }
        #expect(
            !found.contains { $0.severity == .error && isTakenByAny || $0.message.hasPrefix("is taken by") },
            "\(name): \(found.map(\.text)), cloud-init \(told)\n\(text)", sourceLocation: sourceLocation)
    }

    /// Whether the key of an account has a hyphen, which is the same as an underscore.
    private func isHyphenated(_ path: String) -> Bool {
        path.hasPrefix("user") && path.split(separator: ".").last?.contains("-") == true
    }

    /// The verdicts on each text, by each release.
    private func verdicts(_ texts: [String]) async throws -> [[CloudInitOracle.Verdict]] {
        var all = texts.map { _ in [CloudInitOracle.Verdict]() }
        for schema in CloudConfigSchema.all {
            for (index, verdict) in try await CloudInitOracle.verdicts(texts, by: schema).enumerated() {
                all[index].append(verdict)
            }
        }
        return all
    }

    @Test func `Of each example of cloud-init's documentation limiq says what cloud-init says`() async throws
    {
        let examples = try await CloudInitOracle.examples().filter { $0.text.hasPrefix("#cloud-config\n") }
        let verdicts = try await verdicts(examples.map(\.text))
        for (example, verdicts) in zip(examples, verdicts) { compare(example.text, verdicts, example.name) }
        #expect(verdicts.count { $0.allSatisfy { $0.error == nil } } > 100)
    }

    @Test func `The only error of limiq's own in those examples is a key that is misspelt in them`()
        async throws
    {
        let examples = try await CloudInitOracle.examples().filter { $0.text.hasPrefix("#cloud-config\n") }
        let stricter = examples.flatMap { example in
            findings(example.text).filter(isStricter).map { "\($0.path): \($0.hint ?? "")" }
        }
        #expect(
            Set(stricter) == [
                "packages_update: did you mean package_update?",
                "packages_upgrade: did you mean package_upgrade?",
            ])
    }

    /// What later releases have brought, beside the examples of 22.4.
    private static let later = [
        "packages: [a, {snap: [b, [c, --edge]]}, {apt: [d]}]",
        "users: [{name: a, doas: [b], sudo: [c, d], hashed-passwd: x, lock-passwd: false}, {name: b, ssh-import-id: [c]}]",
        "users: [a, {name: b, no-create-home: true, primary-group: c, selinux-user: d, create-groups: false}]",
        "user: {name: a, no-log-init: true, ssh-authorized-keys: [b]}",
        "ansible: {install_method: pip, pull: [{url: 'http://a/b', playbook_name: a.yml}, {url: c, playbook_names: [d, e]}]}",
        "ansible: {pull: {url: 'http://a/b', playbook_name: a.yml, inventory: b, verify_commit: true}}",
        "rh_subscription: {activation_key: a, org: '123', add_pool: [b], auto_attach: true, release_version: '9.4'}",
        "rh_subscription: {activation-key: a, org: 123, enable-repo: [b], service-level: c}",
        "ubuntu_pro: {token: a, enable: [b], features: {disable_auto_attach: true}, config: {http_proxy: 'http://a'}}",
        "ubuntu_advantage: {token: a, enable: [b], config: {https_proxy: null}}",
        "ntp: {enabled: true, servers: [a.b], peers: [c.d], allow: ['10.0.0.0/8']}",
        "write_files: [{path: /a, source: {uri: 'http://a/b', headers: {c: d}}, defer: true}]",
        "yum_repos: {epel: {name: epel, mirrorlist: 'http://a/b'}, other: {metalink: 'http://a/c', enabled: true}}",
        "disk_setup: {/dev/vdb: {table_type: gpt, layout: [[50, 0FC63DAF-8483-4772-8E79-3D69D8477DE4], 50], overwrite: true}}",
        "rpi: {interfaces: {i2c: true, serial: {console: true, hardware: false}}, enable_usb_gadget: true}",
        "rsyslog: {packages: [a], check_exe: rsyslogd, install_rsyslog: true, configs: ['*.* @a']}",
        "merge_how: [{name: list, settings: [append]}, {name: dict, settings: [no_replace, recurse_list]}]",
        "output: {all: '| tee -a /a', init: {output: '> a', error: '&1'}, final: [a, b]}",
        "locale: false\nusers: []\ncreate_hostname_file: true\nlaunch-index: 1\nmerge_type: 'list(append)'",
        "chef: {chef_license: accept, config_path: /a, server_url: 'http://a'}",
        "apt_pipelining: os\ngrub_dpkg: {enabled: true, grub-efi/install_devices: a}\nphone_home: {url: 'http://a', post: [hostname]}",
        "ssh_genkeytypes: [dsa, rsa]\nssh_keys: {dsa_private: a, rsa_public: b}\nlandscape: {client: {url: a}}",
    ]

    @Test func `No value in those examples is an error`() async throws {
        let examples = try await CloudInitOracle.examples().filter { $0.text.hasPrefix("#cloud-config\n") }
        let errors = examples.flatMap { valueFindings($0.text) }.filter { $0.severity == .error }
        #expect(errors.map(\.text) == [])
    }

    @Test func `Of 1000 examples with one or two things changed limiq says what cloud-init says`()
        async throws
    {
        var generator = SeededGenerator(state: 20_260_102)
        let examples = try await CloudInitOracle.examples().filter { $0.text.hasPrefix("#cloud-config\n") }
        func maps(_ texts: [String]) -> [Value] {
            texts.compactMap { text in
                guard let value = try? YAML.parse(text), case .map(let map) = value, !map.isEmpty else {
                    return nil
                }
                return value
            }
        }
        let sources = [maps(examples.map(\.text)), maps(Self.later)]
        #expect(sources[1].count == Self.later.count)
        var texts = sources[1].map { CloudConfig.userData(from: $0) }
        while texts.count < 1000 {
            let source = sources.randomElement(using: &generator) ?? []
            guard var value = source.randomElement(using: &generator) else { break }
            for _ in 0..<Int.random(in: 1...2, using: &generator) { value = mutated(value, &generator) }
            guard case .map = value else { continue }
            texts.append(CloudConfig.userData(from: value))
        }
        let verdicts = try await verdicts(texts)
        for (index, text) in texts.enumerated() { compare(text, verdicts[index], "case \(index)") }
        for release in CloudConfigSchema.all.indices {
            let refused = verdicts.count { $0[release].error != nil }
            #expect((200...800).contains(refused), "\(refused) of them are refused: both sides are tried")
        }
        #expect(verdicts.count { $0.contains { $0.error == nil } && $0.contains { $0.error != nil } } > 100)
    }

    /// One change at a place chosen by chance: a value of another type or left out, a key misspelt or added, a list
    /// emptied or a member twice in it.
    private func mutated(_ value: Value, _ generator: inout SeededGenerator) -> Value {
        let goesDeeper = Int.random(in: 0..<4, using: &generator) > 0
        switch value {
        case .map(let map) where !map.isEmpty && goesDeeper:
            let index = Int.random(in: 0..<map.count, using: &generator)
            var entries = map.entries
            entries[index].value = mutated(entries[index].value, &generator)
            return .map(Map(entries))
        case .list(var members) where !members.isEmpty && goesDeeper:
            let index = Int.random(in: 0..<members.count, using: &generator)
            members[index] = mutated(members[index], &generator)
            return .list(members)
        case .map(let map) where !map.isEmpty && Bool.random(using: &generator):
            var entries = map.entries
            let index = Int.random(in: 0..<entries.count, using: &generator)
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: entries.remove(at: index)
            case 1: entries[index].key += "x"
            default: entries.append(.init(key: "some_key", value: entries[index].value))
            }
            return .map(Map(entries))
        case .list(let members) where !members.isEmpty && Bool.random(using: &generator):
            return Bool.random(using: &generator) ? .list(members + [members[0]]) : []
        default:
            let others: [Value] = [
                .null, true, false, 0, -1, 7, .double(1.5), "", "a text", "2030-02-30", "2030-02-28", "7:1",
                "10G",
                [], ["a"], [1], [["a", "b"]], [:], ["name": "x"], "auto", "none", .bytes([0x1F, 0x8B]), "now",
                ["a\n"], "+5",
            ]
            return others.randomElement(using: &generator) ?? .null
        }
    }
}
