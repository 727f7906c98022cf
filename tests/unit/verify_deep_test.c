/* verify_deep_test.c: what strata_verify_deep compares, each with an engine that is wrong in just
 * that: a stage's own with one slot replaced, or one structure in memory spoiled and mended again.
 */
#include "test.h"

#include "04_memtable_sstable/store.h"
#include "06_leveled_compaction/lsm_tree.h"
#include "07_paced_compaction/tree/tree.h"
#include "crash/sim/fs_sim.h"
#include "db/db.h"

#include <string.h>

#define S(text) strata_string(text)
#define DIR "db"

static struct strata *open_db(struct strata_fs *fs, unsigned stage,
                              const struct strata_engine *engine)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    strata_options_init(&options);
    options.fs = fs;
    options.create = true;
    options.stage = engine ? 0 : stage;
    options.engine = engine;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

/* Keys a to d in a table, e to h in memory. */
static struct strata *make(struct strata_fs *fs, unsigned stage)
{
    struct strata *db = open_db(fs, stage, NULL);
    struct strata_error err;

    for (char key[] = "a"; *key <= 'h'; ++*key) {
        assert_ok(strata_put(db, S(key), S(key), &err), &err);
        if (*key == 'd' && stage > 3)
            assert_ok(strata_flush(db, &err), &err);
    }
    return db;
}

static void finish(struct strata_fs *fs, struct strata *db)
{
    struct strata_error err;

    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
}

/* ---- An engine that answers wrongly ---------------------------------------------------------- */

static const struct strata_engine *real; /* the stage's */

static int hide_c(void *self, struct strata_slice key, struct strata_buffer *value,
                  struct strata_error *err)
{
    return key.size == 1 && *key.data == 'c' ? STRATA_NOT_FOUND : real->get(self, key, value, err);
}

static int change_c(void *self, struct strata_slice key, struct strata_buffer *value,
                    struct strata_error *err)
{
    int rc = real->get(self, key, value, err);

    if (rc == 0 && *key.data == 'c')
        value->data[0] = 'x';
    return rc;
}

static struct strata_iter_ops iter_ops;
static const struct strata_iter_ops *real_ops;

static int next_skips(struct strata_iter *iter, struct strata_error *err)
{
    bool at_c = *iter->key.data == 'c';
    int rc = real_ops->next(iter, err);

    return rc == 0 && at_c ? real_ops->next(iter, err) : rc;
}

/* The old order of a and b: b again. */
static int next_stays(struct strata_iter *iter, struct strata_error *err)
{
    return *iter->key.data == 'b' ? 0 : real_ops->next(iter, err);
}

static int prev_stays(struct strata_iter *iter, struct strata_error *err)
{
    return *iter->key.data == 'b' ? 0 : real_ops->prev(iter, err);
}

static int make_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    struct strata_iter_ops wrong = iter_ops;
    int rc = real->iter(self, out, err);

    if (rc < 0)
        return rc;
    real_ops = (*out)->ops;
    iter_ops = *real_ops;
    iter_ops.next = wrong.next ? wrong.next : real_ops->next;
    iter_ops.prev = wrong.prev ? wrong.prev : real_ops->prev;
    (*out)->ops = &iter_ops;
    return 0;
}

static struct strata_table listed[2];

static int list_tables(void *self, void (*each)(void *arg, const struct strata_table *table),
                       void *arg, struct strata_error *err)
{
    (void)self;
    (void)err;
    each(arg, &listed[0]);
    each(arg, &listed[1]);
    return 0;
}

static int check_fails(void *self, struct strata_error *err)
{
    (void)self;
    return strata_fail(err, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET, "asked in vain");
}

/* The database is the stage's; then this engine has it. NULL: nothing is wrong. */
static void expect(const struct strata_engine *engine, const char *says)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = make(fs, real->stage);
    struct strata_error err;

    assert_ok(strata_close(db, &err), &err);
    db = open_db(fs, 0, engine);
    assert_ok(strata_verify(db, NULL, &err), &err); /* it sees nothing of that */
    if (says) {
        assert_code(strata_verify_deep(db, NULL, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, says);
    } else {
        assert_ok(strata_verify_deep(db, NULL, &err), &err);
    }
    finish(fs, db);
}

