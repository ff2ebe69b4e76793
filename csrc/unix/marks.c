/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE 1 /* st_mtim; macOS shows its own name for it where nothing is defined */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../wsgireload.h"

static unsigned long long mix(unsigned long long all, unsigned long long one)
{
    all = (all ^ one) * 0x9E3779B97F4A7C15;
    return all ^ all >> 29;
}

static unsigned long long moment(unsigned long long all, const struct timespec *time)
{
    return mix(mix(all, (unsigned long long)time->tv_sec), (unsigned long long)time->tv_nsec);
}

static unsigned long long mark(const char *path)
{
    struct stat file;
    unsigned long long all;

    if (stat(path, &file) != 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : 1;
    all = mix((unsigned long long)file.st_size, (unsigned long long)file.st_ino);
    all = mix(mix(all, (unsigned long long)file.st_dev), file.st_mode & S_IFMT);
    all = moment(moment(all, &file.st_mtim), &file.st_ctim);
    return all > 1 ? all : all + 2;
}

void wsgireload_marks(const char *paths, int count, unsigned long long *marks)
{
    for (; count > 0; count--, paths += strlen(paths) + 1)
        *marks++ = mark(paths);
}
