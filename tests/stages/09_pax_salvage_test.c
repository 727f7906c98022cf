/* 09_pax_salvage_test.c: what is read of a damaged columnar table: every entry of the blocks that
 * are whole, with the index and without. What is made of that is tested with stage 8's tables. */
#include "test.h"

#include "09_fast_paths/table/pax_salvage.h"
#include "09_fast_paths/table/pax_table.h"
#include "crash/sim/fs_sim.h"
#include "harm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define NUMBER 7
#define PATH "db/000007.table"
#define ENTRIES 3000

static const char *key_of(int i)
{
    static char text[20];
    snprintf(text, sizeof text, "key %08d", i);
    return text;
}

static const char *value_of(int i)
{
    static char text[60];
    snprintf(text, sizeof text, "value %d of some length", i * 7919);
    return text;
}

static struct strata_fs *make_table(bool plain, size_t *size)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = "db", .options = &options};
    struct strata_buffer bytes = {0};
    struct sstable_writer *writer;
    struct strata_error err;

    strata_options_init(&options);
    options.block_bytes = 512;
    options.plain_blocks = plain;
    assert_int_equal(fs_sim_put_directory(fs, "db"), 0);
    assert_ok(pax_table_kind.writer_new(&env, NUMBER, &writer, &err), &err);
    for (int i = 0; i < ENTRIES; i++)
        assert_ok(
            pax_table_kind.writer_add(writer, STRATA_OP_PUT, S(key_of(i)), S(value_of(i)), &err),
            &err);
    assert_ok(pax_table_kind.writer_finish(writer, 1, ENTRIES, &err), &err);
    assert_ok(fs_output_publish(&writer->out, &err), &err);
    pax_table_kind.writer_del(writer, true);
    assert_int_equal(fs_sim_get(fs, PATH, &bytes), 0);
    *size = bytes.size;
    strata_buffer_free(&bytes);
    return fs;
}

struct taken {
    int next; /* entry that should come next, if none is missing */
    unsigned entries, gaps;
    bool knew; /* its properties could be read */
};

static int take_entry(void *arg, unsigned type, struct strata_slice key, struct strata_slice value,
                      struct strata_error *err)
{
    struct taken *t = arg;
    char text[20] = "";

    (void)err;
    assert_int_equal(type, STRATA_OP_PUT);
    assert_int_equal(key.size, 12);
    memcpy(text, key.data, 12);
    t->next = atoi(text + 4);
    assert_string_equal(text, key_of(t->next));
    assert_bytes(value, S(value_of(t->next)));
    t->next++;
    t->entries++;
    return 0;
}

static void take_gap(void *arg, struct strata_slice after, struct strata_slice before)
{
    struct taken *t = arg;

    assert_true(strata_compare(after, before) <= 0);
    t->gaps++;
}

static struct taken salvage(struct strata_fs *fs)
{
    struct strata_options options;
    struct strata_env env = {.fs = fs, .dir = "db", .options = &options};
    struct taken taken = {0};
    const struct salvage_sink sink = {take_entry, take_gap, &taken};
    char largest[20];
    struct salvage *salvage;
    struct strata_error why, err;

    strata_options_init(&options);
    assert_ok(salvage_open(&pax_salvage, &env, NUMBER, &salvage, &why, &err), &err);
    snprintf(largest, sizeof largest, "%s", key_of(ENTRIES - 1));
    taken.knew = salvage->knows_properties;
    if (taken.knew)
        assert_int_equal(salvage->table->sum.records, ENTRIES);
    assert_ok(salvage_read(salvage, S(key_of(0)), S(largest), &sink, &err), &err);
    salvage_close(salvage);
    assert_int_equal(fs_sim_open_files(fs), 0);
    return taken;
}

static void pax_salvage_of_a_flipped_table_has_all_other_blocks(void **state)
{
    unsigned lossless = 0, lossy = 0;

    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        size_t size;
        struct strata_fs *fs = make_table(plain, &size), *copy;
        for (size_t at = 0; at < size; at += 61) {
            struct taken taken;
            copy = fs_sim_copy(fs);
            harm_flip(copy, PATH, at);
            taken = salvage(copy);
            assert_int_equal(taken.gaps, taken.entries < ENTRIES);
            assert_in_range(taken.entries, ENTRIES - 60, ENTRIES);
            lossless += taken.entries == ENTRIES;
            lossy += taken.gaps;
            fs_free(copy);
        }
        fs_free(fs);
    }
    assert_true(lossless > 10 && lossy > 100);
}

static void pax_salvage_of_a_cut_table_has_what_is_there(void **state)
{
    unsigned last = ENTRIES;
    size_t size;
    struct strata_fs *fs = make_table(true, &size), *copy;

    (void)state;
    for (size--; size > 0; size -= size < 1000 ? size : 997) {
        struct taken taken;
        copy = fs_sim_copy(fs);
        harm_cut(copy, PATH, size);
        taken = salvage(copy);
        assert_true(!taken.knew && taken.entries <= last);
        assert_int_equal(taken.next, taken.entries); /* a beginning of it */
        assert_int_equal(taken.gaps, taken.entries < ENTRIES);
        last = taken.entries;
        fs_free(copy);
    }
    assert_true(last < 100);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pax_salvage_of_a_flipped_table_has_all_other_blocks),
        cmocka_unit_test(pax_salvage_of_a_cut_table_has_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
