/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "../wsgireload.h"

#include "../failure.h"
#include "../hub/hub.h"
#include "../hub/names.h"
#include "wide.h"

enum { NAME = sizeof((wsgireload_change *)NULL)->name };

/* A directory and its handle. Only the thread frees it, and only when Windows is done with it. */
typedef struct root {
    OVERLAPPED overlapped; /* comes first: it is what Windows gives back */
    struct root *next;
    int number;
    int removed; /* 1: nobody watches it, the answer to the last question is yet to come */
    HANDLE handle;
    DWORD volume, high, low;  /* which directory it is, whatever its path */
    int turn;                 /* which of the buffers is Windows' now */
    DWORD buffers[2][16384];  /* 64 KiB: more than that a network drive refuses */
} root;

struct wsgireload_events {
    wsgireload_hub *hub;
    HANDLE port, thread;
    root *roots;
    int last; /* number that was given */
};

/* Asks for the next changes; Windows keeps those that come between two questions. */
static BOOL ask(root *asked)
{
    const DWORD filter = FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME
                         | FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE
                         | FILE_NOTIFY_CHANGE_CREATION | FILE_NOTIFY_CHANGE_ATTRIBUTES;

    memset(&asked->overlapped, 0, sizeof asked->overlapped);
    return ReadDirectoryChangesW(asked->handle, asked->buffers[asked->turn],
                                 sizeof asked->buffers[asked->turn], TRUE, filter, NULL,
                                 &asked->overlapped, NULL);
}

/* A short name may be that of any file. */
static void tell(wsgireload_events *events, const root *of, const FILE_NOTIFY_INFORMATION *change)
{
    char name[NAME];

    wsgireload_narrow(change->FileName, change->FileNameLength / sizeof(wchar_t), name, NAME);
    wsgireload_hub_changed(events->hub, of->number, name,
                           name[0] == '\0' || strchr(name, '~') != NULL);
}

static void tell_all(wsgireload_events *events, const root *of, const void *buffer)
{
    const FILE_NOTIFY_INFORMATION *change = buffer;

    tell(events, of, change);
    while (change->NextEntryOffset != 0) {
        change = (const void *)((const char *)change + change->NextEntryOffset);
        tell(events, of, change);
    }
}

static void close_root(root *closed)
{
    if (closed->handle != INVALID_HANDLE_VALUE)
        CloseHandle(closed->handle);
    free(closed);
}

static void free_root(wsgireload_events *events, root *freed)
{
    root **link = &events->roots;

    while (*link != freed)
        link = &(*link)->next;
    *link = freed->next;
    close_root(freed);
}

/* What came of a question: an error of Windows', or so many bytes. */
static void take(wsgireload_events *events, root *answered, DWORD error, DWORD bytes)
{
    const void *buffer = answered->buffers[answered->turn];
    BOOL goes_on = error == ERROR_SUCCESS || error == ERROR_NOTIFY_ENUM_DIR;

    if (answered->removed) {
        free_root(events, answered);
        return;
    }
    answered->turn = !answered->turn;
    goes_on = goes_on && ask(answered);
    if (error == ERROR_SUCCESS && bytes > 0)
        tell_all(events, answered, buffer);
    else if (goes_on) /* more than the buffer holds */
        wsgireload_hub_changed(events->hub, answered->number, "", 1);
    if (!goes_on) {
        wsgireload_hub_gone(events->hub, answered->number);
        free_root(events, answered);
    }
}

static DWORD WINAPI run(void *argument)
{
    wsgireload_events *events = argument;
    int closing = 0, done = 0;

    while (!done) {
        OVERLAPPED *answered = NULL;
        ULONG_PTR key;
        DWORD bytes = 0, error = ERROR_SUCCESS;

        if (!GetQueuedCompletionStatus(events->port, &bytes, &key, &answered, INFINITE))
            error = GetLastError();
        wsgireload_lock();
        if (answered != NULL) {
            take(events, (root *)answered, error, bytes);
        } else if (error == ERROR_SUCCESS) {
            closing = 1;
        } else {
            SetLastError(error);
            wsgireload_hub_broken(events->hub, "GetQueuedCompletionStatus");
            done = 1;
        }
        done = done || (closing && events->roots == NULL);
        wsgireload_unlock();
    }
    return 0;
}

wsgireload_events *wsgireload_events_open(wsgireload_hub *hub, wsgireload_outcome *out)
{
    wsgireload_events *events = calloc(1, sizeof *events);

    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    if (events == NULL) {
        wsgireload_failed(out, "calloc");
        return NULL;
    }
    events->hub = hub;
    events->port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    if (events->port == NULL) {
        wsgireload_failed(out, "CreateIoCompletionPort");
    } else {
        events->thread = CreateThread(NULL, 65536, run, events, STACK_SIZE_PARAM_IS_A_RESERVATION,
                                      NULL);
        if (events->thread != NULL)
            return events;
        wsgireload_failed(out, "CreateThread");
    }
    wsgireload_events_free(events);
    return NULL;
}

