/* SPDX-License-Identifier: MIT
 *
 * The last changes, and who has read them up to where. After wsgireload.h. Readers are numbers
 * below 64, and sets of readers are their bits.
 */

enum { WSGIRELOAD_READERS = 64, WSGIRELOAD_RING = 256 };

/* All zero: an empty one. */
typedef struct {
    struct {
        unsigned long long sequence, readers; /* when it was told last, and whom it is for */
        wsgireload_change change;
    } entries[WSGIRELOAD_RING];
    unsigned long long posted;                   /* how many entries were ever used */
    unsigned long long sequence;                 /* the latest one */
    unsigned long long seen[WSGIRELOAD_READERS]; /* up to which sequence each has read */
    unsigned long long overrun;                  /* who missed something */
} wsgireload_ring;

/* From now on, and nothing before: for a reader that is new. */
void wsgireload_ring_join(wsgireload_ring *ring, int reader);

/* What is posted again and again takes one entry. */
void wsgireload_ring_post(wsgireload_ring *ring, unsigned long long readers, int directory,
                          int gone, const char *name);

/* How many changes were written. The first has directory -1 where some were lost. */
int wsgireload_ring_read(wsgireload_ring *ring, int reader, wsgireload_change *changes, int room);
