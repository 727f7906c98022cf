/* pointer.c: what a table has in place of a large value (stages/12_value_log/values/pointer.c),
 * alone or in a chain, and its list of value files (values/live.c), by themselves: the bytes are
 * taken for each.
 *
 *   - any bytes are taken or refused, and nothing is allocated;
 *   - a pointer that is taken makes the same bytes when it is written anew;
 *   - of a coded value that is taken all pointers are such;
 *   - of a list that is taken each file is found by its number, in order, and no other is. */
#include "10_concurrency/snapshot/chain.h"
#include "12_value_log/table/value_table.h"
#include "12_value_log/values/live.h"
#include "fuzz.h"
#include "memory.h"

#include <string.h>

static void check_pointer(struct strata_slice bytes)
{
    uint8_t again[POINTER_BYTES];
    struct pointer pointer;

    pointer_decode(bytes, &pointer);
    require(pointer.number && pointer.offset >= RECORD_FILE_HEADER, "it cannot be");
    require(pointer.size <= STRATA_MAX_VALUE, "its value cannot be");
    pointer_encode(&pointer, again);
    require(memcmp(again, bytes.data, sizeof again) == 0, "other bytes");
}

static void check_coded(struct strata_slice bytes)
{
    struct chain_version v;
    struct chain chain;

    if (!chain_is(bytes)) {
        check_pointer(bytes);
        return;
    }
    for (chain_open(&chain, bytes); chain_next(&chain, &v);)
        if (v.type == SSTABLE_CODED)
            check_pointer(v.value);
}

static void check_list(const struct strata_buffer *notes)
{
    uint64_t before = 0;

    for (size_t i = 0; i < live_count(notes); i++) {
        struct live live = live_at(notes, i), found = live_of(notes, live.number);
        require(live.number > before && live.values, "no order");
        require(found.bytes == live.bytes && found.values == live.values, "another file is found");
        require(live.number == before + 1 || !live_of(notes, live.number - 1).values,
                "a file that is not in it");
        before = live.number;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strata_slice bytes = strata_bytes(data, size);
    struct strata_buffer notes = {.data = (uint8_t *)(uintptr_t)data, .size = size};
    const char *pointer, *coded, *list;

    memory_watch(0);
    pointer = pointer_check(bytes);
    coded = value_coding.check(bytes, CODING_NUMBER_MAX);
    list = live_check(&notes);
    memory_watched();
    if (!pointer)
        check_pointer(bytes);
    require(pointer || !coded, "a pointer is a coded value");
    if (!coded)
        check_coded(bytes);
    if (!list)
        check_list(&notes);
    return 0;
}
