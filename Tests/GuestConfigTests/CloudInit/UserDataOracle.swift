import Foundation
import Support
import Testing

/// Debian's cloud-init, given user-data as a guest would be: what it does with each part of it.
enum UserDataOracle {
    struct Answer: Decodable {
        /// Why it reads nothing at all; `nil` where it reads.
        let fatal: String?
        /// What it writes into its log: parts that it leaves out.
        let log: String
        /// The scripts it would run.
        let scripts: [String]
        /// The cloud-config it goes by; `nil` for none.
        let config: String?

        /// Whether something of it is lost to the guest.
        var isTroubled: Bool {
            fatal != nil || !log.isEmpty || scripts.contains { !$0.hasPrefix("#!") }
        }
    }

    private static let program = """
        import base64, glob, io, json, logging, os, shutil, sys, tempfile
        sys.path.insert(0, "/usr/lib/python3/dist-packages")
        from cloudinit import handlers, helpers, subp, user_data, util
        from cloudinit.handlers.boot_hook import BootHookPartHandler
        from cloudinit.handlers.cloud_config import CloudConfigPartHandler
        from cloudinit.handlers.jinja_template import JinjaTemplatePartHandler
        from cloudinit.handlers.shell_script import ShellScriptPartHandler
        from cloudinit.handlers.shell_script_by_frequency import ShellScriptByFreqPartHandler
        from cloudinit.settings import PER_ALWAYS, PER_INSTANCE, PER_ONCE
        stream = io.StringIO()
        root = logging.getLogger()
        root.setLevel(logging.WARNING)
        root.addHandler(logging.StreamHandler(stream))
        hooks = []
        subp.subp = lambda args, **words: hooks.append(open(args[0], "rb").read().decode(errors="replace")) or ("", "")
        def fetch(url, **words): raise user_data.UrlError(IOError("no network"), url=url)
        user_data.read_file_or_url = fetch
        def answer(blob):
            stream.truncate(0); stream.seek(0)
            hooks.clear()
            folder = tempfile.mkdtemp()
            try:
                paths = helpers.Paths({"cloud_dir": folder, "run_dir": folder, "templates_dir": folder})
                os.makedirs(folder + "/instance/scripts")
                data = {"v1": {"instance_id": "i-1", "instance-id": "i-1", "local_hostname": "web-01", "local-hostname": "web-01"},
                        "ds": {"meta_data": {"instance-id": "i-1", "local-hostname": "web-01", "dsmode": "net"}}}
                with open(folder + "/instance-data-sensitive.json", "w") as file: json.dump(data, file)
                class DataSource:
                    def get_instance_id(self): return "i-1"
                paths.datasource = DataSource()
                paths.get_ipath = lambda name=None: folder + "/instance/" + (paths.lookups[name] if name else "")
                options = {"paths": paths, "datasource": paths.datasource}
                config, script = CloudConfigPartHandler(**options), ShellScriptPartHandler(**options)
                known = [config, script, ShellScriptByFreqPartHandler(PER_ALWAYS, **options),
                         ShellScriptByFreqPartHandler(PER_INSTANCE, **options), ShellScriptByFreqPartHandler(PER_ONCE, **options),
                         BootHookPartHandler(**options), JinjaTemplatePartHandler(**options, sub_handlers=[config, script])]
                try:
                    message = user_data.UserDataProcessor(paths).process(blob)
                except Exception as e:
                    return {"fatal": repr(e), "log": "", "scripts": [], "config": None}
                table = helpers.ContentHandlers()
                for handler in known: table.register(handler, overwrite=False)
                for _, handler in table.items(): handlers.call_begin(handler, None, PER_INSTANCE)
                handlers.walk(message, handlers.walker_callback, data={
                    "handlers": table, "handlerdir": folder, "data": None, "frequency": PER_INSTANCE, "handlercount": 0, "excluded": []})
                buffer = config.cloud_buf
                scripts = [open(f, "rb").read().decode(errors="replace")
                           for f in sorted(glob.glob(folder + "/**/scripts/**/*", recursive=True)) if os.path.isfile(f)]
                return {"fatal": None, "log": stream.getvalue(), "scripts": scripts + list(hooks),
                        "config": None if buffer is None else json.dumps(buffer, default=str, sort_keys=True)}
            finally:
                shutil.rmtree(folder)
        json.dump([answer(base64.b64decode(t)) for t in json.load(sys.stdin)], sys.stdout)
        """

    static func answers(_ blobs: [[UInt8]]) async throws -> [Answer] {
        let input = String(
            decoding: try JSONEncoder().encode(blobs.map { Data($0).base64EncodedString() }), as: UTF8.self)
        let answers = try await python(program, input: input, as: [Answer].self)
        try #require(answers.count == blobs.count)
        return answers
    }
}
