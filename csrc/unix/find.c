/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1 /* RTLD_DEFAULT, which glibc hides without it */

#include <dlfcn.h>

#include "../find.h"

wsgireload_function wsgireload_find(const char *name, unsigned bytes)
{
    /* ISO C has no cast from dlsym's object pointer to a function. */
    union {
        void *object;
        wsgireload_function function;
    } found = {dlsym(RTLD_DEFAULT, name)};

    (void)bytes; /* names are never decorated here */
    return found.function;
}
