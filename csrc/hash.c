/* SPDX-License-Identifier: MIT */
#include "internal.h"

/* FNV-1a. */
unsigned long long core_hash(const void *bytes, size_t length)
{
    const unsigned char *next = bytes, *end = next + length;
    unsigned long long hash = 0xCBF29CE484222325;

    while (next < end)
        hash = (hash ^ *next++) * 0x100000001B3;
    return hash != 0 ? hash : 1;
}

unsigned long long core_mark(const void *bytes, size_t length)
{
    return core_hash(bytes, length) >> 4 | 2;
}