/* A handle that keeps nobody from anything but from renaming what the directory is in. */
static HANDLE open_directory(const char *path)
{
    const DWORD everyone = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    wchar_t *wide = wsgireload_path(path);
    HANDLE handle = INVALID_HANDLE_VALUE;
    DWORD error;

    if (wide != NULL)
        handle = CreateFileW(wide, FILE_LIST_DIRECTORY, everyone, NULL, OPEN_EXISTING,
                             FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OVERLAPPED, NULL);
    error = GetLastError();
    free(wide);
    SetLastError(error);
    return handle;
}

/* NULL and the outcome, or a root that is not one of a hub's yet. */
static root *open_root(const char *path, wsgireload_outcome *out)
{
    root *opened = calloc(1, sizeof *opened);
    BY_HANDLE_FILE_INFORMATION found;

    if (opened == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        wsgireload_failed(out, "calloc");
        return NULL;
    }
    opened->handle = open_directory(path);
    if (opened->handle == INVALID_HANDLE_VALUE) {
        wsgireload_failed(out, "CreateFileW");
    } else if (!GetFileInformationByHandle(opened->handle, &found)) {
        wsgireload_failed(out, "GetFileInformationByHandle");
    } else if (!(found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)) {
        SetLastError(ERROR_DIRECTORY);
        wsgireload_failed(out, "CreateFileW");
    } else {
        opened->volume = found.dwVolumeSerialNumber;
        opened->high = found.nFileIndexHigh;
        opened->low = found.nFileIndexLow;
        return opened;
    }
    close_root(opened);
    return NULL;
}

/* The number of the one that watches the same directory; 0: there is none. */
static int number_of(const wsgireload_events *events, const root *like)
{
    const root *each;

    for (each = events->roots; each != NULL; each = each->next)
        if (!each->removed && each->volume == like->volume && each->high == like->high
            && each->low == like->low)
            return each->number;
    return 0;
}

/* Its number, or -1 and the outcome. Bound to the port, what this thread asks outlives it. */
static int begin(wsgireload_events *events, root *begun, wsgireload_outcome *out)
{
    if (CreateIoCompletionPort(begun->handle, events->port, 0, 0) == NULL) {
        wsgireload_failed(out, "CreateIoCompletionPort");
        return -1;
    }
    if (!ask(begun)) {
        wsgireload_failed(out, "ReadDirectoryChangesW");
        return -1;
    }
    begun->number = ++events->last;
    begun->next = events->roots;
    events->roots = begun;
    return begun->number;
}

int wsgireload_events_add(wsgireload_events *events, const char *path, int interest,
                          wsgireload_outcome *out)
{
    root *opened;
    int number, known;

    if (interest == WSGIRELOAD_ITSELF)
        return 0;
    opened = open_root(path, out);
    if (opened == NULL)
        return -1;
    wsgireload_lock();
    known = number_of(events, opened);
    number = known != 0 ? known : begin(events, opened, out);
    wsgireload_unlock();
    if (known != 0 || number < 0)
        close_root(opened);
    return number;
}

void wsgireload_events_remove(wsgireload_events *events, int number)
{
    root *each;

    for (each = events->roots; each != NULL; each = each->next)
        if (each->number == number && !each->removed) {
            each->removed = 1;
            CancelIoEx(each->handle, &each->overlapped); /* fails where the answer is there */
        }
}

void wsgireload_events_stop(wsgireload_events *events)
{
    if (!PostQueuedCompletionStatus(events->port, 0, 0, NULL)) {
        CloseHandle(events->port); /* this, too, wakes the thread */
        events->port = NULL;
    }
    WaitForSingleObject(events->thread, INFINITE);
}

void wsgireload_events_free(wsgireload_events *events)
{
    if (events->thread != NULL)
        CloseHandle(events->thread);
    if (events->port != NULL)
        CloseHandle(events->port);
    free(events);
}

unsigned long long wsgireload_events_hash(const char *name)
{
    wchar_t wide[NAME];
    int length;

    if (strlen(name) >= NAME) /* no change is told under such a name */
        return 1;
    wsgireload_wide(name, wide);
    length = (int)wcslen(wide);
    if (length > 0) /* one for one, whatever the language */
        LCMapStringEx(LOCALE_NAME_INVARIANT, LCMAP_UPPERCASE, wide, length, wide, length, NULL,
                      NULL, 0);
    return wsgireload_names_hash(wide, (unsigned)length * sizeof *wide);
}
