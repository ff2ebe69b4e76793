/* SPDX-License-Identifier: MIT */
#define PSAPI_VERSION 2 /* from kernel32, without psapi.dll */

#include <windows.h>

#include <psapi.h>
#include <stdio.h>

#include "../find.h"

/* A function as the compiler of httpd may have named it in 32-bit DLLs: plain (with a .def file),
 * and decorated by MSVC or by mingw. On 64-bit it is always plain. */
static wsgireload_function in_module(HMODULE module, const char *name, unsigned bytes)
{
    static const char *const forms[] = {"%s", "_%s@%u", "%s@%u"};
    union {
        FARPROC given;
        wsgireload_function function;
    } found = {NULL};
    char decorated[64];
    size_t i;

    for (i = 0; i < sizeof forms / sizeof *forms && found.given == NULL; i++) {
        snprintf(decorated, sizeof decorated, forms[i], name, bytes);
        found.given = GetProcAddress(module, decorated);
    }
    return found.function;
}

/* The module of this process that is httpd, if there is one. Whoever built it may have named it
 * otherwise; without ap_mpm_query it would be of no use to us. */
static HMODULE httpd(void)
{
    HMODULE module = GetModuleHandleW(L"libhttpd.dll"), all[1024];
    DWORD bytes, i;

    if (module != NULL)
        return module;
    if (!EnumProcessModules(GetCurrentProcess(), all, sizeof all, &bytes))
        return NULL;
    for (i = 0; i < bytes / sizeof *all && i < sizeof all / sizeof *all; i++)
        if (in_module(all[i], "ap_mpm_query", 8) != NULL)
            return all[i];
    return NULL;
}

wsgireload_function wsgireload_find(const char *name, unsigned bytes)
{
    HMODULE module = httpd();

    return module != NULL ? in_module(module, name, bytes) : NULL;
}
