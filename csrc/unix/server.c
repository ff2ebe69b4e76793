/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1 /* RTLD_DEFAULT, which glibc hides without it */

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "../wsgireload.h"

/* Writes what httpd's `const char *name(void)` says to `text`; 0 if this process has no such
 * function. httpd may have nothing to say yet: then the text stays as it is. */
static int ask(const char *name, char *text, size_t room)
{
    /* ISO C has no cast from dlsym's object pointer to a function. */
    union {
        void *object;
        const char *(*function)(void);
    } found = {dlsym(RTLD_DEFAULT, name)};
    const char *said;

    if (found.object == NULL)
        return 0;
    said = found.function();
    if (said != NULL)
        snprintf(text, room, "%s", said);
    return 1;
}

void wsgireload_probe(wsgireload_server *out)
{
    memset(out, 0, sizeof *out);
    /* The description is whole; the banner says only as much as ServerTokens lets it. */
    out->apache = ask("ap_get_server_description", out->version, sizeof out->version)
                  || ask("ap_get_server_banner", out->version, sizeof out->version);
    if (out->apache)
        ask("ap_show_mpm", out->mpm, sizeof out->mpm);
}
