/* SPDX-License-Identifier: MIT
 *
 * Drives the core with random and odd calls from several threads at once; sanitizers look on.
 * driver FOLDER SEED CALLS THREADS
 */
#define _GNU_SOURCE 1

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../csrc/find.h"
#include "../../csrc/latch.h"
#include "../../csrc/wsgireload.h"

#include "../../csrc/hub/hub.h"

enum { SLOTS = 70, THREADS = 16, LONG = 5000 }; /* more watchers than a process may have */

static _Atomic long long watchers[SLOTS];
static const char *folder;
static int calls;

typedef struct {
    unsigned long long state;
    pthread_t thread;
} worker;

static unsigned below(worker *self, unsigned limit)
{
    self->state = self->state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(self->state >> 33) % limit;
}

/* Mostly a watcher that is there; or one that was, or never will be. */
static long long some_watcher(worker *self)
{
    static const long long odd[] = {0, -1, 1, 64, 1LL << 62, -(1LL << 62)};

    if (below(self, 20) == 0)
        return odd[below(self, sizeof odd / sizeof *odd)];
    return watchers[below(self, SLOTS)];
}

/* On the heap, and of exactly its length: a byte too far is seen. The caller frees it. */
static char *some_text(worker *self)
{
    unsigned length = below(self, 8) == 0 ? below(self, LONG) : below(self, 12), i;
    char *text = malloc(length + 1);

    for (i = 0; i < length; i++)
        text[i] = (char)(1 + below(self, 255));
    text[length] = '\0';
    return text;
}

static char *some_path(worker *self)
{
    static const char *const known[] = {"",    "/d0",   "/d1",    "/d2",      "/d2/in", "/link",
                                        "/f0", "/loop", "/d0/no", "/f1/x/..", "/./d0/", "/dangling"};
    char *path = NULL;

    if (below(self, 6) == 0)
        return some_text(self);
    if (asprintf(&path, "%s%s", folder, known[below(self, sizeof known / sizeof *known)]) < 0)
        abort();
    return path;
}

/* Something happens in the folder. */
static void stir(worker *self)
{
    char *path = some_path(self), *other = some_path(self);
    int file, inside = strncmp(path, folder, strlen(folder)) == 0
                       && strncmp(other, folder, strlen(folder)) == 0;

    switch (inside ? below(self, 6) : 6) {
    case 0:
        mkdir(path, 0700);
        break;
    case 1:
        rmdir(path);
        break;
    case 2:
        unlink(path);
        break;
    case 3:
        rename(path, other);
        break;
    case 4:
        if (symlink(other, path) != 0)
            break; /* it was there */
        break;
    case 5:
        file = open(path, O_WRONLY | O_CREAT | O_NONBLOCK, 0600);
        if (file >= 0)
            close(file);
        break;
    default:
        break;
    }
    free(path);
    free(other);
}

static void begin_or_end(int slot, int begin)
{
    wsgireload_outcome outcome;
    long long before = begin ? wsgireload_watch_begin(&outcome) : 0;

    before = atomic_exchange(&watchers[slot], before);
    if (before > 0)
        wsgireload_watch_end(before);
}

/* Now and then there are as many as there can be, or none: with the last one the hub is closed. */
static void begin_and_end(worker *self)
{
    unsigned what = below(self, 40);
    int slot;

    if (what > 3)
        begin_or_end((int)below(self, SLOTS), what % 4 != 0);
    for (slot = 0; what <= 3 && slot < SLOTS; slot++)
        begin_or_end(slot, what == 0);
}

static void watch(worker *self)
{
    wsgireload_outcome outcome;
    char *path = some_path(self);
    int number = wsgireload_watch_directory(some_watcher(self), path, (int)below(self, 6) - 1,
                                            (int)below(self, 2), &outcome);

    if ((number >= 0) != (outcome.status == WSGIRELOAD_OK))
        abort();
    free(path);
}

