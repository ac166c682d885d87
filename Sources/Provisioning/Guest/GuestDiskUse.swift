import Basics
import XML

extension Machine {
    /// What the guest says of a disk that nobody uses. Silence may be a program that the guest has not.
    private static var free: String { "free" }

    /// Asks the guest's agent, and nobody else, whether the guest could do without a disk.
    ///
    /// - Parameter drive: the disk in the running domain's description.
    /// - Returns: the reason why it could not, or why that cannot be told; `nil` where nothing in it uses the disk.
    func use(ofDisk drive: XMLNode, cancellation: Cancellation = Cancellation()) -> String? {
        guard let serial = drive.first("serial")?.text else {
            return "it has no serial number by which the guest could be asked"
        }
        let agent = GuestAgent(hypervisor: hypervisor, name: name)
        guard agent.answers() else {
            return "the guest's agent does not answer, which could say whether it is in use"
        }
        let program = "serial=\(GuestSSH.line([serial]))\n\(findDiskProgram)\n\(useProgram)"
        do throws(Failure) {
            let result = try agent.exec(
                ["sh"], stdin: Array(program.utf8), timeout: .seconds(60), cancellation: cancellation)
            let said = outsideText(String(decoding: result.stdout.prefix(200), as: UTF8.self).trimmed())
            if said == Self.free { return nil }
            return said.isEmpty
                ? "the guest does not say whether it is in use" : said.replacing("\n", with: ", ")
        } catch { return "the guest does not say whether it is in use: \(error.message)" }
    }
}

/// The shell's lines that find the name of a disk, `vda`, by its serial number.
let findDiskProgram = #"""
    disk=
    for block in /sys/block/*; do
        [ "$(cat "$block/serial" 2>/dev/null)" = "$serial" ] && disk="$disk ${block##*/}"
    done
    disk=${disk# }
    [ -n "$disk" ] || disk=$(lsblk -dno NAME,SERIAL | while read -r name found; do
        [ "$found" = "$serial" ] && echo "$name"
    done)
    [ -n "$disk" ] || { echo "the guest has no disk with the serial number $serial"; exit 1; }
    [ -e "/sys/block/$disk" ] || { echo "the guest has more than one disk with the serial number $serial"; exit 1; }
    """#

/// The shell's program that says on its standard output who uses a disk, and `free` where nobody does: what is mounted, in
/// whatever namespace, what is swap, what the kernel has built on it (LVM, md, dm-crypt, multipath), and who has it open.
private let useProgram = #"""
    for needed in awk grep ls cat; do
        command -v $needed >/dev/null || { echo "the guest has no $needed, to say whether it is in use"; exit 0; }
    done
    for folder in /sys/block/"$disk" /sys/block/"$disk"/"$disk"*; do
        [ -e "$folder/dev" ] || continue
        name=${folder##*/}
        for holder in "$folder"/holders/*; do
            [ -e "$holder" ] || continue
            holder=${holder##*/}
            mapped=$(cat "/sys/block/$holder/dm/name" 2>/dev/null)
            echo "$name is in use by ${mapped:-$holder}"
            exit 0
        done
        for member in /sys/fs/btrfs/*/devices/"$name"; do
            [ -e "$member" ] || continue
            echo "$name is in use by a btrfs file system"
            exit 0
        done
        for loop in /sys/block/loop*; do
            if [ "$(cat "$loop/loop/backing_file" 2>/dev/null)" = "/dev/$name" ]; then
                echo "$name is in use by ${loop##*/}"
                exit 0
            fi
        done
        if grep -q "^/dev/$name[[:space:]]" /proc/swaps; then echo "$name is swap"; exit 0; fi
        place=$(cat /proc/[0-9]*/mountinfo 2>/dev/null |
            awk -v number="$(cat "$folder/dev")" -v device="/dev/$name" '
                { source = ""; for (i = 7; i < NF; i++) if ($i == "-") source = $(i + 2) }
                $3 == number || source == device { print $5; exit }')
        if [ -n "$place" ]; then echo "$name is mounted at $place"; exit 0; fi
        process=$(ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v device="/dev/$name" '
            /^\/proc\// { split($1, words, "/"); process = words[3] }
            $NF == device { print process; exit }')
        if [ -n "$process" ]; then
            echo "$name is open in process $process ($(cat "/proc/$process/comm" 2>/dev/null))"
            exit 0
        fi
    done
    if command -v zpool >/dev/null && zpool status -LP 2>/dev/null | grep -q "/dev/$disk"; then
        echo "$disk is in use by ZFS"
        exit 0
    fi
    echo free
    """#
