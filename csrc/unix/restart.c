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

/* On SIGINT a mod_wsgi daemon process finishes its requests and exits, and Apache's parent process
 * starts another in its place. */
void wsgireload_restart(wsgireload_outcome *out)
{
    if (!close_latch()) {
        core_outcome(out, WSGIRELOAD_ALREADY_REQUESTED, "", "");
    } else if (kill(getpid(), SIGINT) == 0) {
        core_outcome(out, WSGIRELOAD_REQUESTED, "kill", "");
    } else {
        core_failed(out, "kill");
        wsgireload_rearm();
    }
}

void wsgireload_rearm(void)
{
    atomic_store(latch(), 0);
}