static void name_or_forget(worker *self)
{
    char *text = some_text(self);
    int number = (int)below(self, 400) - 5, i;

    for (i = 0; i < 10; i++)
        wsgireload_watch_name(some_watcher(self), number + i, text);
    if (below(self, 3) == 0)
        wsgireload_watch_forget(some_watcher(self), number);
    free(text);
}

static void await(worker *self)
{
    int room = (int)below(self, 5), count;
    wsgireload_change *changes = malloc((size_t)room * sizeof *changes);
    wsgireload_outcome outcome;

    count = wsgireload_watch_wait(some_watcher(self), below(self, 3), changes, room, &outcome);
    if (count > room || (count < 0) != (outcome.status != WSGIRELOAD_OK))
        abort();
    free(changes);
}

static void mark(worker *self)
{
    unsigned long long *marks;
    int count = (int)below(self, 5), i;
    size_t length = 0, more;
    char *paths = malloc(1), *path;

    for (i = 0; i < count; i++, length += more, free(path)) {
        path = some_path(self);
        more = strlen(path) + 1;
        paths = realloc(paths, length + more);
        memcpy(paths + length, path, more);
    }
    marks = malloc(((size_t)count + 1) * sizeof *marks);
    wsgireload_marks(paths, count, marks);
    free(marks);
    free(paths);
}

static void ask(worker *self)
{
    wsgireload_outcome outcome;
    wsgireload_server server;
    char *path = some_path(self);

    wsgireload_restart(&outcome);
    if (below(self, 2) == 0)
        wsgireload_rearm();
    wsgireload_probe(&server);
    wsgireload_trusted(path, (int)below(self, 2), &outcome);
    wsgireload_find(path, below(self, 99));
    wsgireload_linger(below(self, 3), &outcome);
    wsgireload_open((const unsigned short *)L"", &outcome);
    if (wsgireload_command_line() != NULL || wsgireload_latch_close() == 2)
        abort();
    free(path);
}

static void *work(void *argument)
{
    worker *self = argument;
    int i;

    for (i = 0; i < calls; i++)
        switch (below(self, 12)) {
        case 0:
            begin_and_end(self);
            break;
        case 1:
        case 2:
        case 3:
            watch(self);
            break;
        case 4:
        case 5:
            name_or_forget(self);
            break;
        case 6:
            await(self);
            break;
        case 7:
            wsgireload_watch_wake(some_watcher(self));
            break;
        case 8:
            mark(self);
            break;
        case 9:
            ask(self);
            break;
        default:
            stir(self);
        }
    return NULL;
}

/* A thousand files, and then some, in one go: events get lost, or at least overrun the ring. */
static void flood(void)
{
    char *path = NULL;
    int i, file;

    for (i = 0; i < 600; i++) {
        if (asprintf(&path, "%s/d0/file%d", folder, i) < 0)
            abort();
        file = open(path, O_WRONLY | O_CREAT, 0600);
        if (file >= 0)
            close(file);
        unlink(path);
        free(path);
    }
}

/* With all watchers ended: no thread of ours, and no file. */
static int left(const char *of)
{
    DIR *open = opendir(of);
    int count = 0;

    while (open != NULL && readdir(open) != NULL)
        count++;
    closedir(open);
    return count;
}

int main(int count, char **arguments)
{
    static worker workers[THREADS];
    int threads, i, files = left("/proc/self/fd");

    if (count != 5 || atoi(arguments[4]) > THREADS)
        return 2;
    folder = arguments[1];
    calls = atoi(arguments[3]);
    threads = atoi(arguments[4]);
    signal(SIGINT, SIG_IGN); /* it is how a restart is asked for */
    for (i = 0; i < threads; i++) {
        workers[i].state = strtoull(arguments[2], NULL, 10) * 31 + (unsigned)i;
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    flood();
    for (i = 0; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    for (i = 0; i < SLOTS; i++)
        wsgireload_watch_end(watchers[i]);
    printf("%d calls\n", calls * threads);
    return left("/proc/self/fd") == files ? 0 : 3;
}
