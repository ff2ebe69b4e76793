/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

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

/* Returns the slot of a hash, or the free one for it: there is always a free slot. */
static unsigned long long *slot_of(const core_names *names, unsigned long long hash)
{
    unsigned long long i = hash ^ hash >> 32;

    while (names->slots[i & (names->size - 1)] != 0 && names->slots[i & (names->size - 1)] != hash)
        i++;
    return &names->slots[i & (names->size - 1)];
}

static int grow(core_names *names)
{
    core_names grown = {NULL, names->size != 0 ? 2 * names->size : 8, names->used};
    unsigned i;

    grown.slots = calloc(grown.size, sizeof *grown.slots);
    if (grown.slots == NULL)
        return 0;
    for (i = 0; i < names->size; i++)
        if (names->slots[i] != 0)
            *slot_of(&grown, names->slots[i]) = names->slots[i];
    free(names->slots);
    *names = grown;
    return 1;
}

int core_names_add(core_names *names, unsigned long long hash)
{
    unsigned long long *slot;

    if (2 * names->used >= names->size && !grow(names))
        return 0;
    slot = slot_of(names, hash);
    names->used += *slot == 0;
    *slot = hash;
    return 1;
}

int core_names_have(const core_names *names, unsigned long long hash)
{
    return names->size != 0 && *slot_of(names, hash) == hash;
}
