import JSONSchema
import YAML

/// The keys cloud-init takes beside those its schema of 22.4 has.
enum CloudConfigKeys {
    /// The keys cloud-init reads beside those of its schema: in `user_data.py`, `mergers`, `stages.py` and
    /// `config/cc_apt_configure.py` of 22.4, and those newer versions add.
    static let others: Set<String> = [
        "datasource", "datasource_list", "def_log_file", "disabled_handlers", "launch-index",
        "manual_cache_clean", "merge_how", "merge_type", "network", "output", "syslog_fix_perms",
        "system_info", "unverified_modules", "vendor_data2", "version",
        "add_apt_repo_match", "apt_custom_sources_list", "apt_ftp_proxy", "apt_http_proxy",
        "apt_https_proxy", "apt_mirror", "apt_mirror_search", "apt_mirror_search_dns",
        "apt_preserve_sources_list", "apt_proxy", "apt_sources",
        "create_hostname_file", "disable_piwiz", "enable_rpi_connect", "rpi_interfaces", "rpi_userconf",
        "ubuntu_pro",
    ]

    /// The keys that newer versions have added to maps, with `[]` for any member of a list.
    private static let newer: Set<String> = [
        "ansible.pull.verify_commit", "ntp.allow", "ntp.peers", "rsyslog.check_exe",
        "rsyslog.install_rsyslog",
        "rsyslog.packages", "ubuntu_advantage.features", "user.doas", "users[].doas", "write_files[].source",
    ]

    /// Whether a newer cloud-init takes what 22.4 does not.
    static func isNewer(_ problem: SchemaProblem) -> Bool {
        let path = withoutNumbers(problem.path.description)
        switch problem.kind {
        case .unknownKey: return newer.contains(path)
        // `packages: [{snap: [hello]}]` and `sudo: [rule, rule]`
        case .type(let given):
            switch given.content {
            case .map(let entries):
                return path == "packages[]" && !entries.isEmpty
                    && entries.allSatisfy { ["apt", "snap"].contains($0.key) }
            case .list(let rules):
                return (path == "users[].sudo" || path == "user.sudo") && !rules.isEmpty
                    && rules.allSatisfy { $0.value.string != nil }
            default: return false
            }
        default: return false
        }
    }

    private static func withoutNumbers(_ path: String) -> String {
        var result = ""
        var isInBrackets = false
        for character in path {
            if character == "]" { isInBrackets = false }
            if !isInBrackets { result.append(character) }
            if character == "[" { isInBrackets = true }
        }
        return result
    }
}
