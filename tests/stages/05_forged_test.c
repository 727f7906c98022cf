/* 05_forged_test.c: tables whose checksums are right and whose contents are not: what a broken
 * writer, or somebody who means harm, could leave. Each is refused, by open, by a read or by
 * verify, with file and offset, and nothing is read or allocated beyond what is there. */
#include "test.h"

#include "01_append_log/record.h"
#include "05_blocks_bloom/block/stored_block.h"
#include "05_blocks_bloom/table/table_inside.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "table_7.h"

#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define BLOCKS 3

/* What a table is put together from: three blocks of two keys each, until a test changes it. */
struct parts {
    struct strata_buffer blocks[BLOCKS];          /* as they are uncompressed */
    const char *separators[BLOCKS];               /* NULL: the entry is left out */
    int64_t offset_off[BLOCKS], size_off[BLOCKS]; /* by which the index is wrong */
    const char *handle; /* the value of the last entry; NULL: what is right */
    uint32_t index_interval;
    struct strata_buffer filter; /* with its probes */
    bool filter_compressed, no_filter;
    struct table_properties properties;        /* digest and raw_bytes: added to what is right */
    struct strata_slice instead_of_properties; /* if it has data */
    int64_t index_off, filter_off, properties_off; /* by which the footer is wrong */
    size_t gap;                                    /* bytes between the blocks and the index */
    unsigned version;
    bool magic_wrong;
};

static struct strata_buffer make_block(const char *a, const char *b)
{
    struct block_builder builder = {.interval = BLOCK_RESTART_INTERVAL};
    struct strata_buffer copy = {0};
    struct strata_slice bytes;
    struct strata_error err;

    assert_ok(block_builder_add(&builder, STRATA_OP_PUT, S(a), S("value"), &err), &err);
    if (b)
        assert_ok(block_builder_add(&builder, STRATA_OP_DELETE, S(b), S(""), &err), &err);
    assert_ok(block_builder_finish(&builder, &bytes, &err), &err);
    strata_buffer_append(&copy, bytes.data, bytes.size);
    block_builder_free(&builder);
    return copy;
}

static void set_block(struct parts *p, int n, const char *a, const char *b)
{
    strata_buffer_free(&p->blocks[n]);
    p->blocks[n] = make_block(a, b);
}

static void init(struct parts *p)
{
    uint8_t filter[2 * BLOOM_LINE + 1];

    *p =
        (struct parts){.separators = {"c", "e", "fig"},
                       .index_interval = 1,
                       .version = 1,
                       .properties = {.sum = {.records = 6, .tombstones = 3, .first = 1, .last = 6},
                                      .smallest = S("apple"),
                                      .largest = S("fig")}};
    set_block(p, 0, "apple", "banana");
    set_block(p, 1, "cherry", "date");
    set_block(p, 2, "elder", "fig");
    memset(filter, 0xff, sizeof filter); /* it has every key */
    filter[sizeof filter - 1] = 6;
    strata_buffer_append(&p->filter, filter, sizeof filter);
}

static void end(struct parts *p)
{
    for (int n = 0; n < BLOCKS; n++)
        strata_buffer_free(&p->blocks[n]);
    strata_buffer_free(&p->filter);
}

static uint32_t put(struct strata_buffer *to, struct strata_slice bytes, bool compress)
{
    struct strata_error err;
    uint32_t check;

    assert_ok(stored_block_put(to, 7, to->size, bytes, compress, &check, &err), &err);
    return check;
}

static void put_index(struct strata_buffer *to, const struct parts *p, const uint64_t offsets[])
{
    struct block_builder builder = {.interval = p->index_interval};
    struct strata_slice bytes;
    struct strata_error err;

    for (int n = 0; n < BLOCKS; n++) {
        uint8_t value[20], *at = value;
        at = put_varint(at, offsets[n] + (uint64_t)p->offset_off[n]);
        at = put_varint(at, offsets[n + 1] - offsets[n] + (uint64_t)p->size_off[n]);
        struct strata_slice handle = strata_bytes(value, (size_t)(at - value));
        if (p->handle && n + 1 == BLOCKS)
            handle = S(p->handle);
        if (p->separators[n])
            assert_ok(block_builder_add(&builder, STRATA_OP_PUT, S(p->separators[n]), handle, &err),
                      &err);
    }
    assert_ok(block_builder_finish(&builder, &bytes, &err), &err);
    put(to, bytes, false);
    block_builder_free(&builder);
}

