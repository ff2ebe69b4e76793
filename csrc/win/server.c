/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../find.h"
#include "../wsgireload.h"

/* Of enum ap_mpm_query's codes in httpd's ap_mpm.h. */
#define HARD_LIMIT_DAEMONS 4
#define HARD_LIMIT_THREADS 5
#define MPM_STATE 13
#define GENERATION 15

/* Writes what httpd's `const char *name(void)` says to `text`; 0 if this process has no such
 * function. httpd may have nothing to say yet: then the text stays as it is. */
static int ask(const char *name, char *text, size_t room)
{
    const char *(WINAPI *function)(void) = (const char *(WINAPI *)(void))wsgireload_find(name, 0);
    const char *said;

    if (function == NULL)
        return 0;
    said = function();
    if (said != NULL)
        snprintf(text, room, "%s", said);
    return 1;
}

/* What httpd says to one of the codes, or -1. */
static int query(int code)
{
    int (WINAPI *ap_mpm_query)(int, int *) =
        (int(WINAPI *)(int, int *))wsgireload_find("ap_mpm_query", 8);
    int value = -1;

    return ap_mpm_query != NULL && ap_mpm_query(code, &value) == 0 ? value : -1;
}

/* httpd writes it into the environment of a child, and knows itself as one by it. */
static unsigned long parent(void)
{
    wchar_t text[16], *end = text;
    DWORD length = GetEnvironmentVariableW(L"AP_PARENT_PID", text, sizeof text / sizeof *text);
    unsigned long pid = 0;

    if (length > 0 && length < sizeof text / sizeof *text)
        pid = wcstoul(text, &end, 10);
    return *end == L'\0' && pid != GetCurrentProcessId() ? pid : 0;
}

/* Whether Apache has another child than this one by now, of which this one does not know yet: one
 * that still waits for its threads looks up once a second. To be asked while the state is RUNNING:
 * the memory behind it goes when the process leaves. */
static int replaced(int generation)
{
    int(WINAPI *exists)(void) = (int(WINAPI *)(void))wsgireload_find("ap_exists_scoreboard_image", 0);
    /* The beginning of httpd's global_score: two limits, then the generation that is to serve. */
    const int *(WINAPI *global)(void) =
        (const int *(WINAPI *)(void))wsgireload_find("ap_get_scoreboard_global", 0);
    const int *score = exists != NULL && global != NULL && exists() ? global() : NULL;

    /* Believed only where httpd itself says that the limits before it are what they seem. */
    return score != NULL && score[0] == query(HARD_LIMIT_DAEMONS)
           && score[1] == query(HARD_LIMIT_THREADS) && score[2] != generation;
}

/* What wsgireload_restart would come to, and why. */
static int verdict(const wsgireload_server *server, const char **refusal)
{
    if (!server->apache)
        *refusal = "this process is not Apache's";
    else if (server->parent == 0)
        *refusal = "this Apache is one process (httpd -X): there is no parent that restarts it";
    else if (server->state == WSGIRELOAD_UNKNOWN)
        *refusal = "this Apache does not say what state it is in";
    if ((*refusal)[0])
        return WSGIRELOAD_UNSUPPORTED;
    if (server->state == WSGIRELOAD_RUNNING)
        return replaced(server->generation) ? WSGIRELOAD_ALREADY_ASKED : WSGIRELOAD_ASKED;
    if (server->state == WSGIRELOAD_STOPPING)
        return WSGIRELOAD_ALREADY_ASKED;
    *refusal = "Apache is still starting this process";
    return WSGIRELOAD_NOT_READY;
}

void wsgireload_probe(wsgireload_server *out)
{
    const char *refusal = "";

    memset(out, 0, sizeof *out);
    /* The description is whole; the banner says only as much as ServerTokens lets it. */
    out->apache = ask("ap_get_server_description", out->version, sizeof out->version)
                  || ask("ap_get_server_banner", out->version, sizeof out->version);
    if (out->apache) {
        ask("ap_show_mpm", out->mpm, sizeof out->mpm);
        out->parent = parent();
    }
    out->state = out->apache ? query(MPM_STATE) : WSGIRELOAD_UNKNOWN;
    out->generation = out->apache ? query(GENERATION) : -1;
    out->restart = verdict(out, &refusal);
    snprintf(out->refusal, sizeof out->refusal, "%s", refusal);
}

const unsigned short *wsgireload_command_line(void)
{
    return (const unsigned short *)GetCommandLineW();
}
