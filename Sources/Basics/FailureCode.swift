extension Failure {
    /// Every code limiq gives: a stable word a script branches on. docs/errors.md is written from here.
    ///
    /// A script may raise errors with words of its own beside them (`Failure.ownWord`).
    public enum Code: String, Sendable, CaseIterable {
        case badField = "bad_field"
        case script
        case syntax
        case undeclaredGlobal = "undeclared_global"
        case moduleCycle = "module_cycle"
        case recipeConflict = "recipe_conflict"
        case cannotWait = "cannot_wait"
        case deadlock
        case each
        case memory
        case forbidden

        case badJSON = "bad_json"
        case badYAML = "bad_yaml"
        case cloudInit = "cloud_init"
        case noCloudInit = "no_cloud_init"

        case notFound = "not_found"
        case io
        case diskExists = "disk_exists"
        case fileExists = "file_exists"
        case imageExists = "image_exists"
        case badImage = "bad_image"
        case badChecksum = "bad_checksum"
        case imageChanged = "image_changed"
        case notLocked = "not_locked"
        case unreachable

        case specDiffers = "spec_differs"
        case notOurs = "not_ours"
        case inUse = "in_use"
        case portInUse = "port_in_use"
        case folderTaken = "folder_taken"
        case appeared
        case poolGone = "pool_gone"
        case protected
        case saved
        case snapshotExists = "snapshot_exists"
        case noSnapshot = "no_snapshot"
        case trayLocked = "tray_locked"

        case guest
        case guestStopped = "guest_stopped"
        case guestFailed = "guest_failed"
        case guestPanicked = "guest_panicked"
        case guestStuck = "guest_stuck"
        case unhealthy

        case hostNotAble = "host_not_able"
        case hostDown = "host_down"
        case placedTwice = "placed_twice"
        case libvirt
        case program

        case timeout
        case cancelled
        case interrupted
        case `internal`
    }
}

extension Failure.Code {
    /// The meaning of the code.
    public var sentence: String { entry.sentence }

    /// The subject of the code, as docs/errors.md puts them together.
    enum Subject: String, CaseIterable {
        case script = "The script"
        case documents = "Documents"
        case files = "Files and images"
        case machine = "Machines"
        case guest = "Guests"
        case host = "Hosts and programs"
        case end = "The end of work"
    }

