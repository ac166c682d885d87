import Basics

/// The program that makes a guest ready to be saved: nobody is connected, nothing of its is on the network, and what each
/// machine that goes on from here will run has been read before.
let quietProgram = #"""
    exec 2>&1
    mkdir -p /run/limiq
    # Who configures the network is ended, and begins anew in each machine: with its own machine-id and its own leases.
    : >/run/limiq/services
    for service in systemd-networkd NetworkManager networking wicked; do
        systemctl -q is-active $service && echo $service >>/run/limiq/services
    done
    pkill -f '^sshd: .*@'
    systemctl stop systemd-networkd.socket $(cat /run/limiq/services) >/dev/null 2>&1
    # No two machines go on with one connection: whoever holds one learns that it has ended.
    ss -tK '( not src 127.0.0.0/8 and not src [::1] )' >/dev/null 2>&1
    for device in /sys/class/net/*/device; do
        name=${device%/device}
        name=${name##*/}
        ip addr flush dev "$name"
        ip link set dev "$name" down
    done
    rm -rf /var/lib/dhcp/* /var/lib/dhclient/* /var/lib/NetworkManager/*lease* /run/systemd/netif/leases/*
    if perl -e 1; then reseed=perl; elif python3 -c 1; then reseed=python3; else
        echo 'neither perl nor python3 is there to seed its random numbers anew'
        exit 1
    fi
    echo $reseed >/run/limiq/reseed
    date >/dev/null
    sed p /dev/null
    head -c 16 /dev/urandom | od >/dev/null
    pkill -0 -x nobody-is-called-so
    systemctl is-active --quiet nothing
    cat $(command -v ip systemctl mount sed date pkill chmod mv ln $reseed) >/dev/null
    cat /lib/systemd/systemd-networkd /lib/systemd/systemd-journald >/dev/null 2>&1
    sync
    fstrim -a
    sync
    exit 0
    """#

/// The identity of a machine that goes on from a warm one.
struct WarmIdentity {
    var hostname: String
    /// 32 hexadecimal digits, as machine-id(5).
    var machineID: String
    /// The boot's, a UUID.
    var bootID: String
    /// Random bytes as hexadecimal digits.
    var seed: String
    /// The time, in seconds since 1970, with a fraction.
    var time = ""
    var hostKey: HostKey
    /// The addresses of the nics: what each is, and what it becomes.
    var addresses: [(old: String, new: String)]
    /// The addresses that the machine has for life on its networks: what each is, and what it becomes.
    var fixedAddresses: [(old: String, new: String)]
    /// The cloud-init instance the machine becomes.
    var instance: String?
    /// Whether its cloud-init is another than that of the warm machine, and runs.
    var runsCloudInit: Bool

    /// The program that gives it to the guest. It holds a private key, and is given to a shell by its standard input.
    var program: String {
        var lines = ["exec 2>&1"]
        for (name, value) in [
            ("time", time), ("seed", seed), ("machine_id", machineID), ("boot_id", bootID),
            ("host", hostname),
            ("instance", instance ?? ""), ("runs", runsCloudInit ? "yes" : ""),
        ] {
            lines.append("\(name)=\(GuestSSH.line([value]))")
        }
        for (name, pairs) in [("nics", addresses), ("fixed", fixedAddresses)] {
            let text = pairs.map { "\($0.old) \($0.new)" }.joined(separator: "\n")
            lines.append("\(name)=\(GuestSSH.line([text]))")
        }
        lines.append("public_key=\(GuestSSH.line([hostKey.publicLine]))")
        lines.append("private_key=\(GuestSSH.line([hostKey.privateText]))")
        lines.append(Self.body)
        return lines.joined(separator: "\n")
    }

    private static let body = #"""
        date -u -s "@$time" >/dev/null
        # From here on its random numbers are its own: the kernel takes the seed in, and at once (RNDRESEEDCRNG).
        printf %s "$seed" >/dev/urandom
        case $(cat /run/limiq/reseed) in
        perl) perl -e 'open(R, ">", "/dev/urandom") && ioctl(R, 0x5207, 0) or exit 1' ;;
        *) python3 -c 'import fcntl; fcntl.ioctl(open("/dev/urandom", "wb"), 0x5207)' ;;
        esac || { echo 'its random numbers cannot be seeded anew'; exit 1; }
        head -c 512 /dev/urandom >/var/lib/systemd/random-seed

        echo "$machine_id" >/etc/machine-id
        [ -L /var/lib/dbus/machine-id ] || [ ! -e /var/lib/dbus/machine-id ] || cp /etc/machine-id /var/lib/dbus/machine-id
        echo "$boot_id" >/run/limiq/boot-id
        mount --bind /run/limiq/boot-id /proc/sys/kernel/random/boot_id
        old_host=$(cat /proc/sys/kernel/hostname)
        echo "$host" >/proc/sys/kernel/hostname
        echo "$host" >/etc/hostname
        sed -i "s/\b$old_host\b/$host/g" /etc/hosts

        rm -f /etc/ssh/ssh_host_*
        (umask 077; printf '%s' "$private_key" >/etc/ssh/ssh_host_ed25519_key)
        echo "$public_key" >/etc/ssh/ssh_host_ed25519_key.pub
        chmod 644 /etc/ssh/ssh_host_ed25519_key.pub

        # The network's documents know the nics by their addresses, and those of a network of limiq's say its own. What of them
        # is in /run was made at the boot, and names the nics as they were then.
        renamed() {
            pattern="\b$(printf %s "$1" | sed 's/\./\\./g')\b"
            new=$2
            shift 2
            files=$(grep -ril "$pattern" "$@" 2>/dev/null)
            [ -z "$files" ] || sed -i "s/$pattern/$new/gI" $files
        }
        documents='/etc/netplan /etc/network /etc/systemd/network /etc/sysconfig /etc/NetworkManager /etc/udev/rules.d'
        printf '%s\n' "$nics" | while read -r old new; do
            [ -n "$new" ] || continue
            renamed "$old" "$new" $documents
            for nic in /sys/class/net/*/address; do
                [ "$(cat "$nic")" = "$old" ] || continue
                nic=${nic%/address}
                ip link set dev "${nic##*/}" address "$new"
            done
        done
        printf '%s\n' "$fixed" | while read -r old new; do
            [ -z "$new" ] || renamed "$old" "$new" $documents /run/systemd/network /run/NetworkManager
        done

        cloud=/var/lib/cloud
        if [ -n "$runs" ]; then
            # As on a first boot, but for the host keys, which it has.
            mkdir -p /etc/cloud/cloud.cfg.d
            printf 'ssh_deletekeys: false\nssh_genkeytypes: [ed25519]\n' >/etc/cloud/cloud.cfg.d/95_warm.cfg
            rm -rf $cloud/* /run/cloud-init/*.json /run/cloud-init/.instance-id
        elif [ -n "$instance" ] && [ -e $cloud/data/instance-id ]; then
            # It is the instance its seed names, and has run for it: the next boot does not take it for another.
            was=$(cat $cloud/data/instance-id)
            mv "$cloud/instances/$was" "$cloud/instances/$instance"
            ln -sfn "$cloud/instances/$instance" $cloud/instance
            echo "$instance" | tee $cloud/data/instance-id >$cloud/data/previous-instance-id
            echo "$instance" >/run/cloud-init/.instance-id
        fi

        pkill -HUP -o -x sshd
        systemctl --no-block start $(cat /run/limiq/services)
        if [ -n "$runs" ]; then
            # One after the other: what orders them at boot are targets, and those are reached already.
            stages='cloud-init-local cloud-init cloud-config cloud-final'
            systemctl stop $stages
            setsid sh -c 'for stage; do systemctl start $stage; done' - $stages </dev/null >/dev/null 2>&1 &
        fi
        systemctl --no-block restart systemd-journald
        exit 0
        """#
}
