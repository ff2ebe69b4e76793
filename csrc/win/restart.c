/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <stdio.h>

#include "../internal.h"

#define SIGNAL_PARENT_RESTART 1 /* 0 would shut the whole server down */

/* This copy's handle of the latch. It is never closed: the name exists as long as a handle. */
static void *volatile kept;

/* Returns the latch of the process: an event that is set while the latch is open, and resets itself
 * for the first that waits for it. Two venvs in one process bring two copies of this library, which
 * share the event by its name: that has the pid and creation time of the process, and the version
 * of this meaning, so that copies of different releases agree on it. */
static HANDLE latch(void)
{
    FILETIME created = {0, 0}, unused;
    wchar_t name[64];
    HANDLE made;

    if (kept != NULL)
        return kept;
    GetProcessTimes(GetCurrentProcess(), &created, &unused, &unused, &unused);
    swprintf(name, sizeof name / sizeof *name, L"Local\\wsgireload-latch-v1-%lu-%08lx%08lx",
             GetCurrentProcessId(), created.dwHighDateTime, created.dwLowDateTime);
    made = CreateEventW(NULL, FALSE, TRUE, name);
    /* The name may be in use for another kind of object, or access to it denied. Then this copy's
     * own latch still holds for every interpreter that shares the copy. */
    if (made == NULL)
        made = CreateEventW(NULL, FALSE, TRUE, NULL);
    if (InterlockedCompareExchangePointer(&kept, made, NULL) != NULL && made != NULL)
        CloseHandle(made);
    return kept;
}

/* Returns 1 to the first caller, and 0 to all others until wsgireload_rearm. */
static int close_latch(void)
{
    /* Without any event it stays closed: better no restart than two. */
    return WaitForSingleObject(latch(), 0) == WAIT_OBJECT_0;
}

/* Sets the event that Apache's parent waits for: by httpd's own function, if it exports that. */
static void signal_parent(unsigned long parent, wsgireload_outcome *out)
{
    void(WINAPI *ap_signal_parent)(int) = (void(WINAPI *)(int))core_find("ap_signal_parent", 4);
    wchar_t name[32];
    HANDLE event;

    swprintf(name, sizeof name / sizeof *name, L"ap%lu_restart", parent);
    /* ap_signal_parent only logs a failure: so check first that the event is there. */
    event = OpenEventW(EVENT_MODIFY_STATE, FALSE, name);
    if (event == NULL) {
        core_failed(out, "OpenEventW");
        return;
    }
    if (ap_signal_parent != NULL) {
        ap_signal_parent(SIGNAL_PARENT_RESTART);
        core_outcome(out, WSGIRELOAD_REQUESTED, "ap_signal_parent", "");
    } else if (SetEvent(event)) {
        core_outcome(out, WSGIRELOAD_REQUESTED, "SetEvent", "");
    } else {
        core_failed(out, "SetEvent");
    }
    CloseHandle(event);
}

/* Apache has one child process on Windows, which its parent replaces on this signal. Never by
 * ending the child: some exit codes of it end the whole server. */
void wsgireload_restart(int signal, wsgireload_outcome *out)
{
    wsgireload_server server;

    (void)signal;
    wsgireload_probe(&server);
    if (server.restart != WSGIRELOAD_REQUESTED) {
        core_outcome(out, server.restart, server.refusal[0] ? "wsgireload_restart" : "",
                     server.refusal);
    } else if (!close_latch()) {
        core_outcome(out, WSGIRELOAD_ALREADY_REQUESTED, "", "");
    } else {
        signal_parent(server.parent, out);
        if (out->status != WSGIRELOAD_REQUESTED)
            wsgireload_rearm();
    }
}

int wsgireload_taken(void)
{
    return 0;
}

void wsgireload_rearm(void)
{
    SetEvent(latch());
}
