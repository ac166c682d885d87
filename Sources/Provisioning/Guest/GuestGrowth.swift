import Basics

extension Machine {
    /// Lets the guest use all of a disk that has become larger while it ran: its last partition, where it has any, and the file
    /// system on that.
    ///
    /// - Parameter serial: the disk's serial number.
    /// - Returns: the reason why it does not use it yet; `nil` where it does, or has no file system that limiq knows there.
    func growFileSystem(onDisk serial: String, cancellation: Cancellation) -> String? {
        let program = "serial=\(GuestSSH.line([serial]))\n\(findDiskProgram)\n\(growProgram)"
        do throws(Failure) {
            let result = try exec(
                asRoot(program), timeout: .seconds(300), check: false, cancellation: cancellation)
            guard result.code != 0 else { return nil }
            return String(decoding: (result.stdout + result.stderr).suffix(300), as: UTF8.self).trimmed()
                .replacing("\n", with: ", ")
        } catch { return error.message }
    }
}

/// The shell's program that lets a guest use all of a disk.
private let growProgram = #"""
    # A partition can grow where nothing comes after it.
    last=0 part=
    for folder in /sys/block/"$disk"/*/partition; do
        [ -e "$folder" ] || continue
        folder=${folder%/partition}
        start=$(cat "$folder/start")
        [ "$start" -ge "$last" ] && last=$start part=${folder##*/}
    done
    device=/dev/$disk
    if [ -n "$part" ]; then
        command -v growpart >/dev/null || { echo 'growpart is not there: cloud-guest-utils, or cloud-utils-growpart, has it'; exit 1; }
        said=$(growpart "/dev/$disk" "$(cat "/sys/class/block/$part/partition")" 2>&1)
        case $? in
        # It is as large as can be.
        0 | 1) ;;
        *) echo "$said"; exit 1 ;;
        esac
        device=/dev/$part
    fi
    case $(blkid -p -o value -s TYPE "$device") in
    ext?) resize2fs "$device" 2>&1 ;;
    xfs) xfs_growfs "$(findmnt -n -o TARGET "$device" | head -n 1)" 2>&1 ;;
    btrfs) btrfs filesystem resize max "$(findmnt -n -o TARGET "$device" | head -n 1)" 2>&1 ;;
    esac
    """#
