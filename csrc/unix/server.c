/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "../find.h"
#include "../wsgireload.h"

/* Writes what httpd's `const char *name(void)` says to `text`; 0 if this process has no such
 * function. httpd may have nothing to say yet: then the text stays as it is. */
static int ask(const char *name, char *text, size_t room)
{
    const char *(*function)(void) = (const char *(*)(void))wsgireload_find(name, 0);
    const char *said;

    if (function == NULL)
        return 0;
    said = function();
    if (said != NULL)
        snprintf(text, room, "%s", said);
    return 1;
}

/* Whether httpd was started with -D and this name. */
static int defined(const char *name)
{
    int (*exists)(const char *) = (int (*)(const char *))wsgireload_find("ap_exists_config_define", 0);

    return exists != NULL && exists(name);
}

void wsgireload_probe(wsgireload_server *out)
{
    memset(out, 0, sizeof *out);
    /* The description is whole; the banner says only as much as ServerTokens lets it. */
    out->apache = ask("ap_get_server_description", out->version, sizeof out->version)
                  || ask("ap_get_server_banner", out->version, sizeof out->version);
    if (out->apache)
        ask("ap_show_mpm", out->mpm, sizeof out->mpm);
    out->state = WSGIRELOAD_UNKNOWN;
    out->generation = -1;
    out->restart = WSGIRELOAD_ASKED; /* whether this is a daemon process, mod_wsgi knows */
    if (out->apache && (defined("DEBUG") || defined("ONE_PROCESS"))) { /* -X is -D DEBUG */
        out->restart = WSGIRELOAD_UNSUPPORTED;
        snprintf(out->refusal, sizeof out->refusal,
                 "this Apache is one process (httpd -X): nobody would replace this one");
    }
}

const unsigned short *wsgireload_command_line(void)
{
    return NULL;
}