static void put_properties(struct strata_buffer *to, const struct parts *p, uint64_t digest,
                           uint64_t raw_bytes)
{
    struct table_properties properties = p->properties;
    struct strata_buffer bytes = {0};
    struct strata_error err;

    properties.sum.digest += digest;
    properties.raw_bytes += raw_bytes;
    assert_ok(table_properties_put(&bytes, &properties, &err), &err);
    put(to, p->instead_of_properties.data ? p->instead_of_properties : strata_buffer_slice(&bytes),
        false);
    strata_buffer_free(&bytes);
}

/* The footer by hand: the real one refuses to be wrong. */
static void put_footer(struct strata_buffer *to, const struct parts *p, struct table_footer right)
{
    uint8_t bytes[TABLE_FOOTER], *at;

    at = put_u64(bytes, right.index + (uint64_t)p->index_off);
    at = put_u64(at, right.filter + (uint64_t)p->filter_off);
    at = put_u64(at, right.properties + (uint64_t)p->properties_off);
    at = put_u16(put_u16(at, (uint16_t)p->version), 0);
    at = put_u32(at, checksum(checksum_seed(7, to->size), strata_bytes(bytes, 28)));
    memcpy(at, p->magic_wrong ? "STRATBLK" : TABLE_MAGIC, 8);
    strata_buffer_append(to, bytes, sizeof bytes);
}

/* The file's bytes; the header is that of a real table 7. */
static void put_together(struct table_7 *t, const struct parts *p, struct strata_buffer *bytes)
{
    uint64_t offsets[BLOCKS + 1], digest = 0, raw_bytes = 0;
    struct sstable_writer *writer = table_7_writer(t);
    struct table_footer footer;

    table_7_add(writer, STRATA_OP_PUT, S("a"), S("b"));
    table_7_finish(writer, 1, 1);
    assert_int_equal(fs_sim_get(t->fs, TABLE_7_PATH, bytes), 0);
    bytes->size = RECORD_FILE_HEADER;
    for (int n = 0; n < BLOCKS; n++) {
        offsets[n] = bytes->size;
        digest = stored_block_digest(digest, put(bytes, strata_buffer_slice(&p->blocks[n]), true));
        raw_bytes += p->blocks[n].size;
    }
    offsets[BLOCKS] = bytes->size;
    strata_buffer_append(bytes, "\0\0\0\0\0\0\0\0\0\0", p->gap);
    footer.index = bytes->size;
    put_index(bytes, p, offsets);
    footer.filter = bytes->size;
    if (!p->no_filter)
        put(bytes, strata_buffer_slice(&p->filter), p->filter_compressed);
    footer.properties = bytes->size;
    put_properties(bytes, p, digest, raw_bytes);
    put_footer(bytes, p, footer);
}

static void forge(struct table_7 *t, const struct parts *p)
{
    struct strata_buffer bytes = {0};

    put_together(t, p, &bytes);
    assert_int_equal(fs_sim_put(t->fs, TABLE_7_PATH, strata_buffer_slice(&bytes)), 0);
    strata_buffer_free(&bytes);
}

static void begin(struct table_7 *t, struct parts *p)
{
    table_7_init(t, (struct table_7_setting){4096, 1 << 20, 10, false});
    init(p);
}

static void expect_inspect_sees(struct table_7 *t)
{
    assert_true(table_7_inspect_sees_damage(t));
}

