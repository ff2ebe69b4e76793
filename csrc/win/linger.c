/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <stdio.h>
#include <string.h>

#include "../wsgireload.h"

#include "../failure.h"

#define TICK 250 /* milliseconds: Apache is STOPPING for a second at least before anything goes */
#define LONGEST 0xFFFF

/* The last call, as its number in the upper and its seconds in the lower 16 bits: one word, so
 * that a thread knows its own order from a later one without a lock. */
static volatile LONG last;

static DWORD seconds_of(LONG order)
{
    return (DWORD)order & LONGEST;
}

/* Sleeps while a condition does not hold; 0 if the order was called off, or the time is over. Time
 * in which the machine itself sleeps does not count. */
static int wait(LONG order, int until_stopping)
{
    DWORD ticks = seconds_of(order) * (1000 / TICK);

    for (; ticks > 0 && last == order; ticks--) {
        if (until_stopping) {
            wsgireload_server server;

            wsgireload_probe(&server);
            if (server.state == WSGIRELOAD_STOPPING)
                return 1;
        }
        Sleep(TICK);
    }
    return last == order && !until_stopping;
}

/* To the end of the file, which others write to as well: where this handle stands, their lines are.
 * Where stderr is no file, it does not matter. */
static void log_line(const char *line)
{
    OVERLAPPED end = {.Offset = 0xFFFFFFFF, .OffsetHigh = 0xFFFFFFFF};
    DWORD written;

    WriteFile(GetStdHandle(STD_ERROR_HANDLE), line, (DWORD)strlen(line), &written, &end);
}

/* A thread of ours and not of Python's: the process may stay because somebody holds the GIL. */
static DWORD WINAPI run(void *argument)
{
    LONG order = (LONG)(LONG_PTR)argument;
    char line[128];

    /* httpd is asked no more after this: while a process leaves, what it would answer from goes. */
    if (!wait(order, 1) || !wait(order, 0))
        return 0;
    snprintf(line, sizeof line,
             "wsgireload: lingering: process %lu has not left %lu s after Apache began to replace "
             "it: ending it\r\n",
             GetCurrentProcessId(), seconds_of(order));
    log_line(line);
    /* Not ExitProcess, which would wait for locks that are held. Never 2, 3 or 15: were Apache
     * still to look, these would end the whole server. */
    TerminateProcess(GetCurrentProcess(), 0);
    return 0;
}

void wsgireload_linger(unsigned seconds, wsgireload_outcome *out)
{
    DWORD flags = GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS;
    wsgireload_server server;
    LONG before, order;
    HMODULE pinned;
    HANDLE thread;

    memset(out, 0, sizeof *out);
    wsgireload_probe(&server);
    if (server.restart == WSGIRELOAD_UNSUPPORTED) {
        out->status = WSGIRELOAD_UNSUPPORTED;
        snprintf(out->call, sizeof out->call, "wsgireload_linger");
        snprintf(out->message, sizeof out->message, "%s", server.refusal);
        return;
    }
    do {
        before = last;
        order = (LONG)(((DWORD)before & ~(DWORD)LONGEST) + LONGEST + 1);
        order |= (LONG)(seconds < LONGEST ? seconds : LONGEST);
    } while (InterlockedCompareExchange(&last, order, before) != before);
    if (seconds == 0)
        return;
    /* The thread's code must stay, whoever unloads this library. */
    if (!GetModuleHandleExW(flags, (const wchar_t *)(const void *)&last, &pinned)) {
        wsgireload_failed(out, "GetModuleHandleExW");
        return;
    }
    thread = CreateThread(NULL, 65536, run, (void *)(LONG_PTR)order,
                          STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    if (thread == NULL)
        wsgireload_failed(out, "CreateThread");
    else
        CloseHandle(thread);
}
