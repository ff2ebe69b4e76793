/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <string.h>
#include <wchar.h>

#include "../wsgireload.h"

#include "../failure.h"

static HANDLE open_shared(const wchar_t *path)
{
    return CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                       NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
}

/* Windows takes a path of 260 and more only in its own form, absolute and with a prefix: \\?\ and
 * for \\server\share \\?\UNC\. `length` is that of the absolute path with its NUL. */
static HANDLE open_long(const wchar_t *path, DWORD length)
{
    static const wchar_t local[] = L"\\\\?\\", share[] = L"\\\\?\\UNC\\";
    const size_t room = sizeof share / sizeof *share - 1; /* for the longer prefix */
    wchar_t *whole = HeapAlloc(GetProcessHeap(), 0, (room + length) * sizeof *whole), *full;
    HANDLE file = INVALID_HANDLE_VALUE;
    DWORD got, error;

    if (whole == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return file;
    }
    full = whole + room;
    got = GetFullPathNameW(path, length, full, NULL);
    if (got == 0 || got >= length) { /* too long: a thread has changed to another folder */
        error = got == 0 ? GetLastError() : ERROR_FILENAME_EXCED_RANGE;
    } else {
        if (wcsncmp(full, L"\\\\", 2) != 0) {
            full -= wcslen(local);
            wmemcpy(full, local, wcslen(local));
        } else if (full[2] != L'?' && full[2] != L'.') {
            full -= wcslen(share) - 2;
            wmemcpy(full, share, wcslen(share));
        }
        file = open_shared(full);
        error = GetLastError();
    }
    HeapFree(GetProcessHeap(), 0, whole);
    SetLastError(error);
    return file;
}

long long wsgireload_open(const unsigned short *path, wsgireload_outcome *out)
{
    DWORD length = GetFullPathNameW(path, 0, NULL, NULL);
    HANDLE file;

    memset(out, 0, sizeof *out);
    file = length > MAX_PATH ? open_long(path, length) : open_shared(path);
    if (file != INVALID_HANDLE_VALUE)
        return (long long)(LONG_PTR)file;
    wsgireload_failed(out, "CreateFileW");
    return -1;
}
