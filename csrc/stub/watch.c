/* SPDX-License-Identifier: MIT
 *
 * In place of watcher.c where no events are known: on macOS and others.
 */
#include "../internal.h"

wsgireload_watcher *wsgireload_watch_begin(wsgireload_outcome *out)
{
    core_unsupported(out, __func__);
    return NULL;
}

int wsgireload_watch_directory(wsgireload_watcher *watcher, const void *path, int interest,
                               wsgireload_outcome *out)
{
    (void)watcher, (void)path, (void)interest;
    return core_unsupported(out, __func__);
}

void wsgireload_watch_name(wsgireload_watcher *watcher, int directory, const void *name)
{
    (void)watcher, (void)directory, (void)name;
}

void wsgireload_watch_forget(wsgireload_watcher *watcher, int directory)
{
    (void)watcher, (void)directory;
}

int wsgireload_watch_wait(wsgireload_watcher *watcher, double seconds, wsgireload_change *changes,
                          int room, wsgireload_outcome *out)
{
    (void)watcher, (void)seconds, (void)changes, (void)room;
    return core_unsupported(out, __func__);
}

void wsgireload_watch_wake(wsgireload_watcher *watcher)
{
    (void)watcher;
}

void wsgireload_watch_end(wsgireload_watcher *watcher)
{
    (void)watcher;
}

void wsgireload_watch_free(wsgireload_watcher *watcher)
{
    (void)watcher;
}

long long wsgireload_file_system(const void *path, wsgireload_outcome *out)
{
    (void)path;
    return core_unsupported(out, __func__);
}
