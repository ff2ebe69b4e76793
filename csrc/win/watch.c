/* SPDX-License-Identifier: MIT
 *
 * Windows: a completion port, and for each root a handle with one asynchronous read of its changes.
 */
#include <windows.h>

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "../internal.h"

enum { NAME = sizeof((wsgireload_change *)NULL)->name / sizeof(wchar_t) };

/* Milliseconds to wait for Windows to confirm a cancelled read, which it does at once. */
#define PATIENCE 1000

/* A watched directory, with all that is below. Once closed it is kept until its read is over:
 * until then Windows may write to it. */
typedef struct root {
    OVERLAPPED overlapped; /* comes first: it is what Windows returns */
    struct root *next;
    int id;
    HANDLE handle;                   /* INVALID_HANDLE_VALUE: closed */
    BY_HANDLE_FILE_INFORMATION file; /* identifies the directory, whatever its path */
    DWORD buffer[16384];             /* 64 KiB: network drives refuse more */
} root;

struct core_events {
    HANDLE port;
    root *roots;
    int last_id;
    volatile LONG woken;
    root *unread; /* its read is over, but not all of it reported */
    const FILE_NOTIFY_INFORMATION *change; /* its next one to report; NULL: none */
};

core_events *core_events_open(wsgireload_outcome *out)
{
    core_events *events = core_new(sizeof *events, out);

    if (events == NULL)
        return NULL;
    events->port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    if (events->port != NULL)
        return events;
    core_failed(out, "CreateIoCompletionPort");
    free(events);
    return NULL;
}

/* Starts to read the next changes; Windows keeps those between two reads. */
static BOOL start_read(root *of)
{
    const DWORD filter = FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME
                         | FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE
                         | FILE_NOTIFY_CHANGE_CREATION | FILE_NOTIFY_CHANGE_ATTRIBUTES;

    memset(&of->overlapped, 0, sizeof of->overlapped);
    return ReadDirectoryChangesW(of->handle, of->buffer, sizeof of->buffer, TRUE, filter, NULL,
                                 &of->overlapped, NULL);
}

static void free_root(core_events *events, root *freed)
{
    root **link = &events->roots;

    while (*link != freed)
        link = &(*link)->next;
    *link = freed->next;
    if (freed->handle != INVALID_HANDLE_VALUE)
        CloseHandle(freed->handle);
    free(freed);
}

/* Returns the id of the root that watches the same directory; 0: there is none. */
static int id_of(const core_events *events, const BY_HANDLE_FILE_INFORMATION *file)
{
    const root *each;

    for (each = events->roots; each != NULL; each = each->next)
        if (each->handle != INVALID_HANDLE_VALUE
            && each->file.dwVolumeSerialNumber == file->dwVolumeSerialNumber
            && each->file.nFileIndexHigh == file->nFileIndexHigh
            && each->file.nFileIndexLow == file->nFileIndexLow)
            return each->id;
    return 0;
}

/* Opens a root and starts to read it, unless another one watches the same directory: then it has no
 * id. Returns the id of the directory, or -1 and the outcome. */
static int open_root(core_events *events, root *opened, const void *path, wsgireload_outcome *out)
{
    int known;

    /* Shared with everyone: it only keeps others from renaming what the directory is in. */
    opened->handle = core_open(path, FILE_LIST_DIRECTORY,
                               FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OVERLAPPED);
    if (opened->handle == INVALID_HANDLE_VALUE)
        return core_failed(out, "CreateFileW");
    if (!GetFileInformationByHandle(opened->handle, &opened->file))
        return core_failed(out, "GetFileInformationByHandle");
    if (!(opened->file.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)) {
        SetLastError(ERROR_DIRECTORY);
        return core_failed(out, "CreateFileW");
    }
    known = id_of(events, &opened->file);
    if (known != 0)
        return known;
    /* Bound to the port, a read outlives the thread that started it. */
    if (CreateIoCompletionPort(opened->handle, events->port, 0, 0) == NULL)
        return core_failed(out, "CreateIoCompletionPort");
    if (!start_read(opened))
        return core_failed(out, "ReadDirectoryChangesW");
    opened->id = ++events->last_id;
    return opened->id;
}

int core_events_add(core_events *events, const void *path, int interest, wsgireload_outcome *out)
{
    root *opened;
    int id;

    if (interest == WSGIRELOAD_ITSELF)
        return 0;
    opened = core_new(sizeof *opened, out);
    if (opened == NULL)
        return -1;
    id = open_root(events, opened, path, out);
    opened->next = events->roots;
    events->roots = opened;
    if (opened->id == 0)
        free_root(events, opened);
    return id;
}

static void close_root(core_events *events, root *closed)
{
    if (events->unread == closed) { /* there is no read that could still write to it */
        events->unread = NULL;
        free_root(events, closed);
        return;
    }
    CancelIoEx(closed->handle, &closed->overlapped); /* fails if the read is over already */
    CloseHandle(closed->handle);
    closed->handle = INVALID_HANDLE_VALUE;
}

void core_events_remove(core_events *events, int id)
{
    root *each = events->roots;

    while (each != NULL && (each->id != id || each->handle == INVALID_HANDLE_VALUE))
        each = each->next;
    if (each != NULL)
        close_root(events, each);
}

