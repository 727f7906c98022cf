/* 10_table_test.c: tables with coded values: what they hold comes back, and what nobody wrote is
 * damage. */
#include "test.h"

#include "02_hash_index/index.h"
#include "10_concurrency/snapshot/chain.h"
#include "10_concurrency/table/chain_table.h"
#include "crash/sim/fs_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR "db"

struct place {
    struct strata_fs *fs;
    struct strata_options options;
    struct strata_env env;
    void *common;
};

static void begin(struct place *p)
{
    struct strata_error err;

    memset(p, 0, sizeof *p);
    p->fs = fs_sim_new();
    strata_options_init(&p->options);
    p->options.block_bytes = 256;
    assert_int_equal(fs_sim_put_directory(p->fs, DIR), 0);
    p->env = (struct strata_env){.fs = p->fs, .dir = DIR, .options = &p->options};
    assert_ok(chain_table_kind.common_new(&p->env, &p->common, &err), &err);
}

static void end(struct place *p)
{
    chain_table_kind.common_del(p->common);
    assert_int_equal(fs_sim_open_files(p->fs), 0);
    fs_free(p->fs);
}

static struct strata_slice key_at(int n, char text[16])
{
    return strata_bytes(text, (size_t)sprintf(text, "key %03d", n));
}

/* Of 100 keys every third is a chain: 50 deleted, 20 "older". `coded`: instead of that of keys 003
 * to 027. */
static void write_table(struct place *p, struct strata_slice coded)
{
    static const struct chain_version versions[] = {{50, STRATA_OP_DELETE, {NULL, 0}},
                                                    {20, STRATA_OP_PUT, {(uint8_t *)"older", 5}}};
    struct strata_buffer chain = {0};
    struct sstable_writer *writer;
    struct strata_error err;
    char key[16];

    assert_ok(chain_encode(versions, 2, &chain, &err), &err);
    assert_ok(chain_table_kind.writer_new(&p->env, 1, &writer, &err), &err);
    for (int n = 0; n < 100; n++) {
        bool is_chain = !coded.size || n < 3 || n > 27; /* else the writer must not look at it */
        assert_ok((is_chain ? chain_table_kind.writer_add : pax_table_writer_add)(
                      writer, n % 3 ? STRATA_OP_PUT : SSTABLE_CODED, key_at(n, key),
                      n % 3      ? S("plain")
                      : is_chain ? strata_buffer_slice(&chain)
                                 : coded,
                      &err),
                  &err);
    }
    assert_ok(chain_table_kind.writer_finish(writer, 1, 60, &err), &err);
    assert_ok(fs_output_publish(&writer->out, &err), &err);
    chain_table_kind.writer_del(writer, true);
    strata_buffer_free(&chain);
}

static void assert_found(struct sstable *table, int n, uint64_t sequence, const char *want)
{
    struct pax_table *t = pax_table_of(table);
    struct strata_buffer value = {0};
    struct strata_error err;
    unsigned type = 0;
    char key[16];
    int rc = pax_table_need(t, &err);

    assert_ok(rc, &err);
    rc = pax_table_find(t, key_at(n, key), index_hash(key_at(n, key)), sequence, &type, &value,
                        &err);
    assert_int_equal(rc, want ? 0 : STRATA_NOT_FOUND);
    if (want) {
        assert_int_equal(type, *want ? STRATA_OP_PUT : STRATA_OP_DELETE);
        assert_bytes(strata_buffer_slice(&value), S(want));
    }
    strata_buffer_free(&value);
}

static void coded_values_are_found_at_each_number(void **state)
{
    struct strata_error err;
    struct sstable *table;
    struct place p;

    (void)state;
    begin(&p);
    write_table(&p, S(""));
    assert_ok(chain_table_kind.open(&p.env, p.common, 1, &table, &err), &err);
    assert_ok(chain_table_kind.verify(table, &err), &err);
    assert_true(pax_table_of(table)->coded);
    assert_int_equal(table->sum.tombstones, 34);
    assert_int_equal(table->sum.coded, 34);
    assert_int_equal(table->sum.old_bytes, 34 * (5 + 2 * 12 + 5)); /* heads, and "older" */
    assert_found(table, 1, 0, "plain");
    assert_found(table, 3, UINT64_MAX, "");
    assert_found(table, 3, 50, "");
    assert_found(table, 3, 49, "older");
    assert_found(table, 3, 20, "older");
    assert_found(table, 3, 19, NULL);
    sstable_unref(table);
    end(&p);
}

