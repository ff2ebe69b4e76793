/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <stdlib.h>
#include <string.h>

#include "../wsgireload.h"

#include "wide.h"

static unsigned long long mix(unsigned long long all, unsigned long long one)
{
    all = (all ^ one) * 0x9E3779B97F4A7C15;
    return all ^ all >> 29;
}

static unsigned long long joined(DWORD high, DWORD low)
{
    return (unsigned long long)high << 32 | low;
}

/* What a link leads to. It has to be opened for that, but with no access to what it holds. */
static BOOL follow(const wchar_t *path, WIN32_FILE_ATTRIBUTE_DATA *file)
{
    const DWORD everyone = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    HANDLE opened = CreateFileW(path, 0, everyone, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS,
                                NULL);
    BY_HANDLE_FILE_INFORMATION found;
    BOOL done;

    if (opened == INVALID_HANDLE_VALUE)
        return FALSE;
    done = GetFileInformationByHandle(opened, &found);
    CloseHandle(opened);
    file->dwFileAttributes = found.dwFileAttributes;
    file->ftCreationTime = found.ftCreationTime;
    file->ftLastWriteTime = found.ftLastWriteTime;
    file->nFileSizeHigh = found.nFileSizeHigh;
    file->nFileSizeLow = found.nFileSizeLow;
    return done;
}

/* Without opening the file, which would be in the way of others. */
static BOOL look(const char *path, WIN32_FILE_ATTRIBUTE_DATA *file)
{
    wchar_t *wide = wsgireload_path(path);
    DWORD error;
    BOOL done;

    if (wide == NULL)
        return FALSE;
    done = GetFileAttributesExW(wide, GetFileExInfoStandard, file);
    if (done && (file->dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT))
        done = follow(wide, file);
    error = GetLastError();
    free(wide);
    SetLastError(error);
    return done;
}

static unsigned long long mark(const char *path)
{
    WIN32_FILE_ATTRIBUTE_DATA file;
    unsigned long long all;
    DWORD error;

    if (!look(path, &file)) {
        error = GetLastError();
        return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ? 0 : 1;
    }
    all = mix(joined(file.nFileSizeHigh, file.nFileSizeLow), file.dwFileAttributes);
    all = mix(all, joined(file.ftLastWriteTime.dwHighDateTime, file.ftLastWriteTime.dwLowDateTime));
    all = mix(all, joined(file.ftCreationTime.dwHighDateTime, file.ftCreationTime.dwLowDateTime));
    return all > 1 ? all : all + 2;
}

void wsgireload_marks(const char *paths, int count, unsigned long long *marks)
{
    for (; count > 0; count--, paths += strlen(paths) + 1)
        *marks++ = mark(paths);
}
