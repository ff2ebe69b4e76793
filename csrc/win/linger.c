/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <stdio.h>
#include <string.h>

#include "../internal.h"

#define TICK 250 /* milliseconds: Apache is STOPPING for a second at least before it frees anything */
#define LONGEST 0xFFFF

/* How many calls there were. An order is the number of its call in the upper 16 bits and the seconds
 * in the lower: so a thread recognises a later call without a lock. */
static volatile LONG calls;

static int is_last(DWORD order)
{
    return (WORD)(order >> 16) == (WORD)calls;
}

/* Sleeps for the time of an order, or until the state is STOPPING. Returns 0 if a later order
 * replaced it, or if the state did not become so. Time in which the machine sleeps does not count. */
static int sleep_through(DWORD order, int until_stopping)
{
    DWORD ticks = (order & LONGEST) * (1000 / TICK);
    wsgireload_server server;

    for (; ticks > 0 && is_last(order); ticks--) {
        if (until_stopping) {
            wsgireload_probe(&server);
            if (server.state == WSGIRELOAD_STOPPING)
                return 1;
        }
        Sleep(TICK);
    }
    return is_last(order) && !until_stopping;
}

/* Appends to the file: at this handle's own position other processes may have written. If stderr is
 * no file, the offset is ignored. */
static void log_line(const char *line)
{
    OVERLAPPED end;
    DWORD written;

    memset(&end, 0, sizeof end);
    end.Offset = end.OffsetHigh = 0xFFFFFFFF;
    WriteFile(GetStdHandle(STD_ERROR_HANDLE), line, (DWORD)strlen(line), &written, &end);
}

/* Not a thread of Python's: the process may fail to exit because another holds the GIL. */
static DWORD WINAPI run(void *argument)
{
    DWORD order = (DWORD)(ULONG_PTR)argument;
    char line[128];

    /* No call to httpd after this: its data goes while the process exits. */
    if (!sleep_through(order, 1) || !sleep_through(order, 0))
        return 0;
    snprintf(line, sizeof line,
             "wsgireload: lingering: process %lu has not left %lu s after Apache began to replace "
             "it; ending it\r\n",
             GetCurrentProcessId(), order & LONGEST);
    log_line(line);
    /* Not ExitProcess, which waits for locks that other threads hold. Never 2, 3 or 15: if Apache
     * still waited for this process, these exit codes would end the whole server. */
    TerminateProcess(GetCurrentProcess(), 0);
    return 0;
}

void wsgireload_linger(unsigned seconds, wsgireload_outcome *out)
{
    DWORD flags = GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS;
    wsgireload_server server;
    HMODULE pinned;
    HANDLE thread;
    DWORD order;

    wsgireload_probe(&server);
    if (server.restart == WSGIRELOAD_UNSUPPORTED) {
        core_outcome(out, WSGIRELOAD_UNSUPPORTED, "wsgireload_linger", server.refusal);
        return;
    }
    core_outcome(out, WSGIRELOAD_OK, "", "");
    order = (DWORD)InterlockedIncrement(&calls) << 16 | (seconds < LONGEST ? seconds : LONGEST);
    if (seconds == 0)
        return;
    /* Pinned: the thread needs its code, even if this library is unloaded. */
    if (!GetModuleHandleExW(flags, (const wchar_t *)(const void *)&calls, &pinned)) {
        core_failed(out, "GetModuleHandleExW");
        return;
    }
    thread = CreateThread(NULL, 65536, run, (void *)(ULONG_PTR)order,
                          STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    if (thread == NULL)
        core_failed(out, "CreateThread");
    else
        CloseHandle(thread);
}
