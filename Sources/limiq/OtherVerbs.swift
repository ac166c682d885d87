import Basics

/// The verbs of other tools (virsh, docker, multipass, Lima, Vagrant, Terraform, kcli), and those of limiq that do the same.
/// They are answered, not performed: one word does more in one tool than in another.
enum OtherVerbs {
    private static let ours: [String: [String]] = [
        "ls": ["list"], "ps": ["list"], "status": ["list"], "domlist": ["list"],
        "info": ["show VM"], "inspect": ["show VM"], "describe": ["show VM"], "dominfo": ["show VM"],
        "delete": ["rm VM"], "remove": ["rm VM"], "undefine": ["rm VM"], "purge": ["rm VM"],
        "destroy": ["down SCRIPT", "rm VM", "stop --force VM"],
        "halt": ["stop VM"], "shutdown": ["stop VM"], "poweroff": ["stop VM"], "kill": ["stop --force VM"],
        "boot": ["start VM"], "reload": ["restart VM"], "reboot": ["restart VM"],
        "reset": ["restart --force VM"], "pause": ["suspend VM"], "unpause": ["resume VM"],
        "hibernate": ["save VM"], "managedsave": ["save VM"],
        "create": ["run SCRIPT", "up FILE"], "apply": ["run SCRIPT", "up FILE"],
        "launch": ["run SCRIPT", "up FILE"], "define": ["run SCRIPT", "up FILE"],
        "deploy": ["run SCRIPT", "up FILE"], "diff": ["plan SCRIPT"], "preview": ["plan SCRIPT"],
        "validate": ["check SCRIPT"], "lint": ["check SCRIPT"],
        "shell": ["ssh VM", "console VM"], "connect": ["ssh VM", "console VM"],
        "attach": ["console VM"], "log": ["logs VM"],
        "restore": ["revert VM", "start VM"], "rollback": ["revert VM"],
        "images": ["image list"], "pull": ["image pull NAME"],
        "prune": ["gc"], "clean": ["gc"], "cleanup": ["gc"],
        "networks": ["network list"], "copy": ["cp"], "scp": ["cp"], "transfer": ["cp"],
        "rsync": ["sync"], "mount": ["sync"], "rsync-auto": ["sync --watch"],
    ]

    /// The answer to a word that is no verb of limiq's: what to type in its place.
    ///
    /// - Parameter names: limiq's verbs.
    static func answer(_ word: String, among names: [String]) -> String {
        let ways = (ours[word] ?? []).filter { way in names.contains { way == $0 || way.hasPrefix($0 + " ") }
        }
        if !ways.isEmpty {
            return "\(word) is no verb of limiq's\n  hint: "
                + ways.map { "limiq \($0)" }.joined(separator: ", or ")
        }
        if word.hasSuffix(".lua") { return "\(word) is no verb\n  hint: limiq run \(word)" }
        let nearest = nearestName(to: word, in: names)
        return "there is no verb \(word)\n  hint: "
            + (nearest.map { "did you mean limiq \($0)?" } ?? "limiq --help lists those there are")
    }
}
