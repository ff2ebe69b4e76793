/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1 /* dladdr, which glibc hides without it */

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "../latch.h"

/* The pid that asked, or 0. A pid and not a flag, so that a forked child, which inherits the
 * value, is not latched by its parent. The name ends in the version of this meaning: copies of
 * different releases share the latch as long as they agree on it. */
atomic_int wsgireload_latch_v1;

/* The latch of the process. Two venvs in one process bring two copies of this library, each with
 * a variable of its own, in scopes that do not see each other. So a copy that finds no latch in
 * the global scope moves itself there, and all use the one that the global scope answers: of
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
    /* A loader that looks for the file again fails once the file is replaced, as an upgrade does.
     * Then this copy's own latch still holds for every interpreter that shares the copy. */
    return shared != NULL ? shared : &wsgireload_latch_v1;
}

int wsgireload_latch_close(void)
{
    int self = (int)getpid();

    return atomic_exchange(latch(), self) != self;
}

void wsgireload_latch_open(void)
{
    atomic_store(latch(), 0);
}
