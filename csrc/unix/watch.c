/* SPDX-License-Identifier: MIT
 *
 * Linux: an inotify instance, and an eventfd to wake whoever waits for it.
 */
#define _GNU_SOURCE 1 /* ppoll */

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "../internal.h"

/* Events of a directory itself, of the names in it, and of its files. */
#define ITSELF (IN_MOVE_SELF | IN_DELETE_SELF)
#define ENTRIES (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
#define INSIDE (ENTRIES | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB)
#define SAVED (IN_CLOSE_WRITE | IN_MOVED_TO)

struct core_events {
    int inotify;
    int wake; /* an eventfd; open until nobody can wake us any more */
    unsigned long long saved; /* the last event ended a save of this file: see file_of */
    size_t next, length;      /* the part of the buffer that is yet to be reported */
    _Alignas(struct inotify_event) char buffer[65536];
};

/* As core_failed, with a message that names the limit if the error says that it is reached. */
static int failed_at_limit(wsgireload_outcome *out, const char *call, int code, const char *limit)
{
    core_failed(out, call);
    if (out->code == code)
        snprintf(out->message, sizeof out->message, "%s", limit);
    return -1;
}

core_events *core_events_open(wsgireload_outcome *out)
{
    core_events *events = core_new(sizeof *events, out);

    if (events == NULL)
        return NULL;
    events->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (events->inotify >= 0) {
        events->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (events->wake >= 0)
            return events;
        core_failed(out, "eventfd");
    } else {
        failed_at_limit(out, "inotify_init1", EMFILE,
                        "this user has no inotify instance left (fs.inotify.max_user_instances), "
                        "or this process no file descriptor");
    }
    core_events_close(events);
    free(events);
    return NULL;
}

static int is_link(const char *path)
{
    struct stat file;

    return lstat(path, &file) == 0 && S_ISLNK(file.st_mode);
}

int core_events_add(core_events *events, const void *path, int interest, wsgireload_outcome *out)
{
    uint32_t mask = IN_MASK_ADD | ITSELF;
    int id;

    if (interest != WSGIRELOAD_ITSELF)
        mask |= IN_ONLYDIR | INSIDE;
    else if (is_link(path))
        mask |= IN_DONT_FOLLOW | IN_ATTRIB; /* a link renamed over this one takes a name from it */
    else
        mask |= IN_ONLYDIR | ENTRIES;
    id = inotify_add_watch(events->inotify, path, mask);
    if (id < 0)
        return failed_at_limit(out, "inotify_add_watch", ENOSPC,
                               "this user has no inotify watch left (fs.inotify.max_user_watches)");
    return id;
}

void core_events_remove(core_events *events, int id)
{
    inotify_rm_watch(events->inotify, id); /* fails only if the kernel has removed it already */
}

static unsigned long long file_of(const struct inotify_event *event)
{
    return core_hash(event->name, event->len) ^ (unsigned)event->wd;
}

/* Many programs set the attributes of a file only after they have closed it. */
static int kind_of(core_events *events, const struct inotify_event *event)
{
    int saved = (event->mask & SAVED) != 0
                || (event->mask & IN_ATTRIB && events->saved == file_of(event));

    events->saved = saved ? file_of(event) : 0;
    if (saved)
        return WSGIRELOAD_SAVED;
    return event->mask & IN_MODIFY ? WSGIRELOAD_WRITTEN : WSGIRELOAD_CHANGED;
}

static void report(core_events *events, const struct inotify_event *event,
                   wsgireload_watcher *watcher)
{
    if (event->mask & IN_Q_OVERFLOW) {
        core_lost(watcher);
    } else if (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_UNMOUNT)) {
        core_gone(watcher, event->wd);
    } else if (event->mask & IN_MOVE_SELF) { /* the kernel still watches it, elsewhere */
        core_events_remove(events, event->wd);
        core_gone(watcher, event->wd);
    } else {
        core_changed(watcher, event->wd, kind_of(events, event), event->name,
                     event->len > 0 ? strlen(event->name) : 0, event->len == 0);
    }
}

/* Somebody closed our inotify instance, and another file has its number: it is left alone. */
static int not_ours(core_events *events, wsgireload_outcome *out)
{
    events->inotify = -1;
    errno = EBADF;
    return core_failed(out, "read");
}

/* Returns 1, or -1 and the outcome. */
static int fill_buffer(core_events *events, wsgireload_outcome *out)
{
    ssize_t length = read(events->inotify, events->buffer, sizeof events->buffer);

    events->next = 0;
    events->length = length > 0 ? (size_t)length : 0;
    if (length > 0 || (length < 0 && (errno == EINTR || errno == EAGAIN)))
        return 1;
    return length == 0 ? not_ours(events, out) : core_failed(out, "read");
}

/* NULL: what was read are no events of inotify. */
static const struct inotify_event *next_event(const core_events *events)
{
    const struct inotify_event *event = (const void *)(events->buffer + events->next);
    size_t left = events->length - events->next;

    return left >= sizeof *event && event->len <= left - sizeof *event ? event : NULL;
}

int core_events_wait(core_events *events, double seconds, wsgireload_watcher *watcher,
                     wsgireload_outcome *out)
{
    struct pollfd files[] = {{events->inotify, POLLIN, 0}, {events->wake, POLLIN, 0}};
    const struct inotify_event *event;
    struct timespec time = {(time_t)seconds, 0};
    eventfd_t wakes;

    if (events->next == events->length) {
        time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
        if (ppoll(files, 2, &time, NULL) < 0) /* poll would round up to a millisecond */
            return errno == EINTR ? 1 : core_failed(out, "ppoll");
        if ((files[0].revents & ~POLLIN) != 0) /* never from inotify */
            return not_ours(events, out);
        if (files[0].revents != 0 && fill_buffer(events, out) < 0)
            return -1;
    }
    while (events->next < events->length && core_has_room(watcher)) {
        event = next_event(events);
        if (event == NULL)
            return not_ours(events, out);
        report(events, event, watcher);
        events->next += sizeof *event + event->len;
    }
    if (files[1].revents == 0)
        return 1;
    return eventfd_read(events->wake, &wakes) == 0 ? 0 : core_failed(out, "read");
}

void core_events_wake(core_events *events)
{
    eventfd_write(events->wake, 1); /* fails only if a wake has not been taken for 2^64 others */
}

void core_events_close(core_events *events)
{
    if (events->inotify >= 0)
        close(events->inotify);
    events->inotify = -1;
}

void core_events_free(core_events *events)
{
    close(events->wake);
    free(events);
}

unsigned long long core_name_hash(const void *name)
{
    return core_hash(name, strlen(name));
}

double core_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail: Linux always has this clock */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

long long wsgireload_file_system(const void *path, wsgireload_outcome *out)
{
    struct statfs found;

    if (statfs(path, &found) != 0)
        return core_failed(out, "statfs");
    core_outcome(out, WSGIRELOAD_OK, "", "");
    return (unsigned)found.f_type;
}