static struct strata_engine engine_of_stage(unsigned stage)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, stage, NULL);
    struct strata_engine engine = *db->engine;

    real = db->engine;
    iter_ops = (struct strata_iter_ops){0};
    finish(fs, db);
    return engine;
}

static void deep_of_a_sound_database_is_done(void **state)
{
    (void)state;
    for (unsigned stage = 1; stage <= 9; stage++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = make(fs, stage);
        struct strata_error err;
        assert_ok(strata_verify_deep(db, NULL, &err), &err);
        assert_int_equal(db->open, 0);
        finish(fs, db);
    }
}

static void deep_finds_a_key_that_a_get_does_not_find(void **state)
{
    struct strata_engine engine = engine_of_stage(5);

    (void)state;
    engine.get = hide_c;
    expect(&engine, "entry 3 of a scan: a get does not find its key");
    engine.get = change_c;
    expect(&engine, "entry 3 of a scan: a get finds another value");
}

static void deep_finds_scans_that_disagree(void **state)
{
    struct strata_engine engine = engine_of_stage(3);

    (void)state;
    engine.iter = make_iter;
    expect(&engine, NULL);
    iter_ops = (struct strata_iter_ops){.next = next_skips};
    expect(&engine, "a scan meets 7 entries, a scan backwards 8");
    iter_ops = (struct strata_iter_ops){.next = next_stays};
    expect(&engine, "entry 3 of a scan: its key is not in order");
    iter_ops = (struct strata_iter_ops){.prev = prev_stays};
    expect(&engine, "entry 8 of a scan backwards: its key is not in order");
}

static void deep_finds_tables_that_cannot_be(void **state)
{
    const struct strata_table right = {.level = 1,
                                       .number = 5,
                                       .smallest = S("a"),
                                       .largest = S("d"),
                                       .records = 2,
                                       .tombstones = 2};
    struct strata_engine engine = engine_of_stage(6);

    (void)state;
    engine.tables = list_tables;
    listed[0] = listed[1] = right;
    expect(&engine, "table 5 on level 1: it overlaps");
    listed[1].smallest = S("d"); /* one key is in both */
    expect(&engine, "it overlaps");
    listed[1].smallest = listed[1].largest = S("e");
    expect(&engine, NULL);
    listed[1].tombstones = 3;
    expect(&engine, "its counts are impossible");
    listed[1].records = listed[1].tombstones = 0;
    expect(&engine, "its counts are impossible");
    listed[1] = right;
    listed[1].smallest = S("dd");
    expect(&engine, "its smallest key is after its largest");
    listed[1] = right;
    listed[1].level = 0;
    expect(&engine, "on level 0: it is listed after a deeper level");
    listed[0].level = 0; /* where they may overlap */
    expect(&engine, NULL);
}

static void deep_asks_the_engine(void **state)
{
    struct strata_engine engine = engine_of_stage(3);

    (void)state;
    engine.check = check_fails;
    expect(&engine, "asked in vain");
    engine.size = offsetof(struct strata_engine, check); /* built before there was the slot */
    expect(&engine, NULL);
}

/* ---- Structures in memory -------------------------------------------------------------------- */

