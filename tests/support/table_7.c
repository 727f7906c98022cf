/* table_7.c: see table_7.h. */
#include "table_7.h"
#include "inspect/inspect.h"
#include "test.h"

#include <stdio.h>

void table_7_init(struct table_7 *t, struct table_7_setting setting)
{
    struct strata_error err;

    t->fs = fs_sim_new();
    strata_options_init(&t->options);
    t->options.block_bytes = setting.block_bytes;
    t->options.cache_bytes = setting.cache_bytes;
    t->options.bloom_bits_per_key = setting.bits;
    t->options.plain_blocks = setting.uncompressed;
    assert_int_equal(fs_sim_put_directory(t->fs, TABLE_7_DIR), 0);
    t->env = (struct strata_env){.fs = t->fs, .dir = TABLE_7_DIR, .options = &t->options};
    assert_ok(table_kind.common_new(&t->env, &t->common, &err), &err);
}

void table_7_free(struct table_7 *t)
{
    table_kind.common_del(t->common);
    assert_int_equal(fs_sim_open_files(t->fs), 0);
    fs_free(t->fs);
}

struct sstable_writer *table_7_writer(struct table_7 *t)
{
    struct sstable_writer *writer;
    struct strata_error err;

    assert_ok(table_kind.writer_new(&t->env, 7, &writer, &err), &err);
    return writer;
}

void table_7_add(struct sstable_writer *writer, unsigned type, struct strata_slice key,
                 struct strata_slice value)
{
    struct strata_error err;
    assert_ok(table_kind.writer_add(writer, type, key, value, &err), &err);
}

void table_7_finish(struct sstable_writer *writer, uint64_t first, uint64_t last)
{
    struct strata_error err;

    assert_ok(table_kind.writer_finish(writer, first, last, &err), &err);
    assert_ok(fs_output_publish(&writer->out, &err), &err);
    table_kind.writer_del(writer, true);
}

int table_7_open(struct table_7 *t, struct sstable **out, struct strata_error *err)
{
    return table_kind.open(&t->env, t->common, 7, out, err);
}

int table_7_get(struct sstable *table, struct strata_slice key, unsigned *type,
                struct strata_buffer *value, struct strata_error *err)
{
    if (sstable_compare_key(table, key) != 0)
        return STRATA_NOT_FOUND;
    return table_kind.get(table, key, type, value, err);
}

bool table_7_inspect_sees_damage(struct table_7 *t)
{
    FILE *to = fopen("/dev/null", "w");
    struct fs_file *file;
    struct inspect in;

    assert_non_null(to);
    inspect_init(&in, to);
    assert_int_equal(fs_open(t->fs, TABLE_7_PATH, FS_READ, &file, NULL), 0);
    assert_int_equal(table_format.inspect(file, &in, NULL), 0);
    fs_close(file, NULL);
    fclose(to);
    return in.damaged || in.torn;
}
