/* 09_pax_forged_test.c: bytes whose own checks all hold and that say what cannot be: properties,
 * footers, sections and blocks of other tables. Random damage never gets that far. And a table that
 * is changed, or cannot be read, while it is open. */
#define _POSIX_C_SOURCE 200809L
#include "test.h"

#include "01_append_log/record.h"
#include "02_hash_index/index.h"
#include "09_fast_paths/table/pax_table_inside.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "crash/sim/fs_sim.h"
#include "inspect/inspect.h"

#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR "db"
#define PATH "db/000007.table"
#define ROWS 40

static const struct sstable_kind *const kind = &pax_table_kind;

/* A place for tables, with what they have in common. */
struct ground {
    struct strata_fs *fs;
    struct strata_options options;
    struct strata_env env;
    void *common;
};

static void ground_init(struct ground *g)
{
    struct strata_error err;

    g->fs = fs_sim_new();
    strata_options_init(&g->options);
    g->options.block_bytes = 256;
    g->options.cache_bytes = 0;
    assert_int_equal(fs_sim_put_directory(g->fs, DIR), 0);
    g->env = (struct strata_env){.fs = g->fs, .dir = DIR, .options = &g->options};
    assert_ok(kind->common_new(&g->env, &g->common, &err), &err);
}

static void ground_free(struct ground *g)
{
    kind->common_del(g->common);
    assert_int_equal(fs_sim_open_files(g->fs), 0);
    fs_free(g->fs);
}

/* Keys "key 100" to "key 139" and so on, one in five deleted. */
static void write_rows(struct ground *g, uint64_t number, int rows)
{
    struct sstable_writer *writer;
    struct strata_error err;

    assert_ok(kind->writer_new(&g->env, number, &writer, &err), &err);
    for (int n = 0; n < rows; n++) {
        char key[16], value[40];
        bool gone = n % 5 == 3;
        snprintf(key, sizeof key, "key %06d", 100000 + n);
        snprintf(value, sizeof value, "the value of %d", n);
        assert_ok(kind->writer_add(writer, gone ? STRATA_OP_DELETE : STRATA_OP_PUT, S(key),
                                   S(gone ? "" : value), &err),
                  &err);
    }
    assert_ok(kind->writer_finish(writer, 1, 99, &err), &err);
    assert_ok(fs_output_publish(&writer->out, &err), &err);
    kind->writer_del(writer, true);
}

static int open_table(struct ground *g, uint64_t number, struct sstable **out,
                      struct strata_error *err)
{
    return kind->open(&g->env, g->common, number, out, err);
}

static struct sstable *open_7(struct ground *g)
{
    struct strata_error err;
    struct sstable *table;

    assert_ok(open_table(g, 7, &table, &err), &err);
    return table;
}

static int get(struct sstable *table, const char *key, struct strata_error *err)
{
    struct strata_buffer value = {0};
    unsigned type;
    int rc = kind->get(table, S(key), &type, &value, err);

    strata_buffer_free(&value);
    return rc;
}

