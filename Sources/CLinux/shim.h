#pragma once
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

// What Swift's own Glibc module lacks: it is compiled without _GNU_SOURCE, and cannot call variadic functions.

/// Renames unless `to` exists (errno EEXIST). EINVAL where the filesystem cannot promise that.
static inline int limiq_rename_noreplace(const char *from, const char *to) {
    return (int)syscall(SYS_renameat2, -100 /* AT_FDCWD */, from, -100, to, 1 /* RENAME_NOREPLACE */);
}
