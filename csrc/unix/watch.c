/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1 /* pthread_setname_np */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../wsgireload.h"

#include "../failure.h"
#include "../hub/hub.h"
#include "../hub/names.h"

/* What happens to a directory itself, and to what is in it. */
#define ITSELF (IN_MOVE_SELF | IN_DELETE_SELF)
#define COMINGS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
#define INSIDE (COMINGS | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB)

struct wsgireload_events {
    wsgireload_hub *hub;
    int inotify;
    int bell; /* an eventfd that ends the thread */
    pthread_t thread;
    _Alignas(struct inotify_event) char buffer[65536];
};

static void take(wsgireload_events *events, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW) {
        wsgireload_hub_lost(events->hub);
    } else if (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_UNMOUNT)) {
        wsgireload_hub_gone(events->hub, event->wd);
    } else if (event->mask & IN_MOVE_SELF) { /* it is still watched, but under another path */
        wsgireload_events_remove(events, event->wd);
        wsgireload_hub_gone(events->hub, event->wd);
    } else {
        wsgireload_hub_changed(events->hub, event->wd, event->len > 0 ? event->name : "",
                               event->len == 0);
    }
}

static void take_all(wsgireload_events *events, ssize_t length)
{
    const struct inotify_event *event;
    ssize_t at;

    wsgireload_lock();
    for (at = 0; at < length; at += (ssize_t)(sizeof *event + event->len)) {
        event = (const void *)(events->buffer + at);
        take(events, event);
    }
    wsgireload_unlock();
}

/* 1: the call did what it should, or can be made again. */
static int went_well(wsgireload_events *events, const char *call, ssize_t result)
{
    if (result == 0) /* never of inotify: somebody closed it, and the number is another file's */
        errno = EBADF;
    if (result > 0 || errno == EINTR || errno == EAGAIN)
        return 1;
    wsgireload_lock();
    wsgireload_hub_broken(events->hub, call);
    wsgireload_unlock();
    return 0;
}

static void *run(void *argument)
{
    wsgireload_events *events = argument;
    struct pollfd files[] = {{events->inotify, POLLIN, 0}, {events->bell, POLLIN, 0}};
    ssize_t length;

    while (went_well(events, "poll", poll(files, 2, -1)) && files[1].revents == 0) {
        length = read(events->inotify, events->buffer, sizeof events->buffer);
        if (!went_well(events, "read", length))
            break;
        take_all(events, length);
    }
    return NULL;
}

/* Signals that come to the process are for those threads of it that handle them. */
static int start_thread(wsgireload_events *events, wsgireload_outcome *out)
{
    sigset_t all, before;
    int code;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    code = pthread_create(&events->thread, NULL, run, events);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == 0) {
        pthread_setname_np(events->thread, "wsgireload"); /* for people: top -H shows it */
        return 1;
    }
    errno = code;
    wsgireload_failed(out, "pthread_create");
    return 0;
}

static int start(wsgireload_events *events, wsgireload_outcome *out)
{
    events->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (events->inotify < 0) {
        wsgireload_failed(out, "inotify_init1");
        if (out->code == EMFILE)
            snprintf(out->message, sizeof out->message,
                     "this user has no inotify instance left (fs.inotify.max_user_instances), or "
                     "this process no file descriptor");
        return 0;
    }
    events->bell = eventfd(0, EFD_CLOEXEC);
    if (events->bell < 0) {
        wsgireload_failed(out, "eventfd");
        return 0;
    }
    return start_thread(events, out);
}

wsgireload_events *wsgireload_events_open(wsgireload_hub *hub, wsgireload_outcome *out)
{
    wsgireload_events *events = calloc(1, sizeof *events);

    if (events == NULL) {
        wsgireload_failed(out, "calloc");
        return NULL;
    }
    events->hub = hub;
    events->inotify = events->bell = -1;
    if (!start(events, out)) {
        wsgireload_events_free(events);
        return NULL;
    }
    return events;
}

static int is_link(const char *path)
{
    struct stat file;

    return lstat(path, &file) == 0 && S_ISLNK(file.st_mode);
}

int wsgireload_events_add(wsgireload_events *events, const char *path, int interest,
                          wsgireload_outcome *out)
{
    uint32_t mask = IN_MASK_ADD | ITSELF;
    int number;

    if (interest != WSGIRELOAD_ITSELF)
        mask |= IN_ONLYDIR | INSIDE;
    else if (is_link(path))
        mask |= IN_DONT_FOLLOW | IN_ATTRIB; /* another in its place takes a name from it */
    else
        mask |= IN_ONLYDIR | COMINGS;
    number = inotify_add_watch(events->inotify, path, mask);
    if (number < 0) {
        wsgireload_failed(out, "inotify_add_watch");
        if (out->code == ENOSPC)
            snprintf(out->message, sizeof out->message,
                     "this user has no inotify watch left (fs.inotify.max_user_watches)");
    }
    return number;
}

void wsgireload_events_remove(wsgireload_events *events, int number)
{
    inotify_rm_watch(events->inotify, number); /* fails where it went by itself */
}

void wsgireload_events_stop(wsgireload_events *events)
{
    eventfd_write(events->bell, 1);
    pthread_join(events->thread, NULL);
}

void wsgireload_events_free(wsgireload_events *events)
{
    if (events->bell >= 0)
        close(events->bell);
    if (events->inotify >= 0)
        close(events->inotify);
    free(events);
}

unsigned long long wsgireload_events_hash(const char *name)
{
    return wsgireload_names_hash(name, strlen(name));
}
