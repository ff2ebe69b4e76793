/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <stdio.h>

#include "../internal.h"

/* Writes Windows' message for an error, in UTF-8 and without the line end that Windows adds. */
static void get_message(DWORD code, char *text, size_t room)
{
    wchar_t wide[256];
    DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS;
    int length = (int)FormatMessageW(flags, NULL, code, 0, wide, sizeof wide / sizeof *wide, NULL);
    int bytes = 0;

    while (length > 0 && wide[length - 1] <= L' ')
        length--;
    for (; length > 0 && bytes == 0; length--) /* it fails as a whole if too long */
        bytes = WideCharToMultiByte(CP_UTF8, 0, wide, length, text, (int)room - 1, NULL, NULL);
    text[bytes] = '\0';
    if (bytes == 0)
        snprintf(text, room, "Windows error %lu", code);
}

int core_failed(wsgireload_outcome *out, const char *call)
{
    DWORD code = GetLastError();

    core_outcome(out, WSGIRELOAD_FAILED, call, "");
    out->code = (int)code;
    get_message(code, out->message, sizeof out->message);
    return -1;
}
