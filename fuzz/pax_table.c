/* pax_table.c: a table of stage 9 (stages/09_fast_paths/table/pax_table_layout.c), with its blocks,
 * index and filter, by itself: what must hold is in sorted_file.h.
 *
 * Beyond that, of one that verifies:
 *   - its properties and its footer make the same bytes when they are written again;
 *   - a section of it is valid in no other place. */
#include "09_fast_paths/table/pax_table.h"
#include "09_fast_paths/table/pax_table_inside.h"
#include "base/coding.h"
#include "database.h"
#include "fuzz.h"
#include "sorted_file.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER 2

static uint64_t u64_at(const uint8_t *data)
{
    struct decoder d;
    decoder_init(&d, strata_bytes(data, 8));
    return get_u64(&d);
}

/* The properties, which begin there. */
static void check_properties(struct strata_slice stored, uint64_t place)
{
    struct pax_table_properties p;
    struct strata_buffer bytes = {0}, again = {0};
    struct strata_error err = {.code = 0};
    struct stored_block section;

    require(stored_block_open(&section, stored, NUMBER, place, &err) == 0, "%s", err.message);
    require(strata_buffer_append(&bytes, stored.data, stored.size) == 0, "no memory");
    bytes.data = realloc(bytes.data, section.size + 1);
    require(bytes.data && stored_block_uncompress(&section, place, bytes.data, &err) == 0, "%s",
            err.message);
    bytes.size = bytes.capacity = section.size;
    require(!pax_table_get_properties(strata_buffer_slice(&bytes), place, false, &p),
            "no properties");
    require(pax_table_put_properties(&again, &p, &err) == 0, "%s", err.message);
    require(strata_compare(strata_buffer_slice(&again), strata_buffer_slice(&bytes)) == 0,
            "other properties");
    strata_buffer_free(&bytes);
    strata_buffer_free(&again);
}

static void check_bytes(struct strata_slice bytes)
{
    uint64_t footer = bytes.size - PAX_TABLE_FOOTER, place = u64_at(bytes.data + footer);
    struct strata_slice properties = strata_bytes(bytes.data + place, (size_t)(footer - place));
    struct stored_block section;
    uint8_t again[PAX_TABLE_FOOTER];

    pax_table_put_footer(NUMBER, footer, place, false, again);
    require(memcmp(again, bytes.data + footer, PAX_TABLE_FOOTER) == 0, "another footer");
    check_properties(properties, place);
    require(stored_block_open(&section, properties, NUMBER, place + 1, NULL) < 0 &&
                stored_block_open(&section, properties, NUMBER + 1, place, NULL) < 0,
            "the properties are valid in other places");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* LZ4 makes 255 bytes of one at most, and two blocks are held at once. */
    static const struct sorted_file file = {.kind = &pax_table_kind,
                                            .format = &pax_table_format,
                                            .path = DATABASE_DIR "/000002.table",
                                            .stage = 9,
                                            .unlisted = true,
                                            .ordered = true,
                                            .most_per_byte = 512,
                                            .check_bytes = check_bytes};

    sorted_file_check(&file, strata_bytes(data, size));
    return 0;
}