/* The table does not open, and says this. Ends it. */
static void refused_by_open(struct table_7 *t, struct parts *p, const char *says)
{
    struct strata_error err;
    struct sstable *table;

    forge(t, p);
    assert_code(table_7_open(t, &table, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, TABLE_7_PATH);
    assert_err_says(&err, says);
    assert_int_not_equal(err.offset, STRATA_NO_OFFSET);
    assert_null(table);
    expect_inspect_sees(t);
    end(p);
    table_7_free(t);
}

static int scan(struct sstable *table, struct strata_error *err)
{
    struct cursor *cursor = table_kind.cursor(table, false);
    int rc;

    assert_non_null(cursor);
    for (rc = cursor_first(cursor, err); rc == 0;)
        rc = cursor_next(cursor, err);
    cursor_free(cursor);
    return rc;
}

/* It opens, but a scan (or, if not that, verify alone) says this. Ends it. */
static void refused_by_read(struct table_7 *t, struct parts *p, bool by_scan, const char *says)
{
    struct strata_error err;
    struct sstable *table;

    forge(t, p);
    assert_ok(table_7_open(t, &table, &err), &err);
    assert_code(scan(table, &err), by_scan ? STRATA_ERR_CORRUPT : STRATA_NOT_FOUND, &err);
    if (by_scan)
        assert_err_says(&err, says);
    assert_code(table_kind.verify(table, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, TABLE_7_PATH);
    assert_err_says(&err, says);
    sstable_unref(table);
    expect_inspect_sees(t);
    end(p);
    table_7_free(t);
}

static void table_put_together_by_hand_is_whole(void **state)
{
    struct strata_error err;
    struct sstable *table;
    struct table_7 t;
    struct parts p;

    (void)state;
    for (int filter = 0; filter < 2; filter++) {
        begin(&t, &p);
        p.no_filter = !filter;
        forge(&t, &p);
        assert_ok(table_7_open(&t, &table, &err), &err);
        assert_code(scan(table, &err), STRATA_NOT_FOUND, &err);
        assert_ok(table_kind.verify(table, &err), &err);
        assert_false(table_7_inspect_sees_damage(&t));
        sstable_unref(table);
        end(&p);
        table_7_free(&t);
    }
}

/* ---- Properties
 * ---------------------------------------------------------------------------------- */

static void properties_of_no_records_are_refused(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    p.properties.sum.records = p.properties.sum.tombstones = 0;
    refused_by_open(&t, &p, "impossible counts");
}

static void properties_with_more_tombstones_than_records_are_refused(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    p.properties.sum.tombstones = 7;
    refused_by_open(&t, &p, "impossible counts");
}

static void properties_with_a_sequence_number_never_given_away_are_refused(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    p.properties.sum.last = UINT64_MAX / 2 + 1;
    refused_by_open(&t, &p, "impossible counts or sequence numbers");
}

static void properties_with_sequence_numbers_turned_round_are_refused(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    p.properties.sum.first = 7;
    refused_by_open(&t, &p, "sequence numbers");
}

static void properties_with_an_impossible_range_are_refused(void **state)
{
    char *key = calloc(1, STRATA_MAX_KEY + 1);
    struct table_7 t;
    struct parts p;

    (void)state;
    assert_non_null(key);
    for (int i = 0; i < 3; i++) {
        begin(&t, &p);
        if (i == 0)
            p.properties.smallest = S("fiz");
        else if (i == 1)
            p.properties.smallest = strata_bytes(key, STRATA_MAX_KEY + 1);
        else
            p.properties.largest = strata_bytes(key, STRATA_MAX_KEY + 1);
        refused_by_open(&t, &p, "impossible range");
    }
    free(key);
}

static void properties_cut_or_longer_are_refused(void **state)
{
    static const uint8_t bytes[80];
    struct table_7 t;
    struct parts p;

    (void)state;
    for (size_t size = 0; size <= 52; size += 4) { /* 51: the numbers, and three sizes that are 0 */
        begin(&t, &p);
        p.instead_of_properties = strata_bytes(bytes, size);
        refused_by_open(&t, &p, "do not end where they should");
    }
}

static void properties_that_count_otherwise_are_found_by_verify(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    for (int i = 0; i < 4; i++) {
        begin(&t, &p);
        p.properties.sum.records += i == 0;
        p.properties.sum.tombstones += i == 1;
        p.properties.sum.digest += i == 2;
        p.properties.raw_bytes += i == 3;
        refused_by_read(&t, &p, false, "not those that the properties describe");
    }
}

static void properties_with_another_smallest_key_are_found_by_a_read(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    p.properties.smallest = S("aardvark");
    refused_by_read(&t, &p, true, "that the index has elsewhere");
    begin(&t, &p);
    p.properties.smallest = S("apricot"); /* after the first one: a get would not find apple */
    refused_by_read(&t, &p, true, "that the index has elsewhere");
}

static void properties_with_another_largest_key_are_refused(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    p.properties.largest = S("grape");
    refused_by_open(&t, &p, "does not end with the table's largest key");
}

/* ---- Footer
 * -------------------------------------------------------------------------------------- */

static void footer_with_impossible_offsets_is_refused(void **state)
{
    static const int64_t off[][3] = {
        {-1000000, 0, 0}, {1000000, 0, 0},  {0, -1000000, 0},  {0, 1000000, 0},
        {0, 0, 1000000},  {0, 0, -1000000}, {INT64_MIN, 0, 0}, {0, INT64_MIN, INT64_MIN},
    };
    struct table_7 t;
    struct parts p;

    (void)state;
    for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
        check_case(i);
        begin(&t, &p);
        p.index_off = off[i][0];
        p.filter_off = off[i][1];
        p.properties_off = off[i][2];
        refused_by_open(&t, &p, "impossible offsets");
    }
}

static void footer_that_is_off_by_one_is_refused(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    for (int i = 0; i < 6; i++) {
        begin(&t, &p);
        *(i / 2 == 0   ? &p.index_off
          : i / 2 == 1 ? &p.filter_off
                       : &p.properties_off) = i % 2 ? 1 : -1;
        refused_by_open(&t, &p, "checksum");
    }
}

static void footer_of_another_version_is_refused(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    p.version = 2;
    refused_by_open(&t, &p, "another version than 1");
}

static void footer_with_another_magic_is_refused(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    p.magic_wrong = true;
    refused_by_open(&t, &p, "does not end with " TABLE_MAGIC);
}

/* ---- Index
 * --------------------------------------------------------------------------------------- */

static void index_whose_blocks_do_not_follow_each_other_is_refused(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    for (int i = 0; i < 6; i++) {
        begin(&t, &p);
        if (i < 2)
            p.offset_off[1] = i ? 1 : -1;
        else if (i < 4)
            p.size_off[1] = i == 3 ? 1 : -1;
        else
            p.size_off[2] = i == 5 ? 1 : INT64_MIN;
        refused_by_open(&t, &p, "does not follow the one before it");
    }
}

static void index_that_leaves_a_gap_is_refused(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    p.gap = 1;
    refused_by_open(&t, &p, "leaves a gap");
    begin(&t, &p);
    p.size_off[2] = -1;
    refused_by_open(&t, &p, "leaves a gap");
}

static void index_with_a_value_that_is_no_handle_is_refused(void **state)
{
    static const char *const handles[] = {"", "\x18", "\x18\x18\x18", "\xff\xff"};
    struct table_7 t;
    struct parts p;

    (void)state;
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++) {
        check_case(i);
        begin(&t, &p);
        p.handle = handles[i];
        refused_by_open(&t, &p, "not an offset and a size");
    }
}

