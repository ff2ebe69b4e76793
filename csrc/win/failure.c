/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <stdio.h>
#include <string.h>

#include "../wsgireload.h"

#include "../failure.h"

/* In UTF-8, and without the line end that Windows puts after each message. */
static void words(DWORD code, char *text, size_t room)
{
    wchar_t said[256];
    DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS;
    int length = (int)FormatMessageW(flags, NULL, code, 0, said, sizeof said / sizeof *said, NULL);
    int bytes = 0;

    while (length > 0 && said[length - 1] <= L' ')
        length--;
    for (; length > 0 && bytes == 0; length--) /* what is too long fails as a whole */
        bytes = WideCharToMultiByte(CP_UTF8, 0, said, length, text, (int)room - 1, NULL, NULL);
    text[bytes] = '\0';
    if (bytes == 0)
        snprintf(text, room, "Windows error %lu", code);
}

void wsgireload_failed(wsgireload_outcome *out, const char *call)
{
    DWORD code = GetLastError();

    memset(out, 0, sizeof *out);
    out->status = WSGIRELOAD_FAILED;
    out->code = (int)code;
    snprintf(out->call, sizeof out->call, "%s", call);
    words(code, out->message, sizeof out->message);
}