static void verify_says(struct sstable *table, const char *words)
{
    struct strata_error err;

    assert_code(kind->verify(table, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, PATH);
    assert_err_says(&err, words);
}

/* ---- Taking a table apart ---------------------------------------------------------------- */

struct parts {
    struct strata_buffer blocks; /* all up to the index, as in the file */
    struct strata_buffer index, filter;
    struct strata_buffer properties; /* that p's slices are in */
    struct pax_table_properties p;
    bool pack_filter;
};

static void take_apart(struct ground *g, struct parts *parts)
{
    struct sstable *base = open_7(g);
    const struct pax_table *t = (struct pax_table *)base;
    struct strata_error err;

    *parts = (struct parts){0};
    assert_int_equal(fs_sim_get(g->fs, PATH, &parts->blocks), 0);
    parts->blocks.size = t->blocks_end;
    strata_buffer_append(&parts->index, t->fence.bytes.data, t->fence.bytes.size);
    if (t->filter)
        strata_buffer_append(&parts->filter, t->filter,
                             t->properties - t->filter_offset - STORED_BLOCK_TRAILER);
    assert_ok(pax_table_read_section(t, t->properties, base->bytes - PAX_TABLE_FOOTER, NULL,
                                     &parts->properties, &err),
              &err);
    assert_null(pax_table_get_properties(strata_buffer_slice(&parts->properties), t->properties,
                                         false, &parts->p));
    sstable_unref(base);
}

static void seal(struct strata_buffer *to, const struct strata_buffer *bytes, bool pack)
{
    uint32_t check;
    assert_int_equal(
        stored_block_put(to, 7, to->size, strata_buffer_slice(bytes), pack, &check, NULL), 0);
}

/* Puts it together again, and frees the parts. */
static void put_together(struct ground *g, struct parts *parts)
{
    struct strata_buffer *to = &parts->blocks, properties = {0};
    uint8_t footer[PAX_TABLE_FOOTER];
    uint64_t place;

    parts->p.index = to->size;
    seal(to, &parts->index, true);
    parts->p.filter = to->size;
    if (parts->filter.size)
        seal(to, &parts->filter, parts->pack_filter);
    place = to->size;
    assert_int_equal(pax_table_put_properties(&properties, &parts->p, NULL), 0);
    seal(to, &properties, true);
    pax_table_put_footer(7, to->size, place, false, footer);
    strata_buffer_append(to, footer, sizeof footer);
    assert_int_equal(fs_sim_put(g->fs, PATH, strata_buffer_slice(to)), 0);
    strata_buffer_free(&properties);
    strata_buffer_free(&parts->blocks);
    strata_buffer_free(&parts->index);
    strata_buffer_free(&parts->filter);
    strata_buffer_free(&parts->properties);
}

static void set_key(struct strata_slice *key, const char *text)
{
    *key = strata_string(text);
}

/* Table 7 with one block alone: this section. */
static void put_block(struct ground *g, const struct strata_buffer *section)
{
    struct parts parts;

    take_apart(g, &parts);
    parts.blocks.size = RECORD_FILE_HEADER;
    strata_buffer_append(&parts.blocks, section->data, section->size);
    strata_buffer_clear(&parts.index);
    assert_int_equal(fence_put(&parts.index, section->size, S(""), NULL), 0);
    parts.p.blocks = 1;
    parts.p.block_bytes = UINT64_MAX;
    put_together(g, &parts);
}

static void table_put_together_again_is_whole(void **state)
{
    struct strata_error err;
    struct sstable *table;
    struct parts parts;
    struct ground g;

    (void)state;
    ground_init(&g);
    write_rows(&g, 7, ROWS);
    take_apart(&g, &parts);
    assert_true(parts.p.blocks > 2);
    put_together(&g, &parts);
    table = open_7(&g);
    assert_ok(kind->verify(table, &err), &err);
    assert_ok(get(table, "key 100007", &err), &err);
    sstable_unref(table);
    ground_free(&g);
}

/* ---- Properties and footer --------------------------------------------------------------- */

#define END 600

static const char *read_again(const struct pax_table_properties *p)
{
    struct strata_buffer bytes = {0};
    struct pax_table_properties got;
    const char *wrong;

    assert_int_equal(pax_table_put_properties(&bytes, p, NULL), 0);
    wrong = pax_table_get_properties(strata_buffer_slice(&bytes), END, p->sum.coded > 0, &got);
    if (!wrong)
        assert_memory_equal(&got.sum, &p->sum, sizeof got.sum);
    assert_non_null(
        pax_table_get_properties(strata_buffer_slice(&bytes), END, !p->sum.coded, &got));
    strata_buffer_free(&bytes);
    return wrong;
}

static void properties_that_cannot_be_are_refused(void **state)
{
    static const struct pax_table_properties good = {
        .sum = {10, 3, 77, 1, 9}, .blocks = 2, .block_bytes = 500, .index = 400, .filter = 500, 7};
    struct strata_slice small = strata_string("a"), large = strata_string("z"), long_one;
    struct pax_table_properties wrong[14];
    struct strata_buffer bytes = {0};

    (void)state;
    for (size_t i = 0; i <= STRATA_MAX_KEY; i++)
        strata_buffer_append(&bytes, "n", 1);
    long_one = strata_buffer_slice(&bytes);
    for (int i = 0; i < 14; i++) {
        wrong[i] = good;
        wrong[i].sum.coded = i < 12 ? 0 : 3;
        wrong[i].sum.old_bytes = i < 12 ? 0 : 1000;
        wrong[i].smallest = small;
        wrong[i].largest = large;
        assert_null(read_again(&wrong[i]));
    }
    wrong[0].blocks = 0;
    wrong[1].blocks = 11;
    wrong[2].sum.tombstones = 11;
    wrong[3].sum.first = 10;
    wrong[4].index = RECORD_FILE_HEADER - 1;
    wrong[5].index = 501;
    wrong[6].filter = END + 1;
    wrong[7].filter = END; /* none, and it has probes */
    wrong[8].probes = 0;
    wrong[9].smallest = long_one;
    wrong[10].largest = long_one;
    wrong[11].smallest = large;
    wrong[11].largest = small;
    wrong[12].sum.coded = 4; /* they are counted with tombstones */
    wrong[13].sum.old_bytes = CODING_NUMBER_MAX + 1;
    for (int i = 0; i < 14; i++)
        assert_non_null(read_again(&wrong[i]));
    strata_buffer_free(&bytes);
}

static void properties_cut_or_longer_are_refused(void **state)
{
    struct pax_table_properties p = {
        .sum = {10, 3, 77, 1, 9}, .blocks = 2, .index = 400, .filter = 500, .probes = 7};
    struct strata_buffer bytes = {0};

    (void)state;
    set_key(&p.smallest, "a");
    set_key(&p.largest, "z");
    assert_int_equal(pax_table_put_properties(&bytes, &p, NULL), 0);
    strata_buffer_append(&bytes, "", 1);
    for (size_t size = 0; size <= bytes.size; size++) {
        struct pax_table_properties got;
        const char *wrong =
            pax_table_get_properties(strata_bytes(bytes.data, size), END, false, &got);
        assert_int_equal(!wrong, size + 1 == bytes.size);
    }
    strata_buffer_free(&bytes);
}

/* What a later stage has to say of a table is kept as it is; cut, or longer, it is none. */
static void properties_with_notes_are_read_again(void **state)
{
    struct pax_table_properties got,
        p = {.sum = {10, 3, 77, 1, 9}, .blocks = 2, .index = 400, .filter = 500, .probes = 7};
    struct strata_buffer bytes = {0}, again = {0};
    size_t without;

    (void)state;
    set_key(&p.smallest, "a");
    set_key(&p.largest, "z");
    assert_int_equal(pax_table_put_properties(&bytes, &p, NULL), 0);
    without = bytes.size;
    strata_buffer_clear(&bytes);
    set_key(&p.notes, "of 4 and 7");
    assert_int_equal(pax_table_put_properties(&bytes, &p, NULL), 0);
    assert_null(pax_table_get_properties(strata_buffer_slice(&bytes), END, false, &got));
    assert_bytes(got.notes, strata_string("of 4 and 7"));
    assert_int_equal(pax_table_put_properties(&again, &got, NULL), 0);
    assert_bytes(strata_buffer_slice(&again), strata_buffer_slice(&bytes));
    strata_buffer_append(&bytes, "", 1);
    for (size_t size = without; size <= bytes.size; size++) {
        const char *wrong =
            pax_table_get_properties(strata_bytes(bytes.data, size), END, false, &got);
        assert_int_equal(!wrong, size == without || size + 1 == bytes.size);
    }
    strata_buffer_free(&bytes);
    strata_buffer_free(&again);
}

static void footer_that_leads_outside_is_refused(void **state)
{
    static const uint64_t inside[] = {RECORD_FILE_HEADER, 100, END};
    static const uint64_t outside[] = {0, RECORD_FILE_HEADER - 1, END + 1, UINT64_MAX};
    uint8_t footer[PAX_TABLE_FOOTER];
    uint64_t got;
    bool coded;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        pax_table_put_footer(7, END, inside[i], false, footer);
        assert_null(pax_table_get_footer(footer, 7, END, &got, &coded));
        assert_int_equal(got, inside[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        pax_table_put_footer(7, END, outside[i], false, footer);
        assert_string_equal(pax_table_get_footer(footer, 7, END, &got, &coded),
                            "the footer has the properties outside of the file");
    }
}

static void footer_of_another_version_is_refused(void **state)
{
    (void)state;
    for (int at = 8; at < 12; at++) { /* the version, and whether it is coded */
        uint8_t footer[PAX_TABLE_FOOTER];
        uint64_t got;
        bool coded;
        pax_table_put_footer(7, END, 100, false, footer);
        footer[at] ^= 2;
        put_u32(footer + 12, checksum(checksum_seed(7, END), strata_bytes(footer, 12)));
        assert_string_equal(pax_table_get_footer(footer, 7, END, &got, &coded),
                            "a table of another version than 1");
    }
}

static void footer_says_whether_values_are_coded(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        uint8_t footer[PAX_TABLE_FOOTER];
        uint64_t got;
        bool coded;
        pax_table_put_footer(7, END, 100, i, footer);
        assert_null(pax_table_get_footer(footer, 7, END, &got, &coded));
        assert_int_equal(coded, i);
    }
}

/* ---- Parts that do not fit each other ---------------------------------------------------- */

static void table_with_another_number_of_blocks_is_not_opened(void **state)
{
    struct strata_error err;
    struct sstable *table;
    struct parts parts;
    struct ground g;

    (void)state;
    ground_init(&g);
    write_rows(&g, 7, ROWS);
    take_apart(&g, &parts);
    parts.p.blocks++;
    put_together(&g, &parts);
    assert_code(open_table(&g, 7, &table, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, PATH);
    assert_err_says(&err, "another number of blocks");
    ground_free(&g);
}

static void table_with_a_packed_filter_is_not_opened(void **state)
{
    struct strata_error err;
    struct sstable *table;
    struct parts parts;
    struct ground g;

    (void)state;
    ground_init(&g);
    write_rows(&g, 7, 400);
    take_apart(&g, &parts);
    memset(parts.filter.data, 0xff, parts.filter.size); /* it denies nothing, and packs well */
    parts.pack_filter = true;
    put_together(&g, &parts);
    assert_code(open_table(&g, 7, &table, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, PATH);
    assert_err_says(&err, "a compressed filter");
    ground_free(&g);
}

static void table_verify_sees_properties_that_do_not_fit(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct sstable *table;
        struct parts parts;
        struct ground g;
        ground_init(&g);
        write_rows(&g, 7, ROWS);
        take_apart(&g, &parts);
        parts.p.sum.records += i == 0;
        parts.p.sum.tombstones += i == 1;
        parts.p.sum.digest += i == 2;
        parts.p.block_bytes += i == 3;
        if (i == 4)
            set_key(&parts.p.smallest, "key 0");
        if (i == 5)
            set_key(&parts.p.largest, "key 2");
        put_together(&g, &parts);
        table = open_7(&g);
        verify_says(table, i < 4 ? "not those that the properties describe"
                                 : "ends with another key than it says");
        sstable_unref(table);
        ground_free(&g);
    }
}

/* There is none, whatever the properties say. */
static void table_seek_behind_the_last_key_finds_nothing(void **state)
{
    struct cursor *cursor;
    struct strata_error err;
    struct sstable *table;
    struct parts parts;
    struct ground g;

    (void)state;
    ground_init(&g);
    write_rows(&g, 7, ROWS);
    take_apart(&g, &parts);
    set_key(&parts.p.largest, "key 2");
    put_together(&g, &parts);
    table = open_7(&g);
    cursor = kind->cursor(table, false);
    assert_ok(cursor_seek(cursor, S("key 100039"), &err), &err);
    assert_code(cursor_seek(cursor, S("key 15"), &err), STRATA_NOT_FOUND, &err);
    cursor_free(cursor);
    sstable_unref(table);
    ground_free(&g);
}

static void table_with_a_key_before_its_smallest_is_damage(void **state)
{
    struct strata_error err;
    struct sstable *table;
    struct parts parts;
    struct ground g;

    (void)state;
    ground_init(&g);
    write_rows(&g, 7, ROWS);
    take_apart(&g, &parts);
    set_key(&parts.p.smallest, "key 100000x");
    put_together(&g, &parts);
    table = open_7(&g);
    assert_code(get(table, "key 100001", &err), STRATA_ERR_CORRUPT, &err);
    assert_err_offset(&err, RECORD_FILE_HEADER);
    assert_err_says(&err, "that the index has elsewhere");
    assert_ok(get(table, "key 100039", &err), &err); /* in another block */
    sstable_unref(table);
    ground_free(&g);
}

/* ---- Blocks ------------------------------------------------------------------------------ */

/* The only block of the table is this section: it is refused, however it is read. */
static void block_is_refused(struct ground *g, const struct strata_buffer *section,
                             const char *words)
{
    struct strata_error err;
    struct sstable *table;

    write_rows(g, 7, ROWS);
    put_block(g, section);
    table = open_7(g);
    assert_code(get(table, "key 100001", &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, PATH);
    assert_err_offset(&err, RECORD_FILE_HEADER);
    assert_err_says(&err, words);
    for (int once = 0; once < 2; once++) {
        struct cursor *cursor = kind->cursor(table, once);
        assert_code(cursor_first(cursor, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, words);
        cursor_free(cursor);
    }
    verify_says(table, words);
    sstable_unref(table);
}

static void block_that_is_none_is_refused(void **state)
{
    struct strata_buffer section = {0};
    struct strata_error err;
    struct pax_block block;
    struct ground g;
    uint32_t check;

    (void)state;
    ground_init(&g);
    assert_code(pax_block_open(&block, S("no block"), &err), STRATA_ERR_CORRUPT, &err);
    assert_int_equal(
        stored_block_put(&section, 7, RECORD_FILE_HEADER, S("no block"), false, &check, NULL), 0);
    block_is_refused(&g, &section, err.message);
    strata_buffer_free(&section);
    ground_free(&g);
}

/* Its tail says that so many bytes come of what is stored. */
static void forge_packed(struct strata_buffer *section, size_t stored, uint32_t size)
{
    uint8_t tail[STORED_BLOCK_TRAILER], *bytes = calloc(1, stored);

    assert_non_null(bytes);
    strata_buffer_clear(section);
    strata_buffer_append(section, bytes, stored);
    put_u8(put_u32(tail, size), STORED_BLOCK_LZ4);
    strata_buffer_append(section, tail, 5);
    put_u32(tail, checksum(checksum_seed(7, RECORD_FILE_HEADER), strata_buffer_slice(section)));
    strata_buffer_append(section, tail, 4);
    free(bytes);
}

static void block_that_does_not_unpack_is_refused(void **state)
{
    struct strata_buffer section = {0};
    struct ground g;

    (void)state;
    ground_init(&g);
    forge_packed(&section, 100, 1000);
    block_is_refused(&g, &section, "does not uncompress to its size");
    strata_buffer_free(&section);
    ground_free(&g);
}

/* A block with a long prefix: so many entries, with suffixes of three bytes and no values. */
static void forge_prefix(struct strata_buffer *section, uint32_t count, uint32_t prefix)
{
    struct strata_buffer block = {0};
    uint8_t number[4];
    uint32_t check;

    strata_buffer_append(&block, &(uint8_t){PAX_BLOCK_WIDE}, 1);
    for (int i = 0; i < 4; i++) {
        put_u32(number, (uint32_t[]){count, prefix, 3, 0}[i]);
        strata_buffer_append(&block, number, 4);
    }
    strata_buffer_append(&block, "key 100010", 10); /* within the table's bounds */
    for (uint32_t i = 10; i < prefix; i++)
        strata_buffer_append(&block, "p", 1);
    for (uint32_t i = 0; i < count; i++) /* tags */
        strata_buffer_append(&block, "", 1);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t suffix[3] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
        strata_buffer_append(&block, suffix, 3);
    }
    strata_buffer_clear(section);
    assert_int_equal(stored_block_put(section, 7, RECORD_FILE_HEADER, strata_buffer_slice(&block),
                                      true, &check, NULL),
                     0);
    strata_buffer_free(&block);
}

/* 240,000 keys of 64 KB in 1 MB: a scan would make 14 GiB of them. And no writer makes several
 * entries a block of more than 1 MiB. */
static void block_with_more_work_than_one_has_is_refused(void **state)
{
    struct strata_buffer section = {0};
    struct ground g;

    (void)state;
    ground_init(&g);
    forge_prefix(&section, 240000, 65000);
    block_is_refused(&g, &section, "its keys are larger");
    forge_prefix(&section, 1033, 65000); /* 64 MiB and a little */
    block_is_refused(&g, &section, "its keys are larger");
    forge_prefix(&section, 300000, 60);
    block_is_refused(&g, &section, "larger than a block of several entries");
    strata_buffer_free(&section);
    ground_free(&g);
}

/* No entry is so large: no memory is taken for it. */
static void block_of_more_than_a_gibibyte_is_refused(void **state)
{
    uint32_t most = (uint32_t)(STRATA_MAX_KEY + STRATA_MAX_VALUE + 64);
    struct strata_buffer section = {0};
    struct ground g;

    (void)state;
    ground_init(&g);
    forge_packed(&section, most / 250, most + 1);
    block_is_refused(&g, &section, "larger than a block");
    strata_buffer_free(&section);
    ground_free(&g);
}

/* ---- Sections ---------------------------------------------------------------------------- */

static void section_of_no_bytes_gives_back_none(void **state)
{
    (void)state;
    for (int pack = 0; pack < 2; pack++) {
        struct strata_buffer bytes = {0};
        struct stored_block section;
        struct strata_error err;
        uint32_t check;
        uint8_t to = 77;
        assert_ok(stored_block_put(&bytes, 7, 99, strata_bytes(NULL, 0), pack, &check, &err), &err);
        assert_ok(stored_block_open(&section, strata_buffer_slice(&bytes), 7, 99, &err), &err);
        assert_int_equal(section.size, 0);
        assert_ok(stored_block_uncompress(&section, 99, &to, &err), &err);
        assert_int_equal(to, 77);
        strata_buffer_free(&bytes);
    }
}

static void section_smaller_than_its_tail_is_refused(void **state)
{
    static const uint8_t bytes[STORED_BLOCK_TRAILER];

    (void)state;
    for (size_t size = 0; size < STORED_BLOCK_TRAILER; size++) {
        struct stored_block section;
        struct strata_error err;
        assert_code(stored_block_open(&section, strata_bytes(bytes, size), 7, 99, &err),
                    STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, "smaller than its trailer");
        assert_err_offset(&err, 99);
    }
}

/* More than its numbers, or LZ4's, can tell: none of the bytes is looked at. */
static void section_of_too_many_bytes_is_refused(void **state)
{
    static const uint32_t sizes[] = {UINT32_MAX, 10};
    struct strata_buffer to = {0};
    struct strata_error err;
    uint8_t byte = 77;
    uint32_t check;

    (void)state;
    assert_code(stored_block_put(&to, 7, 99, strata_bytes(&byte, UINT32_MAX), true, &check, &err),
                STRATA_ERR_INVALID, &err);
    assert_int_equal(to.size, 0);
    for (int i = 0; i < 2; i++) {
        struct stored_block section = {.stored =
                                           strata_bytes(&byte, i ? LZ4_MAX_INPUT_SIZE + 1u : 1),
                                       .size = sizes[i],
                                       .compression = STORED_BLOCK_LZ4};
        assert_code(stored_block_uncompress(&section, 99, &byte, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, "more than 2 GiB");
    }
    assert_int_equal(byte, 77);
}

/* ---- The sparse index -------------------------------------------------------------------- */

/* Separators of more bytes than one byte can tell. */
static void fence_with_long_separators_finds_the_block(void **state)
{
    char keys[4][302];
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct fence fence;

    (void)state;
    for (int i = 0; i < 4; i++) {
        memset(keys[i], 'k', 300);
        keys[i][i < 2 ? 100 : 299] = (char)('l' + i);
        keys[i][300] = '\0';
    }
    assert_true(strcmp(keys[2], keys[0]) < 0);
    /* in order: 2, 3, 0, 1 */
    static const int order[] = {2, 3, 0, 1};
    for (int i = 0; i < 4; i++) {
        const char *before = i ? keys[order[i - 1]] : NULL;
        assert_int_equal(
            fence_put(&bytes, 10, i ? fence_separator(S(before), S(keys[order[i]])) : S(""), NULL),
            0);
    }
    assert_ok(fence_open(&fence, &bytes, 4, 24, 64, S(keys[2]), S(keys[1]), &err), &err);
    assert_int_equal(fence_at(&fence, 1).size, 300);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(fence_find(&fence, S(keys[order[i]])), i);
    fence_free(&fence);
}

/* Places in it are told in 4 bytes: nothing of it is looked at. */
static void fence_of_more_than_4_gib_is_refused(void **state)
{
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct fence fence;

    (void)state;
    strata_buffer_append(&bytes, "", 1);
    bytes.size = (size_t)UINT32_MAX + 1;
    assert_code(fence_open(&fence, &bytes, 1, 24, 64, S("a"), S("b"), &err), STRATA_ERR_CORRUPT,
                &err);
    assert_err_says(&err, "more than 4 GiB");
    fence_free(&fence);
}

/* ---- While it is open -------------------------------------------------------------------- */

static void table_verify_sees_another_table(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct strata_error err;
        struct sstable *table;
        struct ground g;
        ground_init(&g);
        write_rows(&g, 7, ROWS);
        table = open_7(&g);
        assert_ok(kind->verify(table, &err), &err);
        g.options.bloom_bits_per_key = i ? 0 : 10; /* the same blocks; others */
        write_rows(&g, 7, i ? ROWS : ROWS + 1);
        verify_says(table, "another table than the one that was opened");
        sstable_unref(table);
        ground_free(&g);
    }
}

static void write_one(struct ground *g, const char *value)
{
    struct sstable_writer *writer;

    assert_int_equal(kind->writer_new(&g->env, 7, &writer, NULL), 0);
    assert_int_equal(kind->writer_add(writer, STRATA_OP_PUT, S("key"), S(value), NULL), 0);
    assert_int_equal(kind->writer_finish(writer, 1, 1, NULL), 0);
    assert_int_equal(fs_output_publish(&writer->out, NULL), 0);
    kind->writer_del(writer, true);
}

/* Of as many bytes. */
static void table_verify_sees_another_value(void **state)
{
    struct strata_error err;
    struct sstable *table;
    struct ground g;

    (void)state;
    ground_init(&g);
    g.options.plain_blocks = true;
    write_one(&g, "old");
    table = open_7(&g);
    assert_ok(kind->verify(table, &err), &err);
    write_one(&g, "new");
    verify_says(table, "another table than the one that was opened");
    sstable_unref(table);
    ground_free(&g);
}

static void table_cut_while_it_is_open_is_damage(void **state)
{
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct sstable *table;
    struct ground g;

    (void)state;
    ground_init(&g);
    write_rows(&g, 7, ROWS);
    table = open_7(&g);
    assert_int_equal(fs_sim_get(g.fs, PATH, &bytes), 0);
    assert_int_equal(fs_sim_put(g.fs, PATH, strata_bytes(bytes.data, RECORD_FILE_HEADER + 20)), 0);
    assert_code(get(table, "key 100001", &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, PATH);
    assert_err_says(&err, "cut short");
    assert_int_equal(fs_sim_put(g.fs, PATH, strata_buffer_slice(&bytes)), 0);
    assert_ok(get(table, "key 100001", &err), &err);
    sstable_unref(table);
    strata_buffer_free(&bytes);
    ground_free(&g);
}

/* Its descriptor was wanted for another table; it is opened when it is read, or cannot be. */
static void table_that_cannot_be_opened_again_is_an_error(void **state)
{
    struct fs_sim_fault none_left = {.kind = FS_SIM_EMFILE, .at = 1};
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1};
    struct sstable *table, *other;
    struct strata_error err;
    struct ground g;
    uint64_t opened;

    (void)state;
    ground_init(&g);
    write_rows(&g, 7, ROWS);
    write_rows(&g, 8, ROWS);
    table = open_7(&g);
    fs_sim_fail(g.fs, &none_left);
    assert_ok(open_table(&g, 8, &other, &err), &err);
    assert_int_equal(fs_sim_failed(g.fs), 1);
    assert_int_equal(fs_sim_open_files(g.fs), 1);
    for (int call = 1; call <= 3; call++) { /* the open; its size; the read */
        fault.at = (uint64_t)call;
        fs_sim_fail(g.fs, &fault);
        assert_code(get(table, "key 100001", &err), STRATA_ERR_IO, &err);
        assert_err_file(&err, PATH);
        assert_int_equal(fs_sim_failed(g.fs), 1);
    }
    fs_sim_fail(g.fs, NULL);
    opened = g.fs->calls[FS_CALL_OPEN];
    assert_ok(get(table, "key 100001", &err), &err);
    assert_int_equal(g.fs->calls[FS_CALL_OPEN], opened);
    sstable_unref(table);
    sstable_unref(other);
    ground_free(&g);
}

static void table_tells_nobody_who_does_not_ask(void **state)
{
    struct sstable *table;
    struct strata_error why, err;
    struct ground g;

    (void)state;
    ground_init(&g);
    write_rows(&g, 7, ROWS);
    table = open_7(&g);
    strata_fail_memory(&why, 100);
    assert_int_equal(
        pax_table_blame((struct pax_table *)table, 24, STRATA_ERR_NO_MEMORY, &why, NULL),
        STRATA_ERR_NO_MEMORY);
    assert_code(pax_table_blame((struct pax_table *)table, 24, STRATA_ERR_NO_MEMORY, &why, &err),
                STRATA_ERR_NO_MEMORY, &err);
    sstable_unref(table);
    assert_int_equal(fs_remove(g.fs, PATH, NULL), 0);
    assert_int_equal(open_table(&g, 7, &table, NULL), STRATA_ERR_CORRUPT);
    ground_free(&g);
}

/* ---- Filters ----------------------------------------------------------------------------- */

static void table_with_a_large_filter_denies_no_key(void **state)
{
    const int rows = 150000;
    struct strata_error err;
    struct sstable *table;
    struct ground g;
    int found = 0;

    (void)state;
    ground_init(&g);
    g.options.block_bytes = 4096;
    g.options.bloom_bits_per_key = 64;
    write_rows(&g, 7, rows);
    table = open_7(&g);
    for (int n = 0; n < rows; n += 499) {
        char key[16];
        snprintf(key, sizeof key, "key %06d", 100000 + n);
        assert_ok(get(table, key, &err), &err);
        snprintf(key, sizeof key, "key %06dx", 100000 + n);
        found += get(table, key, &err) != STRATA_NOT_FOUND;
    }
    assert_int_equal(found, 0);
    assert_true(striped_sum(&((struct pax_table_common *)g.common)->counts, PAX_TABLE_FILTERED) >=
                (uint64_t)rows / 499 - 1);
    sstable_unref(table);
    ground_free(&g);
}

static void table_without_a_filter_is_shown(void **state)
{
    char *text = NULL;
    size_t size;
    struct inspect in;
    struct fs_file *file;
    struct ground g;
    FILE *to;

    (void)state;
    ground_init(&g);
    for (unsigned bits = 0; bits <= 10; bits += 10) {
        g.options.bloom_bits_per_key = bits;
        write_rows(&g, 7, ROWS);
        to = open_memstream(&text, &size);
        assert_non_null(to);
        inspect_init(&in, to);
        assert_int_equal(fs_open(g.fs, PATH, FS_READ, &file, NULL), 0);
        assert_int_equal(pax_table_format.inspect(file, &in, NULL), 0);
        fs_close(file, NULL);
        fclose(to);
        assert_false(in.damaged || in.torn);
        assert_says(text, "properties");
        assert_int_equal(strstr(text, "lines of 64 bytes") != NULL, bits > 0);
        free(text);
    }
    ground_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_put_together_again_is_whole),
        cmocka_unit_test(properties_that_cannot_be_are_refused),
        cmocka_unit_test(properties_cut_or_longer_are_refused),
        cmocka_unit_test(properties_with_notes_are_read_again),
        cmocka_unit_test(footer_that_leads_outside_is_refused),
        cmocka_unit_test(footer_of_another_version_is_refused),
        cmocka_unit_test(footer_says_whether_values_are_coded),
        cmocka_unit_test(table_with_another_number_of_blocks_is_not_opened),
        cmocka_unit_test(table_with_a_packed_filter_is_not_opened),
        cmocka_unit_test(table_verify_sees_properties_that_do_not_fit),
        cmocka_unit_test(table_seek_behind_the_last_key_finds_nothing),
        cmocka_unit_test(table_with_a_key_before_its_smallest_is_damage),
        cmocka_unit_test(block_that_is_none_is_refused),
        cmocka_unit_test(block_that_does_not_unpack_is_refused),
        cmocka_unit_test(block_with_more_work_than_one_has_is_refused),
        cmocka_unit_test(block_of_more_than_a_gibibyte_is_refused),
        cmocka_unit_test(section_of_no_bytes_gives_back_none),
        cmocka_unit_test(section_smaller_than_its_tail_is_refused),
        cmocka_unit_test(section_of_too_many_bytes_is_refused),
        cmocka_unit_test(fence_with_long_separators_finds_the_block),
        cmocka_unit_test(fence_of_more_than_4_gib_is_refused),
        cmocka_unit_test(table_verify_sees_another_table),
        cmocka_unit_test(table_verify_sees_another_value),
        cmocka_unit_test(table_cut_while_it_is_open_is_damage),
        cmocka_unit_test(table_that_cannot_be_opened_again_is_an_error),
        cmocka_unit_test(table_tells_nobody_who_does_not_ask),
        cmocka_unit_test(table_with_a_large_filter_denies_no_key),
        cmocka_unit_test(table_without_a_filter_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