static void index_without_a_restart_point_at_each_entry_is_refused(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    p.index_interval = 2;
    refused_by_open(&t, &p, "no restart points");
}

static void index_with_a_separator_before_a_key_is_found_by_a_read(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    p.separators[0] = "b"; /* banana would not be found */
    refused_by_read(&t, &p, true, "that the index has elsewhere");
    begin(&t, &p);
    p.separators[0] = "cherry"; /* cherry would not be found */
    refused_by_read(&t, &p, true, "that the index has elsewhere");
}

/* ---- Filter
 * -------------------------------------------------------------------------------------- */

static void filter_that_is_none_is_refused(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    for (int i = 0; i < 5; i++) {
        begin(&t, &p);
        if (i == 0)
            p.filter_compressed = true;
        else if (i == 1)
            p.filter.size = 0;
        else if (i == 2)
            p.filter.data[p.filter.size - 1] = 0;
        else if (i == 3)
            p.filter.data[p.filter.size - 1] = BLOOM_PROBES_MAX + 1;
        else
            p.filter.size -= 1; /* 127 bytes of lines, and their last as the probes */
        refused_by_open(&t, &p, "filter");
    }
}

static void filter_that_lacks_a_key_is_found_by_verify(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    memset(p.filter.data, 0, p.filter.size - 1);
    refused_by_read(&t, &p, false, "the filter does not have a key");
}

/* ---- Data blocks
 * --------------------------------------------------------------------------------- */

static void block_that_is_none_is_damage(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    p.blocks[1].data[0] = 1; /* the first key shares a byte with none */
    refused_by_read(&t, &p, true, "shares more bytes");
}

static void block_with_keys_of_its_neighbour_is_damage(void **state)
{
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    set_block(&p, 1, "bat", "date"); /* before the separator of block 0 */
    refused_by_read(&t, &p, true, "that the index has elsewhere");
    begin(&t, &p);
    set_block(&p, 1, "cherry", "east"); /* after its own */
    refused_by_read(&t, &p, true, "that the index has elsewhere");
    begin(&t, &p);
    set_block(&p, 2, "elder", "figs"); /* after the last of all */
    refused_by_read(&t, &p, true, "that the index has elsewhere");
    begin(&t, &p);
    set_block(&p, 2, "elder", "fi"); /* another last key than the largest */
    refused_by_read(&t, &p, true, "that the index has elsewhere");
}