    private var entry: (subject: Subject, sentence: String) {
        switch self {
        case .badField:
            (.script, "A field, an option or an argument is unknown, of the wrong kind or out of range.")
        case .script: (.script, "The script has raised an error of its own, or Lua has found one in it.")
        case .syntax: (.script, "The script is not Lua.")
        case .undeclaredGlobal: (.script, "The script reads or writes a global that nobody has declared.")
        case .moduleCycle: (.script, "Modules require each other.")
        case .recipeConflict: (.script, "Two recipes want different things of one field.")
        case .cannotWait:
            (
                .script,
                "A primitive was called where nothing can wait, such as in a comparator of `table.sort`."
            )
        case .deadlock: (.script, "Every task waits for another.")
        case .each: (.script, "Items of `limiq.each` have failed; the message lists them all.")
        case .memory: (.script, "The script has used more Lua memory than it may.")
        case .forbidden:
            (
                .script,
                "The script may not do this: `--sandbox` or `--no-host` forbids it, or limiq does so always."
            )
        case .badJSON: (.documents, "A text is not JSON, or a value has no form in it.")
        case .badYAML: (.documents, "A text is not YAML, or a value has no form in it.")
        case .cloudInit:
            (.documents, "cloud-init would not take its configuration, or has ended with errors.")
        case .noCloudInit: (.documents, "cloud-init does not run in the guest.")
        case .notFound: (.files, "What was named is not there: a machine, a file, an image, a program.")
        case .io: (.files, "A file or a folder cannot be read or written.")
        case .diskExists: (.files, "The disk to be made is there already.")
        case .fileExists: (.files, "A file is in the way that limiq does not replace.")
        case .imageExists: (.files, "The library has another image of this name.")
        case .badImage:
            (.files, "A disk or an image is damaged, not what it was, or of a kind that limiq does not use.")
        case .badChecksum: (.files, "A download or a file is not what its checksum says.")
        case .imageChanged: (.files, "The publisher of an image has another by now than `limiq.lock` says.")
        case .notLocked: (.files, "`limiq.lock` has no entry for an image, and `--locked` takes no other.")
        case .unreachable:
            (.files, "An address cannot be reached from here: no network, name or trusted certificate.")
        case .specDiffers: (.machine, "The machine cannot become what its spec says without being made anew.")
        case .notOurs: (.machine, "limiq has not made it, or cannot prove that it has: it is left alone.")
        case .inUse: (.machine, "Another machine or a program uses it: a disk, an image, an address.")
        case .portInUse: (.machine, "A port of the host that is to lead into the guest is taken.")
        case .folderTaken: (.machine, "Files that are not of this machine lie where its own would.")
        case .appeared: (.machine, "The machine was defined by somebody else meanwhile.")
        case .poolGone: (.machine, "The storage pool of one of its volumes is not there.")
        case .protected: (.machine, "The machine has `protect = true`: it is neither removed nor made anew.")
        case .saved: (.machine, "The memory of the guest is kept on disk, and would be lost.")
        case .snapshotExists: (.machine, "The machine has a snapshot of this name.")
        case .noSnapshot: (.machine, "The machine has no disk that could hold a snapshot.")
        case .trayLocked: (.machine, "The guest keeps the tray of its CD-ROM drive locked.")
        case .guest: (.guest, "The guest, or a program in it, has refused or answered wrongly.")
        case .guestStopped: (.guest, "The guest is off or paused, and what was asked needs one that runs.")
        case .guestFailed: (.guest, "The hypervisor has ended the guest by an error.")
        case .guestPanicked: (.guest, "The kernel of the guest has panicked.")
        case .guestStuck: (.guest, "The guest has given up to boot, as its console says.")
        case .unhealthy: (.guest, "A machine of a fleet is not healthy after its change.")
        case .hostNotAble:
            (
                .host,
                "The host cannot do it as it is; the hint says what to install, start or allow. Exit code 3."
            )
        case .hostDown: (.host, "A host of `limiq.hosts` does not answer.")
        case .placedTwice: (.host, "Two hosts have a machine of this name.")
        case .libvirt: (.host, "libvirt has refused; the cause has its own words.")
        case .program:
            (.host, "A program of the host has failed: qemu-img, ssh, curl, or one of the script's.")
        case .timeout: (.end, "It has taken longer than it may; the message says what was seen last.")
        case .cancelled: (.end, "The task was cancelled.")
        case .interrupted: (.end, "The run was interrupted. Exit code 130.")
        case .internal: (.end, "A defect of limiq: please report it.")
        }
    }

    /// The text of docs/errors.md.
    public static var page: String {
        let head = """
            # Errors

            An error is a table: `code`, `message`, `hint` (the way out), `resource` (which machine or file), `where` (the line of
            the script), `cause` and `traceback`. `code` is one of these words, which stay as they are; a script may raise errors
            with words of its own. `limiq help CODE` says the same, and `limiq help errors` prints this page.

            ```lua
            local value, e = limiq.try(function() return vm:up() end)
            if e and e.code == "spec_differs" then vm:up { replace = true } elseif e then error(e) end
            ```

            """
        let sections = Subject.allCases.map { subject in
            let rows = allCases.filter { $0.entry.subject == subject }.map {
                "| `\($0.rawValue)` | \($0.sentence) |"
            }
            return "## \(subject.rawValue)\n\n| code | means |\n| --- | --- |\n"
                + rows.joined(separator: "\n") + "\n"
        }
        return ([head] + sections).joined(separator: "\n")
    }
}
