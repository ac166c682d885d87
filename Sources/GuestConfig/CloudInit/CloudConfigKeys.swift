/// The keys cloud-init takes beside those its schemas have.
enum CloudConfigKeys {
    /// The keys that every release reads and that not every schema has: in `user_data.py`, `mergers`, `stages.py` and
    /// `config/cc_apt_configure.py` of 22.4; and those of images for the Raspberry Pi.
    static let others: Set<String> = [
        "datasource", "datasource_list", "def_log_file", "disabled_handlers", "launch-index",
        "manual_cache_clean", "merge_how", "merge_type", "network", "output", "syslog_fix_perms",
        "system_info", "unverified_modules", "vendor_data2", "version",
        "add_apt_repo_match", "apt_custom_sources_list", "apt_ftp_proxy", "apt_http_proxy",
        "apt_https_proxy", "apt_mirror", "apt_mirror_search", "apt_mirror_search_dns",
        "apt_preserve_sources_list", "apt_proxy", "apt_sources",
        "disable_piwiz", "enable_rpi_connect", "rpi_interfaces", "rpi_userconf",
    ]
}
