/* readers.h: one writer and readers of a memtable that take no lock (for MODE=tsan above all). */
#ifndef STRATA_TESTS_READERS_H
#define STRATA_TESTS_READERS_H

#include "04_memtable_sstable/memtable/memtable.h"

/* Two threads read while one writes: each get of what was told finds it, and each walk, forth, back
 * or from a key on, is in order and sees all that it may and nothing newer. */
void readers_check(const struct memtable_kind *kind);

#endif