static void in_memory(struct strata *db, const char *says)
{
    struct strata_error err;

    if (!says) {
        assert_ok(db->engine->check(db->self, &err), &err);
        return;
    }
    assert_code(db->engine->check(db->self, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, says);
}

/* Its second key becomes the largest. */
static void spoil_order(struct strata *db, const struct memtable *memtable)
{
    struct cursor *cursor = memtable_cursor(memtable, UINT64_MAX);
    uint8_t *byte;

    assert_non_null(cursor);
    assert_int_equal(cursor_seek(cursor, S("f"), NULL), 0);
    byte = (uint8_t *)(uintptr_t)cursor->iter.key.data;
    *byte = 'z';
    in_memory(db, "the memtable");
    *byte = 'f';
    cursor_free(cursor);
    in_memory(db, NULL);
}

static const struct memtable *memtable_of(struct strata *db)
{
    if (db->engine->stage <= 5)
        return ((struct store *)db->self)->view->memtable;
    if (db->engine->stage == 6)
        return ((struct lsm_tree *)db->self)->path.memtable;
    return ((struct tree *)db->self)->super->memtable;
}

/* The skip list; in stage 9 the B+tree keeps the keys themselves elsewhere (09_bptree_test.c). */
static void deep_finds_a_memtable_out_of_order(void **state)
{
    (void)state;
    for (unsigned stage = 4; stage <= 8; stage++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = make(fs, stage);
        spoil_order(db, memtable_of(db));
        finish(fs, db);
    }
}

static void deep_finds_a_memtable_without_its_numbers(void **state)
{
    (void)state;
    for (unsigned stage = 4; stage <= 9; stage++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = make(fs, stage);
        struct memtable *memtable = (struct memtable *)(uintptr_t)memtable_of(db);
        uint64_t first = memtable->first;
        memtable->first = memtable->last + 1;
        in_memory(db, "the memtable");
        memtable->first = first;
        in_memory(db, NULL);
        finish(fs, db);
    }
}

static bool cache_is_wrong(void *common)
{
    (void)common;
    return false;
}

/* The kind's own check is tested with the cache (05_cache_test.c, 09_clock_cache_test.c). */
static void deep_asks_the_block_cache(void **state)
{
    (void)state;
    for (unsigned stage = 5; stage <= 9; stage++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = make(fs, stage);
        struct sstable_kind kind;
        if (stage == 5) {
            struct store *store = db->self;
            const struct store_parts *parts = store->parts;
            struct store_parts other = *parts;
            kind = *parts->table;
            other.table = &kind;
            kind.common_check = cache_is_wrong;
            store->parts = &other;
            in_memory(db, "the block cache");
            store->parts = parts;
        } else {
            const struct sstable_kind **at = stage == 6 ? &((struct lsm_tree *)db->self)->work.kind
                                                        : &((struct tree *)db->self)->kind;
            const struct sstable_kind *kept = *at;
            kind = *kept;
            assert_non_null(kind.common_check);
            kind.common_check = cache_is_wrong;
            *at = &kind;
            in_memory(db, "the block cache");
            *at = kept;
        }
        in_memory(db, NULL);
        finish(fs, db);
    }
}

static void deep_finds_a_list_that_is_not_the_one_in_use(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = make(fs, 5);
    struct store *store = db->self;
    struct lsm_tree *tree;

    (void)state;
    store->tables.log.number++;
    in_memory(db, "the list of tables");
    store->tables.log.number--;
    finish(fs, db);
    fs = fs_sim_new();
    db = make(fs, 6);
    tree = db->self;
    tree->versions.current->levels[0].bytes++;
    tree->versions.current->next += 1000;
    in_memory(db, "the version's counts are not its tables'");
    tree->versions.current->levels[0].bytes--;
    tree->versions.current->next -= 1000;
    finish(fs, db);
    fs = fs_sim_new();
    db = make(fs, 7);
    ((struct tree *)db->self)->versions.current->levels[0].bytes++;
    in_memory(db, "the version's counts are not its tables'");
    ((struct tree *)db->self)->versions.current->levels[0].bytes--;
    finish(fs, db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deep_of_a_sound_database_is_done),
        cmocka_unit_test(deep_finds_a_key_that_a_get_does_not_find),
        cmocka_unit_test(deep_finds_scans_that_disagree),
        cmocka_unit_test(deep_finds_tables_that_cannot_be),
        cmocka_unit_test(deep_asks_the_engine),
        cmocka_unit_test(deep_finds_a_memtable_out_of_order),
        cmocka_unit_test(deep_finds_a_memtable_without_its_numbers),
        cmocka_unit_test(deep_asks_the_block_cache),
        cmocka_unit_test(deep_finds_a_list_that_is_not_the_one_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
