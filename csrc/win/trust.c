/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "../wsgireload.h"

#include "../failure.h"
#include "../hub/hub.h"
#include "wide.h"

static int is_slash(wchar_t unit)
{
    return unit == L'\\' || unit == L'/';
}

/* \\server\share, with either slash, also in the form that begins with \\?\. */
static int is_share(const wchar_t *path)
{
    if (wcsncmp(path, L"\\\\?\\", 4) == 0)
        return _wcsnicmp(path + 4, L"UNC\\", 4) == 0;
    return is_slash(path[0]) && is_slash(path[1]) && path[2] != L'.';
}

/* A network drive, or a folder into which one is mounted. */
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

int wsgireload_trusted(const char *path, int itself, wsgireload_outcome *out)
{
    wchar_t *wide;
    int trusted;

    if (itself) /* nothing is watched then */
        return 1;
    wide = wsgireload_path(path);
    if (wide == NULL) {
        wsgireload_failed(out, "GetFullPathNameW");
        return 0;
    }
    trusted = !is_share(wide) && !is_remote(wide);
    free(wide);
    if (!trusted) {
        memset(out, 0, sizeof *out);
        out->status = WSGIRELOAD_UNSUPPORTED;
        snprintf(out->call, sizeof out->call, "wsgireload_watch_directory");
        snprintf(out->message, sizeof out->message, "a network drive");
    }
    return trusted;
}
