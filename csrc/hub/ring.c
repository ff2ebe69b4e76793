/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "../wsgireload.h"

#include "ring.h"

void wsgireload_ring_join(wsgireload_ring *ring, int reader)
{
    ring->seen[reader] = ring->sequence;
    ring->overrun &= ~(1ULL << reader);
}

/* An entry is about to be used anew: whoever has not read it misses it. */
static void take_back(wsgireload_ring *ring, unsigned long long sequence, unsigned long long readers)
{
    int reader;

    for (reader = 0; reader < WSGIRELOAD_READERS; reader++)
        if ((readers >> reader & 1) && ring->seen[reader] < sequence)
            ring->overrun |= 1ULL << reader;
}

static void write_change(wsgireload_change *change, int directory, int gone, const char *name)
{
    size_t length = strlen(name);

    change->directory = directory;
    change->gone = gone;
    if (length >= sizeof change->name)
        length = 0; /* cut it would be another name, and "" is true of every name */
    memcpy(change->name, name, length);
    change->name[length] = '\0';
}

void wsgireload_ring_post(wsgireload_ring *ring, unsigned long long readers, int directory,
                          int gone, const char *name)
{
    unsigned long long newest = (ring->posted - 1) % WSGIRELOAD_RING;
    const wsgireload_change *last = &ring->entries[newest].change;

    if (ring->posted == 0 || last->directory != directory || last->gone != gone
        || strcmp(last->name, name) != 0) {
        newest = ring->posted++ % WSGIRELOAD_RING;
        take_back(ring, ring->entries[newest].sequence, ring->entries[newest].readers);
        write_change(&ring->entries[newest].change, directory, gone, name);
    }
    ring->entries[newest].sequence = ++ring->sequence;
    ring->entries[newest].readers = readers;
}

int wsgireload_ring_read(wsgireload_ring *ring, int reader, wsgireload_change *changes, int room)
{
    unsigned long long next = ring->posted > WSGIRELOAD_RING ? ring->posted - WSGIRELOAD_RING : 0;
    int count = 0;

    if ((ring->overrun >> reader & 1) && count < room) {
        ring->overrun &= ~(1ULL << reader);
        write_change(&changes[count++], -1, 0, "");
    }
    for (; next < ring->posted && count < room; next++) {
        unsigned long long i = next % WSGIRELOAD_RING;

        if (ring->entries[i].sequence <= ring->seen[reader])
            continue;
        ring->seen[reader] = ring->entries[i].sequence;
        if (ring->entries[i].readers >> reader & 1)
            changes[count++] = ring->entries[i].change;
    }
    return count;
}