static void block_larger_than_all_of_the_tables_is_damage(void **state)
{
    struct strata_error err;
    struct sstable *table;
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    p.properties.raw_bytes =
        0 - (uint64_t)p.blocks[1].size - p.blocks[2].size - 1; /* one less than block 0 */
    forge(&t, &p);
    assert_ok(table_7_open(&t, &table, &err), &err);
    assert_code(scan(table, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "larger than the table's blocks can be");
    assert_err_offset(&err, RECORD_FILE_HEADER);
    sstable_unref(table);
    end(&p);
    table_7_free(&t);
}

/* ---- The file
 * ------------------------------------------------------------------------------------ */

static void table_that_is_missing_is_damage(void **state)
{
    struct strata_error err;
    struct sstable *table;
    struct table_7 t;

    (void)state;
    table_7_init(&t, (struct table_7_setting){4096, 0, 10, false});
    assert_code(table_7_open(&t, &table, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, TABLE_7_PATH);
    assert_err_says(&err, "missing");
    table_7_free(&t);
}

static void table_cut_while_it_is_open_is_damage(void **state)
{
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct sstable *table;
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    forge(&t, &p);
    assert_ok(table_7_open(&t, &table, &err), &err);
    assert_int_equal(fs_sim_get(t.fs, TABLE_7_PATH, &bytes), 0);
    assert_int_equal(fs_sim_put(t.fs, TABLE_7_PATH, strata_bytes(bytes.data, 30)), 0);
    assert_code(scan(table, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "cut short while it was open");
    assert_code(table_kind.verify(table, &err), STRATA_ERR_CORRUPT, &err);
    sstable_unref(table);
    strata_buffer_free(&bytes);
    end(&p);
    table_7_free(&t);
}

static void table_replaced_by_another_is_found_by_verify(void **state)
{
    struct strata_error err;
    struct sstable *table;
    struct table_7 t;
    struct parts p;

    (void)state;
    begin(&t, &p);
    forge(&t, &p);
    assert_ok(table_7_open(&t, &table, &err), &err);
    p.properties.sum.tombstones = 2;
    set_block(&p, 2, "elder", NULL);
    p.separators[2] = "elder";
    p.properties.largest = S("elder");
    p.properties.sum.records = 5;
    forge(&t, &p);
    assert_code(table_kind.verify(table, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "another table than the one that was opened");
    sstable_unref(table);
    end(&p);
    table_7_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_put_together_by_hand_is_whole),
        cmocka_unit_test(properties_of_no_records_are_refused),
        cmocka_unit_test(properties_with_more_tombstones_than_records_are_refused),
        cmocka_unit_test(properties_with_a_sequence_number_never_given_away_are_refused),
        cmocka_unit_test(properties_with_sequence_numbers_turned_round_are_refused),
        cmocka_unit_test(properties_with_an_impossible_range_are_refused),
        cmocka_unit_test(properties_cut_or_longer_are_refused),
        cmocka_unit_test(properties_that_count_otherwise_are_found_by_verify),
        cmocka_unit_test(properties_with_another_smallest_key_are_found_by_a_read),
        cmocka_unit_test(properties_with_another_largest_key_are_refused),
        cmocka_unit_test(footer_with_impossible_offsets_is_refused),
        cmocka_unit_test(footer_that_is_off_by_one_is_refused),
        cmocka_unit_test(footer_of_another_version_is_refused),
        cmocka_unit_test(footer_with_another_magic_is_refused),
        cmocka_unit_test(index_whose_blocks_do_not_follow_each_other_is_refused),
        cmocka_unit_test(index_that_leaves_a_gap_is_refused),
        cmocka_unit_test(index_with_a_value_that_is_no_handle_is_refused),
        cmocka_unit_test(index_without_a_restart_point_at_each_entry_is_refused),
        cmocka_unit_test(index_with_a_separator_before_a_key_is_found_by_a_read),
        cmocka_unit_test(filter_that_is_none_is_refused),
        cmocka_unit_test(filter_that_lacks_a_key_is_found_by_verify),
        cmocka_unit_test(block_that_is_none_is_damage),
        cmocka_unit_test(block_with_keys_of_its_neighbour_is_damage),
        cmocka_unit_test(block_larger_than_all_of_the_tables_is_damage),
        cmocka_unit_test(table_that_is_missing_is_damage),
        cmocka_unit_test(table_cut_while_it_is_open_is_damage),
        cmocka_unit_test(table_replaced_by_another_is_found_by_verify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
