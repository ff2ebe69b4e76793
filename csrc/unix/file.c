/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE 1 /* st_mtim; macOS shows its own name for it where nothing is defined */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../internal.h"

/* On UNIX an open file does not keep others from anything. */
long long wsgireload_open(const unsigned short *path, wsgireload_outcome *out)
{
    (void)path;
    return core_unsupported(out, __func__);
}

static unsigned long long mark(const char *path)
{
    unsigned long long found[8];
    struct stat file;

    if (stat(path, &file) != 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : 1;
    found[0] = (unsigned long long)file.st_size;
    found[1] = (unsigned long long)file.st_ino;
    found[2] = (unsigned long long)file.st_dev;
    found[3] = file.st_mode & S_IFMT;
    found[4] = (unsigned long long)file.st_mtim.tv_sec;
    found[5] = (unsigned long long)file.st_mtim.tv_nsec;
    found[6] = (unsigned long long)file.st_ctim.tv_sec;
    found[7] = (unsigned long long)file.st_ctim.tv_nsec;
    return core_mark(found, sizeof found);
}

void wsgireload_marks(const char *paths, int count, unsigned long long *marks)
{
    for (; count > 0; count--, paths += strlen(paths) + 1)
        *marks++ = mark(paths);
}
