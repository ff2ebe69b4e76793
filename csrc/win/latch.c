/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <stdio.h>

#include "../latch.h"

/* This copy's handle of the latch. It is never closed: the name lives as long as a handle does. */
static void *volatile kept;

/* The latch of the process: an event that is set while nobody has asked, and that resets itself
 * for the one whom it lets through. Two venvs in one process bring two copies of this library,
 * with a variable each; the event they share by its name, in which pid and birth make the process
 * one of its kind. The version in it is that of this meaning: copies of different releases share
 * the latch as long as they agree on it. */
static HANDLE latch(void)
{
    FILETIME born = {0, 0}, unused;
    wchar_t name[64];
    HANDLE made;

    if (kept != NULL)
        return kept;
    GetProcessTimes(GetCurrentProcess(), &born, &unused, &unused, &unused);
    swprintf(name, sizeof name / sizeof *name, L"Local\\wsgireload-latch-v1-%lu-%08lx%08lx",
             GetCurrentProcessId(), born.dwHighDateTime, born.dwLowDateTime);
    made = CreateEventW(NULL, FALSE, TRUE, name);
    /* Somebody else took the name for another thing, or keeps us out. Then this copy's own latch
     * still holds for every interpreter that shares the copy. */
    if (made == NULL)
        made = CreateEventW(NULL, FALSE, TRUE, NULL);
    if (InterlockedCompareExchangePointer(&kept, made, NULL) != NULL && made != NULL)
        CloseHandle(made);
    return kept;
}

int wsgireload_latch_close(void)
{
    /* Without any event it is closed for everyone: better no restart than two. */
    return WaitForSingleObject(latch(), 0) == WAIT_OBJECT_0;
}

void wsgireload_latch_open(void)
{
    SetEvent(latch());
}
