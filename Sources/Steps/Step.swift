/// A step of the work on a machine or an image, as whoever watches it reads it.
///
/// The work itself goes through steps of known kinds. A call of a script that has no steps of its own (`exec`, `reboot` …)
/// is one step, named as the call.
public struct Step: Sendable, Hashable {
    public let word: String

    public init(_ kind: Kind) { word = kind.rawValue }

    /// - Parameter word: a kind's, or the verb of a call.
    public init(word: String) { self.word = word }

    /// The kind of the step; `nil` for a call.
    public var kind: Kind? { Kind(rawValue: word) }

    /// The kinds of steps a machine, an image or a host goes through, in their order: first those of machines, then
    /// those of images and of hosts, and what is none of theirs.
    public enum Kind: String, Sendable, CaseIterable {
        case queue, look, lock, remove, network, upload, disks, media, seed, define, change, shutdown, start,
            identity,
            forward
        case firstBoot = "first-boot"
        case running, address, agent, ssh
        case cloudInit = "cloud-init"
        case stopped, seal, keep, undo
        case waiting, download, verify, convert, build
        case daemons, connect, probe
        case script

        /// The description of what is done in it, as `docs/events.md` has it.
        public var doc: String { facts.doc }
        /// The word for what one of many is doing: `booting`.
        public var activity: String { facts.activity }
        /// The colour in a picture: `#56b4e9`. Those of the frequent steps can be told apart by those who see red and
        /// green alike (Okabe and Ito, 2008).
        public var colour: String { facts.colour }

        /// Whether the console still holds what an earlier boot said.
        public var isBeforeBoot: Bool {
            switch self {
            case .queue, .look, .lock, .remove, .network, .upload, .disks, .media, .seed, .define, .change,
                .start, .undo:
                true
            case .shutdown, .identity, .forward, .firstBoot, .running, .address, .agent, .ssh, .cloudInit,
                .stopped:
                false
            case .waiting, .download, .verify, .convert, .build, .daemons, .connect, .probe, .script: true
            case .seal, .keep: false
            }
        }

        /// Whether it is no work on the machine but a wait for others, or a look at what there is: its time says nothing of
        /// how long such a machine takes.
        public var isAside: Bool {
            switch self {
            case .queue, .look, .lock, .remove, .upload, .undo, .waiting: true
            default: false
            }
        }

        private var facts: (doc: String, activity: String, colour: String) {
            switch self {
            case .queue:
                (
                    "waits for its turn: more is asked for than is worked on at once",
                    "waiting for their turn",
                    "#cccccc"
                )
            case .look: ("looks at what is there, and decides what is to be done", "starting", "#9999cc")
            case .lock: ("waits for another limiq that works on it", "waiting for another limiq", "#bbbbbb")
            case .remove: ("removes it, to make it anew", "being removed", "#882255")
            case .network:
                ("makes the networks it is on, and gives it its addresses there", "starting", "#7f7f00")
            case .upload: ("brings images and ISO images to its host", "uploading", "#332288")
            case .disks: ("makes disks and overlays", "starting", "#56b4e9")
            case .media: ("makes the CD-ROM images of the spec's files", "starting", "#44aa99")
            case .seed: ("writes the cloud-init image, or Ignition's file", "starting", "#009e73")
            case .define: ("describes the domain to libvirt", "starting", "#f0e442")
            case .change: ("changes its description, then its running guest", "being changed", "#999933")
            case .shutdown: ("asks the guest to end, for a start anew", "shutting down", "#aa4499")
            case .start: ("starts it", "starting", "#e69f00")
            case .identity:
                ("makes a guest that goes on from a warm one a machine of its own", "starting", "#b2df8a")
            case .forward: ("sets the forwarded ports", "starting", "#cc79a7")
            case .firstBoot: ("waits for the first line on the console, or the agent", "booting", "#0072b2")
            case .running: ("waits until it runs", "starting", "#117733")
            case .address: ("waits for the guest's address", "waiting for address", "#ddcc77")
            case .agent: ("waits for the guest's agent", "waiting for agent", "#cc6677")
            case .ssh: ("waits for the guest's ssh server", "waiting for ssh", "#661100")
            case .cloudInit: ("waits for the end of cloud-init", "in cloud-init", "#d55e00")
            case .stopped: ("waits for the guest's end", "waiting for its end", "#444444")
            case .seal:
                ("makes its guest ready to be an image", "being sealed", "#a6761d")
            case .keep:
                (
                    "copies its disk, and of a warm machine its memory, into the image library", "being kept",
                    "#66a61e"
                )
            case .undo: ("removes what was made, after a failure", "being removed", "#777777")
            case .waiting: ("another process fetches it", "waiting for another limiq", "#dddddd")
            case .download: ("fetches it from its publisher", "downloading", "#88ccee")
            case .verify: ("compares it with its publisher's checksum", "being verified", "#6699cc")
            case .convert: ("makes a qcow2 image of another maker's", "being converted", "#b07aa1")
            case .build: ("makes it from packages on this machine", "being built", "#994455")
            case .daemons: ("starts libvirt's daemons there", "starting", "#225522")
            case .connect: ("opens a connection to it", "being reached", "#77aadd")
            case .probe: ("asks what it can do, for which libvirt may try QEMU", "being asked", "#ee8866")
            case .script: ("the script itself: nothing else is under way", "working", "#bbcc33")
            }
        }
    }
}
