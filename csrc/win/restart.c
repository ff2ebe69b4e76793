/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <stdio.h>
#include <string.h>

#include "../find.h"
#include "../latch.h"
#include "../wsgireload.h"

#include "../failure.h"

#define SIGNAL_PARENT_RESTART 1 /* 0 would shut the whole server down */

/* Sets the event that Apache's parent waits for, by httpd's own function where it is to be had. */
static void ask(unsigned long parent, wsgireload_outcome *out)
{
    void(WINAPI *ap_signal_parent)(int) =
        (void(WINAPI *)(int))wsgireload_find("ap_signal_parent", 4);
    wchar_t name[32];
    HANDLE event;

    swprintf(name, sizeof name / sizeof *name, L"ap%lu_restart", parent);
    /* ap_signal_parent only logs what goes wrong: so we look first whether it can go well. */
    event = OpenEventW(EVENT_MODIFY_STATE, FALSE, name);
    if (event == NULL) {
        wsgireload_failed(out, "OpenEventW");
        return;
    }
    if (ap_signal_parent != NULL) {
        ap_signal_parent(SIGNAL_PARENT_RESTART);
        snprintf(out->call, sizeof out->call, "ap_signal_parent");
    } else if (SetEvent(event)) {
        snprintf(out->call, sizeof out->call, "SetEvent");
    } else {
        wsgireload_failed(out, "SetEvent");
    }
    CloseHandle(event);
}

/* Apache has one child on Windows, and its parent starts another in its place when it is told to.
 * Never by ending the child: some exit codes of it end the whole server. */
void wsgireload_restart(wsgireload_outcome *out)
{
    wsgireload_server server;

    wsgireload_probe(&server);
    memset(out, 0, sizeof *out);
    out->status = server.restart;
    if (server.refusal[0]) {
        snprintf(out->call, sizeof out->call, "wsgireload_restart");
        snprintf(out->message, sizeof out->message, "%s", server.refusal);
    }
    if (out->status != WSGIRELOAD_ASKED)
        return;
    if (!wsgireload_latch_close()) {
        out->status = WSGIRELOAD_ALREADY_ASKED;
        return;
    }
    ask(server.parent, out);
    if (out->status != WSGIRELOAD_ASKED)
        wsgireload_latch_open();
}

void wsgireload_rearm(void)
{
    wsgireload_latch_open();
}
