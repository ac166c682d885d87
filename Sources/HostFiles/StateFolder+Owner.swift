import Basics
import Glibc

extension StateFolder {
    /// Refuses a state folder that another account owns or can write to, as ssh does with its own: what lies there says
    /// which disks and domains are removed, and what a guest is given.
    ///
    /// A group may write where it is the account's primary one, as on systems where each account has a group of its own.
    /// What is not there yet is made as it must be.
    ///
    /// - Throws: `Failure` with code `host_not_able` that names the folder.
    public func requireOwn() throws(Failure) {
        for folder in [root, machines, cloudImages, isos, runs, root + "/ssh", root + "/libvirt"] {
            var status = stat()
            guard stat(folder, &status) == 0 else { continue }
            guard status.st_uid == geteuid() else {
                throw Failure(
                    .hostNotAble,
                    "the state folder \(folder) belongs to \(Accounts.user(status.st_uid, status.st_gid).name), "
                        + "and limiq runs as \(Accounts.user(geteuid(), getegid()).name)",
                    hint: "run limiq as that account, or set LIMIQ_HOME to a folder of your own",
                    resource: folder)
            }
            let isOpenToGroup = status.st_mode & S_IWGRP != 0 && status.st_gid != getegid()
            guard status.st_mode & S_IWOTH == 0, !isOpenToGroup else {
                throw Failure(
                    .hostNotAble, "the state folder \(folder) can be written by other accounts",
                    hint: "chmod go-w \(folder)", resource: folder)
            }
        }
        try requireFirmPlace()
    }

    /// Refuses a place below a folder that all can write to: they can put another folder there, unless theirs is sticky, as
    /// `/tmp`.
    private func requireFirmPlace() throws(Failure) {
        for folder in parents(of: (try? resolved(root)) ?? root) {
            var status = stat()
            guard stat(folder, &status) == 0 else { continue }
            guard status.st_mode & S_IWOTH == 0 || status.st_mode & S_ISVTX != 0 else {
                throw Failure(
                    .hostNotAble, "the state folder \(root) is below \(folder), where all accounts can write",
                    hint: "chmod o-w \(folder), or set LIMIQ_HOME to a folder of your own", resource: folder)
            }
        }
    }
}
