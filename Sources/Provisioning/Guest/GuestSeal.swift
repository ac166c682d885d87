/// The networks that cloud-init has written.
private let forgetNetworks = #"""
    rm -f /etc/netplan/50-cloud-init.yaml /etc/network/interfaces.d/50-cloud-init* \
        /etc/sysconfig/network-scripts/ifcfg-eth* /etc/sysconfig/network-scripts/ifcfg-en* \
        /etc/sysconfig/network/ifcfg-eth* /etc/systemd/network/*-cloud-init-*.network \
        /etc/NetworkManager/system-connections/cloud-init-*.nmconnection \
        /etc/udev/rules.d/70-persistent-net.rules /etc/udev/rules.d/85-persistent-net-cloud-init.rules
    """#

/// What makes the guest this machine and no other. Empty, the machine-id is another at the next boot, which systemd does not
/// take for the very first.
private let forgetWhoItIs = #"""
    [ ! -e /etc/machine-id ] || : >/etc/machine-id
    [ -L /var/lib/dbus/machine-id ] || rm -f /var/lib/dbus/machine-id
    rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
    rm -f /var/lib/systemd/random-seed /var/lib/urandom/random-seed /var/lib/random-seed /var/lib/seedrng/*
    rm -f /var/lib/systemd/credential.secret /var/lib/NetworkManager/secret_key
    rm -rf /var/lib/dhcp/* /var/lib/dhclient/* /var/lib/dhcpcd/* /var/lib/NetworkManager/*lease* \
        /var/lib/NetworkManager/internal-* /var/lib/systemd/timesync/clock /run/systemd/netif/leases/*
    """#

/// The end of a sealed guest.
private let closeFileSystems = #"""
    sync
    fstrim -a
    sync
    # From here on nothing is written any more, and the power may be cut: every file system is closed, read only.
    echo u >/proc/sysrq-trigger || exit 1
    sleep 1
    """#

/// The program that makes an image of a guest's disk: it takes out what makes the guest this machine and no other, and
/// what its making has left behind. What starts from the disk boots as for the first time.
///
/// What there is to take out is what virt-sysprep(1) and `cloud-init clean` know of, for Debian's, Red Hat's, SUSE's,
/// Arch's and Alpine's guests; what a guest does not have is passed over.
let sealProgram = #"""
    exec 2>&1
    # No unit writes its state as the guest ends: it is cut off when this is done. journald goes on in memory.
    journalctl --relinquish-var >/dev/null 2>&1

    # cloud-init's memory of having run, and the networks that it has written.
    rm -rf /var/lib/cloud/*
    \#(forgetNetworks)

    \#(forgetWhoItIs)
    [ ! -e /etc/hostname ] || echo localhost >/etc/hostname

    # What its packages were made of.
    if command -v apt-get >/dev/null; then
        apt-get clean
        rm -rf /var/lib/apt/lists/*
    fi
    for manager in dnf yum; do command -v $manager >/dev/null && $manager -q clean all; done
    command -v zypper >/dev/null && zypper -q clean --all
    command -v pacman >/dev/null && rm -rf /var/cache/pacman/pkg/*
    [ ! -d /var/cache/apk ] || rm -rf /var/cache/apk/*

    # What was said and done meanwhile.
    rm -rf /var/log/journal/* /var/crash/* /tmp/* /var/tmp/*
    find /var/log -type f -exec sh -c 'for f; do : >"$f"; done' - {} +
    rm -f /root/.bash_history /home/*/.bash_history /root/.ssh/known_hosts /home/*/.ssh/known_hosts

    \#(closeFileSystems)
    """#

/// The program that makes a guest ready to be another machine of the same data: who it is goes, what it holds and what was
/// done in it stays.
///
/// cloud-init takes the machine for a new instance, and writes its networks; what it does once an instance counts as done, but
/// for the host keys and the name.
func cloneProgram(hostname: String, instance: String) -> String {
    #"""
    exec 2>&1
    host=\#(GuestSSH.line([hostname]))
    instance=\#(GuestSSH.line([instance]))
    journalctl --relinquish-var >/dev/null 2>&1
    \#(forgetNetworks)
    \#(forgetWhoItIs)
    was=$(cat /proc/sys/kernel/hostname)
    [ ! -e /etc/hostname ] || echo "$host" >/etc/hostname
    sed -i "s/\b$was\b/$host/g" /etc/hosts
    cloud=/var/lib/cloud
    if [ -e $cloud/data/instance-id ]; then
        cp -a "$cloud/instances/$(cat $cloud/data/instance-id)" "$cloud/instances/$instance"
        for once in ssh set_hostname update_hostname; do rm -f "$cloud/instances/$instance/sem/config_$once"; done
    fi
    \#(closeFileSystems)
    """#
}

/// A shell's program run as root in the guest, whoever is asked: the agent is root, a user of ssh may become it.
func asRoot(_ program: String) -> [String] {
    [
        "sh", "-c", #"if [ "$(id -u)" = 0 ]; then exec sh -c "$0"; else exec sudo -n sh -c "$0"; fi"#,
        program,
    ]
}
