/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE 1 /* st_mtim; macOS shows its own name for it where nothing is defined */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../internal.h"

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

int wsgireload_marks(const void *paths, unsigned long bytes, unsigned long long *marks, int room)
{
    const char *next = paths, *end = next + bytes;
    int count = 0;

    for (; next < end; count++, next += strlen(next) + 1)
        if (count < room)
            marks[count] = mark(next);
    return count;
}
