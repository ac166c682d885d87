import Foundation
import Support
import Testing

/// Debian's cloud-init and netplan, asked whether a guest with netplan can use a network-config, many at once.
enum NetworkOracle {
    /// cloud-init reads it and writes what netplan reads; netplan makes systemd's files of that.
    private static let program = """
        import json, os, shutil, subprocess, sys, tempfile
        from concurrent.futures import ThreadPoolExecutor
        sys.path.insert(0, "/usr/lib/python3/dist-packages")
        import logging
        logging.disable(logging.CRITICAL)
        from cloudinit import safeyaml, util
        from cloudinit.net import netplan, network_state
        def rendered(text):
            config = safeyaml.load(text)
            if config is None: return None, None
            if not isinstance(config, dict): return None, "no map"
            # What is passed over in silence is not what was meant.
            others = sorted(set(config) - {"network"}) if "network" in config else []
            config = config.get("network", config)
            if isinstance(config, dict) and config.get("config") == "disabled": return None, None
            if isinstance(config, dict) and not others:
                if config.get("version") not in (1, 2): others = ["all, for its version"]
                elif config["version"] == 1: others = sorted(set(config) - {"version", "config"})
                else: others = ["config"] if "config" in config else []
            if others: return None, "passes over " + ", ".join(map(str, others))
            state = network_state.parse_net_config_data(config, renderer=netplan.Renderer())
            if state is None: return None, "no network's configuration"
            return netplan.Renderer()._render_content(state), None
        def generated(content):
            root = tempfile.mkdtemp(dir=folder)
            os.makedirs(root + "/etc/netplan")
            with open(root + "/etc/netplan/50-cloud-init.yaml", "w") as file: file.write(content)
            os.chmod(root + "/etc/netplan/50-cloud-init.yaml", 0o600)
            ran = subprocess.run(["/usr/lib/netplan/generate", "--root-dir", root], capture_output=True)
            shutil.rmtree(root)
            # Whether the guest has Open vSwitch, nobody knows here.
            if not ran.returncode or b"ovs-vsctl" in ran.stderr: return None
            return ran.stderr.decode(errors="replace").replace(root, "") or "exit"
        def verdict(text):
            try: content, error = rendered(text)
            except Exception as e: return "cloud-init: %s %s" % (type(e).__name__, e)
            if error or content is None: return error
            error = generated(content)
            return "netplan: " + " ".join(error.split())[-300:] if error else None
        folder = tempfile.mkdtemp()
        texts = sys.stdin.buffer.read().decode().split("\\0")
        with ThreadPoolExecutor(4) as pool: json.dump(list(pool.map(verdict, texts)), sys.stdout)
        shutil.rmtree(folder)
        """

    /// The examples of netplan's documentation.
    private static let examplesProgram = """
        import glob, json, sys
        json.dump([open(path).read() for path in sorted(glob.glob("/usr/share/doc/netplan/examples/*.yaml"))], sys.stdout)
        """

    /// Why a guest cannot use each text; `nil` where it can.
    static func verdicts(_ texts: [String]) async throws -> [String?] {
        let verdicts = try await python(program, input: texts.joined(separator: "\0"), as: [String?].self)
        try #require(verdicts.count == texts.count)
        return verdicts
    }

    static func examples() async throws -> [String] {
        let found = try await python(examplesProgram, input: "", as: [String].self)
        try #require(found.count > 20, "the package netplan.io comes with its examples")
        return found
    }
}
