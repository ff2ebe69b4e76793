/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <string.h>
#include <wchar.h>

#include "../internal.h"

void *core_open(const wchar_t *path, unsigned long access, unsigned long flags)
{
    const DWORD everyone = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

    return CreateFileW(path, access, everyone, NULL, OPEN_EXISTING, flags, NULL);
}

/* Returns 0 if there was no such file, and 1 if another call failed. */
static unsigned long long mark_of_failure(void)
{
    DWORD error = GetLastError();

    return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ? 0 : 1;
}

/* The target of a link has to be opened, but without access to its data. */
static unsigned long long mark_target(const wchar_t *path)
{
    HANDLE opened = core_open(path, 0, FILE_FLAG_BACKUP_SEMANTICS);
    BY_HANDLE_FILE_INFORMATION found;
    BOOL done;

    if (opened == INVALID_HANDLE_VALUE)
        return mark_of_failure();
    done = GetFileInformationByHandle(opened, &found);
    CloseHandle(opened);
    memset(&found.ftLastAccessTime, 0, sizeof found.ftLastAccessTime);
    return done ? core_mark(&found, sizeof found) : 1;
}

/* Does not open the file, which could make an operation of another program fail. */
static unsigned long long mark(const wchar_t *path)
{
    WIN32_FILE_ATTRIBUTE_DATA found;

    if (!GetFileAttributesExW(path, GetFileExInfoStandard, &found))
        return mark_of_failure();
    if (found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT)
        return mark_target(path);
    memset(&found.ftLastAccessTime, 0, sizeof found.ftLastAccessTime);
    return core_mark(&found, sizeof found);
}

int wsgireload_marks(const void *paths, unsigned long bytes, unsigned long long *marks, int room)
{
    const wchar_t *next = paths, *end = next + bytes / sizeof *next;
    int count = 0;

    for (; next < end; count++, next += wcslen(next) + 1)
        if (count < room)
            marks[count] = mark(next);
    return count;
}
