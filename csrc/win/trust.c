/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <stdlib.h>
#include <wchar.h>

#include "../internal.h"

/* \\server\share with either slash, or the same after \\?\UNC\. */
static int is_share(const wchar_t *path)
{
    if (wcsncmp(path, L"\\\\?\\", 4) == 0)
        return _wcsnicmp(path + 4, L"UNC\\", 4) == 0;
    return wcsspn(path, L"\\/") >= 2 && path[2] != L'.';
}

/* A network drive, or a directory where one is mounted. */
static int is_remote(const wchar_t *path)
{
    size_t room = wcslen(path) + MAX_PATH;
    wchar_t *volume = malloc(room * sizeof *volume);
    int remote = 0;

    if (volume != NULL && GetVolumePathNameW(path, volume, (DWORD)room))
        remote = GetDriveTypeW(volume) == DRIVE_REMOTE;
    free(volume);
    return remote;
}

int core_check_trust(const void *path, int itself, wsgireload_outcome *out)
{
    if (itself || (!is_share(path) && !is_remote(path))) /* with `itself` no events are used */
        return 0;
    return core_outcome(out, WSGIRELOAD_UNSUPPORTED, "wsgireload_watch_directory",
                        "a network drive");
}
