/* SPDX-License-Identifier: MIT
 *
 * Drives the core with random and odd calls from several threads at once, under sanitizers: each
 * thread uses its own watchers, as the header wants it, and wakes those of all.
 * driver FOLDER SEED CALLS THREADS
 */
#define _GNU_SOURCE 1

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../csrc/internal.h"

enum { SLOTS = 5, THREADS = 16, LONG = 5000 };

typedef struct {
    unsigned long long state;
    pthread_t thread;
    wsgireload_watcher *watchers[SLOTS]; /* NULL: none */
    pthread_mutex_t alive[SLOTS];        /* held to wake a watcher, and to free it */
} worker;

static worker workers[THREADS];
static const char *folder;
static int calls, threads;

static unsigned below(worker *self, unsigned limit)
{
    self->state = self->state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(self->state >> 33) % limit;
}

/* One of its own, which may have ended. */
static wsgireload_watcher *some_watcher(worker *self)
{
    return self->watchers[below(self, SLOTS)];
}

/* On the heap, and of exactly its length: a byte too far is found. The caller frees it. */
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

static void replace(worker *self, int slot, wsgireload_watcher *with)
{
    wsgireload_watcher *before = self->watchers[slot];

    pthread_mutex_lock(&self->alive[slot]);
    self->watchers[slot] = with;
    pthread_mutex_unlock(&self->alive[slot]);
    if (before != NULL)
        wsgireload_watch_free(before);
}

/* Ends a watcher, frees one, or frees one and begins another. */
static void begin_or_end(worker *self)
{
    int slot = (int)below(self, SLOTS), what = (int)below(self, 6);
    wsgireload_outcome outcome;
    wsgireload_watcher *begun = what > 1 ? wsgireload_watch_begin(&outcome) : NULL;

    if (what > 1 && (begun != NULL) != (outcome.status == WSGIRELOAD_OK))
        abort();
    if (what > 0)
        replace(self, slot, begun);
    else if (self->watchers[slot] != NULL)
        wsgireload_watch_end(self->watchers[slot]);
}

static void wake(worker *self)
{
    worker *other = &workers[below(self, (unsigned)threads)];
    unsigned slot = below(self, SLOTS);

    pthread_mutex_lock(&other->alive[slot]);
    if (other->watchers[slot] != NULL)
        wsgireload_watch_wake(other->watchers[slot]);
    pthread_mutex_unlock(&other->alive[slot]);
}

static void watch(worker *self)
{
    wsgireload_watcher *watcher = some_watcher(self);
    wsgireload_outcome outcome;
    char *path = some_path(self);
    int number = -1;

    memset(&outcome, 0xFF, sizeof outcome);
    if (watcher != NULL)
        number = wsgireload_watch_directory(watcher, path, (int)below(self, 6) - 1,
                                            &outcome);
    if ((number >= 0) != (outcome.status == WSGIRELOAD_OK))
        abort();
    free(path);
}

static void name_or_forget(worker *self)
{
    wsgireload_watcher *watcher = some_watcher(self);
    char *text = some_text(self);
    int number = (int)below(self, 40) - 5, i;

    for (i = 0; i < 10 && watcher != NULL; i++)
        wsgireload_watch_name(watcher, number + i, text);
    if (below(self, 3) == 0 && watcher != NULL)
        wsgireload_watch_forget(watcher, number);
    free(text);
}

static void await(worker *self)
{
    wsgireload_watcher *watcher = some_watcher(self);
    int room = (int)below(self, 5), count = -1;
    wsgireload_change *changes = malloc((size_t)room * sizeof *changes);
    wsgireload_outcome outcome;

    memset(&outcome, 0xFF, sizeof outcome);
    if (watcher != NULL)
        count = wsgireload_watch_wait(watcher, below(self, 3) / 1000.0, changes, room, &outcome);
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
    if (wsgireload_marks(paths, length, marks, count) != count)
        abort();
    free(marks);
    free(paths);
}

static void request(worker *self)
{
    wsgireload_outcome outcome;
    wsgireload_server server;
    char *path = some_path(self);

    wsgireload_restart((int)below(self, 4), &outcome);
    wsgireload_taken();
    if (below(self, 2) == 0)
        wsgireload_rearm();
    wsgireload_probe(&server);
    if ((wsgireload_file_system(path, &outcome) < 0) != (outcome.status != WSGIRELOAD_OK))
        abort();
    core_find(path, below(self, 99));
    wsgireload_linger(below(self, 3), &outcome);
    wsgireload_close_on_fork(1000 + (int)below(self, 200), (int)below(self, 2)); /* none is open */
    wsgireload_job(0, &outcome);
    wsgireload_end_job(0, 1);
    if (wsgireload_command_line() != NULL || wsgireload_process_start(1) != 1)
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
            begin_or_end(self);
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
            wake(self);
            break;
        case 8:
            mark(self);
            break;
        case 9:
            request(self);
            break;
        default:
            stir(self);
        }
    return NULL;
}

/* Many files in one go. */
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

/* How many entries a directory has. */
static int count_of(const char *of)
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
    int i, slot, files = count_of("/proc/self/fd");

    if (count != 5 || atoi(arguments[4]) > THREADS)
        return 2;
    folder = arguments[1];
    calls = atoi(arguments[3]);
    threads = atoi(arguments[4]);
    signal(SIGINT, SIG_IGN); /* a restart sends one of them */
    signal(SIGTERM, SIG_IGN);
    for (i = 0; i < threads; i++) {
        workers[i].state = strtoull(arguments[2], NULL, 10) * 31 + (unsigned)i;
        for (slot = 0; slot < SLOTS; slot++)
            pthread_mutex_init(&workers[i].alive[slot], NULL);
    }
    for (i = 0; i < threads; i++)
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    flood();
    for (i = 0; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    for (i = 0; i < threads; i++)
        for (slot = 0; slot < SLOTS; slot++)
            replace(&workers[i], slot, NULL);
    printf("%d calls\n", calls * threads);
    return count_of("/proc/self/fd") == files ? 0 : 3;
}
