/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "names.h"

/* FNV-1a; 0 is for free slots. */
unsigned long long wsgireload_names_hash(const void *bytes, unsigned long long length)
{
    const unsigned char *next = bytes, *end = next + length;
    unsigned long long hash = 0xCBF29CE484222325;

    while (next < end)
        hash = (hash ^ *next++) * 0x100000001B3;
    return hash != 0 ? hash : 1;
}

/* Where a hash is, or would be: there is always a free slot. */
static unsigned long long *place(const wsgireload_names *names, unsigned long long hash)
{
    unsigned long long i = hash ^ hash >> 32;

    while (names->slots[i & (names->size - 1)] != 0 && names->slots[i & (names->size - 1)] != hash)
        i++;
    return &names->slots[i & (names->size - 1)];
}

static int grow(wsgireload_names *names)
{
    wsgireload_names grown = {NULL, names->size != 0 ? 2 * names->size : 8, names->used};
    unsigned i;

    grown.slots = calloc(grown.size, sizeof *grown.slots);
    if (grown.slots == NULL)
        return 0;
    for (i = 0; i < names->size; i++)
        if (names->slots[i] != 0)
            *place(&grown, names->slots[i]) = names->slots[i];
    free(names->slots);
    *names = grown;
    return 1;
}

int wsgireload_names_add(wsgireload_names *names, unsigned long long hash)
{
    unsigned long long *slot;

    if (2 * names->used >= names->size && !grow(names))
        return 0;
    slot = place(names, hash);
    names->used += *slot == 0;
    *slot = hash;
    return 1;
}

int wsgireload_names_have(const wsgireload_names *names, unsigned long long hash)
{
    return names->size != 0 && *place(names, hash) == hash;
}

void wsgireload_names_free(wsgireload_names *names)
{
    free(names->slots);
    memset(names, 0, sizeof *names);
}
