/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1 /* O_PATH */

#include <fcntl.h>
#include <stddef.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../internal.h"

/* File systems that other machines write to, which this machine's kernel does not notice. The
 * numbers are from linux/magic.h and the file systems' own sources. */
static const struct {
    unsigned magic;
    const char *kind;
} shared[] = {
    {0x00006969, "NFS"},
    {0x0000517B, "SMB"},
    {0xFF534D42, "SMB"},
    {0xFE534D42, "SMB"},
    {0x01021997, "9p (WSL, virtual machines)"},
    {0x65735546, "FUSE"},
    {0x786F4256, "vboxsf (VirtualBox)"},
    {0xBACBACBC, "vmhgfs (VMware)"},
    {0x7C7C6673, "prl_fs (Parallels)"},
    {0x00C36400, "Ceph"},
    {0x5346414F, "AFS"},
    {0x6B414653, "AFS"},
    {0x73757245, "Coda"},
    {0x0BD00BD0, "Lustre"},
    {0x0BD00BD3, "Lustre"},
    {0x47504653, "GPFS"},
    {0x0000564C, "NCP"},
    {0x7461636F, "OCFS2"},
    {0x01161970, "GFS2"},
    {0x19830326, "BeeGFS"},
};

static const char *kind_of(unsigned magic)
{
    size_t i;

    for (i = 0; i < sizeof shared / sizeof *shared; i++)
        if (shared[i].magic == magic)
            return shared[i].kind;
    return NULL;
}

int core_check_trust(const void *path, int itself, wsgireload_outcome *out)
{
    int file = open(path, O_PATH | O_CLOEXEC | (itself ? O_NOFOLLOW : 0)), known;
    const char *kind;
    struct statfs system;

    if (file < 0)
        return core_failed(out, "open");
    known = fstatfs(file, &system) == 0;
    if (!known)
        core_failed(out, "fstatfs");
    close(file);
    if (!known)
        return -1;
    kind = kind_of((unsigned)system.f_type);
    if (kind == NULL)
        return 0;
    return core_outcome(out, WSGIRELOAD_UNSUPPORTED, "wsgireload_watch_directory", kind);
}