/* A read is over, with one of Windows' errors, or so many bytes. */
static void finish_read(core_events *events, root *finished, DWORD error, DWORD bytes,
                        wsgireload_watcher *watcher)
{
    if (finished->handle == INVALID_HANDLE_VALUE) {
        free_root(events, finished);
    } else if (error != ERROR_SUCCESS && error != ERROR_NOTIFY_ENUM_DIR) {
        core_gone(watcher, finished->id);
        free_root(events, finished);
    } else {
        events->unread = finished;
        events->change = NULL;
        if (error == ERROR_SUCCESS && bytes > 0)
            events->change = (const void *)finished->buffer;
        else /* there were more changes than the buffer holds */
            core_changed(watcher, finished->id, WSGIRELOAD_CHANGED, L"", 0, 1);
    }
}

static void report_change(core_events *events, wsgireload_watcher *watcher)
{
    const FILE_NOTIFY_INFORMATION *change = events->change;
    wchar_t name[NAME] = L"";
    size_t length = change->FileNameLength;

    if (length > sizeof name - sizeof *name)
        length = 0;
    memcpy(name, change->FileName, length);
    /* A short name may be that of any file. */
    core_changed(watcher, events->unread->id, WSGIRELOAD_CHANGED, name, length,
                 length == 0 || wcschr(name, L'~') != NULL);
    events->change = NULL;
    if (change->NextEntryOffset != 0)
        events->change = (const void *)((const char *)change + change->NextEntryOffset);
}

/* Reports what a read brought and starts the next one, as far as there is room. */
static void report_unread(core_events *events, wsgireload_watcher *watcher)
{
    root *unread;

    while (events->unread != NULL && core_has_room(watcher)) {
        if (events->change != NULL) {
            report_change(events, watcher);
            continue;
        }
        unread = events->unread;
        events->unread = NULL;
        if (!start_read(unread)) {
            core_gone(watcher, unread->id);
            free_root(events, unread);
        }
    }
}

int core_events_wait(core_events *events, double seconds, wsgireload_watcher *watcher,
                     wsgireload_outcome *out)
{
    DWORD timeout = (DWORD)(seconds * 1000 + 0.999); /* up: it may not be woken too early */
    DWORD bytes = 0, error = ERROR_SUCCESS;
    OVERLAPPED *finished = NULL;
    ULONG_PTR key;

    if (events->unread == NULL) {
        if (!GetQueuedCompletionStatus(events->port, &bytes, &key, &finished, timeout))
            error = GetLastError();
        if (finished != NULL)
            finish_read(events, (root *)finished, error, bytes, watcher);
        else if (error == ERROR_SUCCESS) /* from core_events_wake */
            return !InterlockedExchange(&events->woken, 0);
        else if (error != WAIT_TIMEOUT)
            return core_failed(out, "GetQueuedCompletionStatus");
    }
    report_unread(events, watcher);
    return 1;
}

void core_events_wake(core_events *events)
{
    /* One packet at most: many wakes end one wait. */
    if (InterlockedExchange(&events->woken, 1) == 0
        && !PostQueuedCompletionStatus(events->port, 0, 0, NULL))
        InterlockedExchange(&events->woken, 0); /* no memory: the wait lasts its time */
}

void core_events_close(core_events *events)
{
    OVERLAPPED *finished = NULL;
    root *each, *next;
    ULONG_PTR key;
    DWORD bytes;

    for (each = events->roots; each != NULL; each = next) {
        next = each->next;
        if (each->handle != INVALID_HANDLE_VALUE)
            close_root(events, each);
    }
    /* A root whose read Windows does not confirm is never freed: a leak, rather than a hang. */
    while (events->roots != NULL
           && (GetQueuedCompletionStatus(events->port, &bytes, &key, &finished, PATIENCE)
               || finished != NULL)) {
        if (finished != NULL)
            free_root(events, (root *)finished);
        finished = NULL;
    }
}

void core_events_free(core_events *events)
{
    CloseHandle(events->port);
    free(events);
}

unsigned long long core_name_hash(const void *name)
{
    int length = (int)wcslen(name);
    wchar_t upper[NAME];

    /* One unit to one unit, in every language. It fails on the empty name, and on a longer one than
     * any change is reported with. */
    length = LCMapStringEx(LOCALE_NAME_INVARIANT, LCMAP_UPPERCASE, name, length, upper, NAME, NULL,
                           NULL, 0);
    return core_hash(upper, (size_t)length * sizeof *upper);
}

double core_clock(void)
{
    return (double)GetTickCount64() / 1000;
}

long long wsgireload_file_system(const void *path, wsgireload_outcome *out)
{
    size_t room = wcslen(path) + MAX_PATH;
    wchar_t *volume = core_new(room * sizeof *volume, out);
    UINT kind = DRIVE_UNKNOWN;

    if (volume == NULL)
        return -1;
    if (GetVolumePathNameW(path, volume, (DWORD)room)) /* the path may lead to a mounted drive */
        kind = GetDriveTypeW(volume);
    free(volume);
    core_outcome(out, WSGIRELOAD_OK, "", "");
    return kind;
}
