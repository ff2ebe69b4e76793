/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1 /* RTLD_DEFAULT, which glibc hides without it */

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "../internal.h"

core_function core_find(const char *name, unsigned bytes)
{
    /* ISO C has no cast from dlsym's object pointer to a function. */
    union {
        void *object;
        core_function function;
    } found = {dlsym(RTLD_DEFAULT, name)};

    (void)bytes; /* names are never decorated on UNIX */
    return found.function;
}

/* Returns whether httpd was started with -D and this name. */
static int is_defined(const char *name)
{
    int (*exists)(const char *) = (int (*)(const char *))core_find("ap_exists_config_define", 0);

    return exists != NULL && exists(name);
}

void wsgireload_probe(wsgireload_server *out)
{
    memset(out, 0, sizeof *out);
    out->apache = core_find("ap_get_server_description", 0) != NULL;
    out->state = WSGIRELOAD_UNKNOWN;
    out->generation = -1;
    out->restart = WSGIRELOAD_REQUESTED; /* mod_wsgi knows whether this is a daemon process */
    if (out->apache && (is_defined("DEBUG") || is_defined("ONE_PROCESS"))) { /* -X is -D DEBUG */
        out->restart = WSGIRELOAD_UNSUPPORTED;
        snprintf(out->refusal, sizeof out->refusal,
                 "this Apache is one process (httpd -X): there is no parent that restarts it");
    }
}

const unsigned short *wsgireload_command_line(void)
{
    return NULL;
}

unsigned long long wsgireload_process_start(unsigned long pid)
{
    (void)pid; /* the caller reads /proc */
    return 1;
}