static void coded_value_that_is_no_chain_is_damage(void **state)
{
    static const uint8_t later[] = {1, 1, 0, 0, 0, 61 << 1, 0, 0, 0,
                                    0, 0, 0, 0, 0, 0,       0, 0}; /* than the table's last one */
    const struct strata_slice wrong[] = {S("\x03"), S("\x01\x01\x28\x09x"),
                                         strata_bytes(later, sizeof later)};
    struct strata_error err;
    struct sstable *table;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct strata_buffer value = {0};
        struct place p;
        unsigned type;
        begin(&p);
        write_table(&p, wrong[i]);
        assert_ok(chain_table_kind.open(&p.env, p.common, 1, &table, &err), &err);
        assert_code(chain_table_kind.get(table, S("key 003"), &type, &value, &err),
                    STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, DIR "/000001.table");
        assert_code(chain_table_kind.verify(table, &err), STRATA_ERR_CORRUPT, &err);
        sstable_unref(table);
        strata_buffer_free(&value);
        end(&p);
    }
}

static void coded_table_is_of_a_later_stage_for_stage_9(void **state)
{
    struct strata_error err;
    struct sstable *table;
    struct place p;
    void *common;

    (void)state;
    begin(&p);
    write_table(&p, S(""));
    assert_ok(pax_table_kind.common_new(&p.env, &common, &err), &err);
    assert_code(pax_table_kind.open(&p.env, common, 1, &table, &err), STRATA_ERR_WRONG_STAGE, &err);
    assert_err_says(&err, "coded values");
    assert_err_file(&err, DIR "/000001.table");
    pax_table_kind.common_del(common);
    end(&p);
}

/* ---- Salvage --------------------------------------------------------------------------------- */

struct taken {
    unsigned entries, coded, gaps;
};

static int take(void *arg, unsigned type, struct strata_slice key, struct strata_slice value,
                struct strata_error *err)
{
    struct taken *taken = arg;

    (void)key;
    (void)err;
    taken->entries++;
    if (type == SSTABLE_CODED)
        assert_null(chain_check(value, 60));
    taken->coded += type == SSTABLE_CODED;
    return 0;
}

static void take_gap(void *arg, struct strata_slice after, struct strata_slice before)
{
    (void)after;
    (void)before;
    ((struct taken *)arg)->gaps++;
}

static struct taken salvage(struct place *p)
{
    struct taken taken = {0};
    const struct salvage_sink to = {take, take_gap, &taken};
    struct strata_error err, why;
    struct salvage *s;

    assert_ok(salvage_open(&chain_salvage, &p->env, 1, &s, &why, &err), &err);
    assert_ok(salvage_read(s, S("key 000"), S("key 099"), &to, &err), &err);
    salvage_close(s);
    return taken;
}

/* Its block's checksum holds, and nobody wrote it: it is not copied, and all else is. */
static void salvage_leaves_out_what_is_no_chain(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        struct taken taken;
        struct place p;
        begin(&p);
        write_table(&p, wrong ? S("\001\001...") : S(""));
        taken = salvage(&p);
        assert_int_equal(taken.entries, wrong ? 91 : 100);
        assert_int_equal(taken.coded, wrong ? 25 : 34);
        assert_int_equal(taken.gaps, wrong ? 9 : 0);
        end(&p);
    }
}

static void salvage_for_stage_9_refuses_coded_values(void **state)
{
    struct strata_error err, why;
    struct salvage *s;
    struct place p;

    (void)state;
    begin(&p);
    write_table(&p, S(""));
    assert_code(salvage_open(&pax_salvage, &p.env, 1, &s, &why, &err), STRATA_ERR_WRONG_STAGE,
                &err);
    assert_err_file(&err, DIR "/000001.table");
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coded_values_are_found_at_each_number),
        cmocka_unit_test(coded_value_that_is_no_chain_is_damage),
        cmocka_unit_test(coded_table_is_of_a_later_stage_for_stage_9),
        cmocka_unit_test(salvage_leaves_out_what_is_no_chain),
        cmocka_unit_test(salvage_for_stage_9_refuses_coded_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
