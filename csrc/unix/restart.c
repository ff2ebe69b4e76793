/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1 /* dladdr, which glibc hides without it */

#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "../internal.h"

/* The pid that closed the latch, or 0. A pid and not a flag: a forked child inherits the value, and
 * its parent's latch must not count for it. The name ends in the version of this meaning: copies of
 * different releases share the latch as long as they agree on it. */
atomic_int wsgireload_latch_v1;

/* Returns the latch of the process. Two venvs in one process bring two copies of this library, each
 * with a variable of its own, in scopes that do not see each other. So a copy that finds no latch
 * in the global scope moves itself there, and all use the one that the global scope returns: of
 * several, always the same. The dynamic loader's lock decides between two copies at once. */
static atomic_int *latch(void)
{
    const char *name = "wsgireload_latch_v1";
    void *global = dlopen(NULL, RTLD_LAZY); /* RTLD_DEFAULT would see this copy's own scope too */
    atomic_int *shared = dlsym(global, name);
    Dl_info own;

    if (shared == NULL && dladdr(&wsgireload_latch_v1, &own) != 0
        && dlopen(own.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_GLOBAL) != NULL)
        shared = dlsym(global, name);
    /* A loader that opens the file again fails once the file is replaced, as by an upgrade. Then
     * this copy's own latch still holds for every interpreter that shares the copy. */
    return shared != NULL ? shared : &wsgireload_latch_v1;
}

/* Returns 1 to the first caller, and 0 to all others until wsgireload_rearm. */
static int close_latch(void)
{
    int self = (int)getpid();

    return atomic_exchange(latch(), self) != self;
}

/* Unblocks a signal in this thread. Returns whether it did, with the mask before. */
static int unblock(int number, sigset_t *before)
{
    sigset_t signals;

    return sigemptyset(&signals) == 0 && sigaddset(&signals, number) == 0
           && pthread_sigmask(SIG_UNBLOCK, &signals, before) == 0;
}

/* On SIGINT or SIGTERM a mod_wsgi daemon process finishes its requests and exits, and Apache's
 * parent process starts another in its place. */
void wsgireload_restart(int signal, wsgireload_outcome *out)
{
    int number = signal == WSGIRELOAD_SIGTERM ? SIGTERM : SIGINT, unblocked;
    sigset_t before;

    if (!close_latch()) {
        core_outcome(out, WSGIRELOAD_ALREADY_REQUESTED, "", "");
        return;
    }
    /* Where every other thread blocks the signal, this one receives it. */
    unblocked = unblock(number, &before);
    if (kill(getpid(), number) == 0) {
        core_outcome(out, WSGIRELOAD_REQUESTED, "kill", "");
    } else {
        core_failed(out, "kill");
        wsgireload_rearm();
    }
    if (unblocked)
        pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Returns whether mod_wsgi does not handle a signal. It has one handler for all of its signals, and
 * other code seldom takes these two. */
static int is_taken(int number)
{
    const int others[] = {SIGXCPU, SIGUSR1};
    struct sigaction found, other;
    size_t i;

    if (sigaction(number, NULL, &found) != 0 || found.sa_handler == SIG_DFL
        || found.sa_handler == SIG_IGN)
        return 1;
    for (i = 0; i < sizeof others / sizeof *others; i++)
        if (sigaction(others[i], NULL, &other) == 0 && other.sa_handler == found.sa_handler)
            return 0;
    return 1;
}

int wsgireload_taken(void)
{
    sigset_t before;
    int taken = is_taken(SIGINT) || !unblock(SIGINT, &before) ? WSGIRELOAD_SIGINT : 0;

    return is_taken(SIGTERM) ? taken | WSGIRELOAD_SIGTERM : taken;
}

void wsgireload_rearm(void)
{
    atomic_store(latch(), 0);
}
