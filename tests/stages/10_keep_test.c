/* 10_keep_test.c: which versions of a key go on in a flush or compaction: against the rule as it is
 * written down, for random versions and snapshots. */
#include "test.h"

#include "10_concurrency/snapshot/chain.h"
#include "10_concurrency/snapshot/keep.h"
#include "rng.h"
#include "apply_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 12
#define VERSIONS 8
#define SNAPSHOTS 5

/* ---- Versions, and a cursor over them -------------------------------------------------------- */

struct entry {
    char key[16];
    struct chain_version version;
    char text[16];
};

struct list {
    struct cursor base;
    const struct entry *entries;
    size_t count, at;
    int fails; /* so many moves from now on one fails; 0: none */
};

static int show(struct list *l, struct strata_error *err)
{
    if (l->fails && --l->fails == 0)
        return strata_fail_memory(err, 1);
    if (l->at == l->count)
        return STRATA_NOT_FOUND;
    l->base.iter.key = strata_string(l->entries[l->at].key);
    l->base.iter.value = l->entries[l->at].version.value;
    l->base.iter.has_value = true;
    l->base.type = l->entries[l->at].version.type;
    l->base.sequence = l->entries[l->at].version.number;
    return 0;
}

static int list_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    assert_int_equal(key.size, 0);
    ((struct list *)iter)->at = 0;
    return show((struct list *)iter, err);
}

static int list_next(struct strata_iter *iter, struct strata_error *err)
{
    ((struct list *)iter)->at++;
    return show((struct list *)iter, err);
}

static void list_free(struct strata_iter *iter)
{
    cursor_end((struct cursor *)iter);
}

static struct cursor *list_new(const struct entry *entries, size_t count, int fails)
{
    static const struct strata_iter_ops ops = {list_seek,        NULL,     list_next, NULL,
                                               cursor_has_value, list_free};
    struct list *l = calloc(1, sizeof *l);

    assert_non_null(l);
    *l = (struct list){.base.iter.ops = &ops, .entries = entries, .count = count, .fails = fails};
    return &l->base;
}

/* ---- The rule -------------------------------------------------------------------------------- */

struct world {
    struct entry entries[KEYS * VERSIONS];
    size_t count;
    uint64_t numbers[SNAPSHOTS];
    size_t number_count;
    struct version *version; /* of the compaction: below it are, or are not, all keys */
};

/* What is there below: one table on level 6 that spans all keys, or nothing. */
static struct version *make_version(bool below)
{
    struct edit edit = {.next = 4, .has_logs = true, .log_count = 1, .logs = {{3, 3, 24, 3}}};
    struct edit_table table = {.level = 6,
                               .number = 1,
                               .bytes = 100,
                               .sum.records = 2,
                               .sum.first = 1,
                               .sum.last = 2,
                               .smallest = strata_string("a"),
                               .largest = strata_string("z")};
    struct version *version = NULL;
    struct strata_error err;

    if (below)
        assert_ok(edit_add(&edit, &table, &err), &err);
    assert_ok(apply_edit(&version, &edit, &err), &err);
    edit_free(&edit);
    return version;
}

static void draw(struct world *w, struct rng *rng)
{
    uint64_t number = 1000;

    memset(w, 0, sizeof *w);
    for (int n = 0; n < KEYS; n++) {
        uint64_t versions = rng_below(rng, VERSIONS + 1);
        for (number = 1 + rng_below(rng, 100); versions; versions--) {
            struct entry *e = &w->entries[w->count++];
            bool gone = rng_below(rng, 3) == 0;
            sprintf(e->key, "k%02d", n);
            sprintf(e->text, "%d of %d", (int)number, n);
            e->version = (struct chain_version){
                number, gone ? STRATA_OP_DELETE : STRATA_OP_PUT,
                gone ? strata_bytes(NULL, 0)
                     : strata_bytes(e->text, (size_t)rng_below(rng, strlen(e->text) + 1))};
            if (number)
                number = rng_below(rng, number);
            else
                break; /* of an older table, and so on: what is without a number */
        }
    }
    for (number = rng_below(rng, 40); w->number_count < SNAPSHOTS && rng_below(rng, 4);)
        w->numbers[w->number_count++] = number += 1 + rng_below(rng, 30);
}

/* The newest version up to `number`: what a reader sees. NULL: none. */
static const struct chain_version *seen(const struct world *w, const char *key, uint64_t number)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->entries[i].key, key) == 0 && w->entries[i].version.number <= number)
            return &w->entries[i].version;
    return NULL;
}

/* What a reader sees of the entry that was kept, or NULL: nothing. */
static const struct chain_version *read_kept(const struct cursor *kept, uint64_t number,
                                             struct chain_version *to)
{
    to->type = kept->type;
    to->value = kept->iter.value;
    if (kept->type == SSTABLE_CODED)
        to->type = chain_read(kept->iter.value, number, &to->value);
    return to->type ? to : NULL;
}

/* A delete with nothing below is the same as nothing. */
static bool is_gone(const struct chain_version *v)
{
    return !v || v->type == STRATA_OP_DELETE;
}

static void check_reader(const struct world *w, const char *key, const struct cursor *kept,
                         uint64_t number, bool below)
{
    struct chain_version got;
    const struct chain_version *want = seen(w, key, number);
    const struct chain_version *found = kept ? read_kept(kept, number, &got) : NULL;

    if (!below && is_gone(want)) {
        assert_true(is_gone(found));
        return;
    }
    assert_int_equal(!found, !want);
    if (want) {
        assert_int_equal(found->type, want->type);
        assert_bytes(found->value, want->value);
    }
}

/* Every version is there for a snapshot; and nothing is that no reader tells from a newer one. */
static void check_size(const struct world *w, const struct cursor *kept, bool below)
{
    struct chain chain;
    struct chain_version v, before = {.number = UINT64_MAX};
    uint64_t oldest = w->number_count ? w->numbers[0] : UINT64_MAX;

    if (kept->type != SSTABLE_CODED)
        return;
    assert_null(chain_check(kept->iter.value, 1000));
    for (chain_open(&chain, kept->iter.value); chain_next(&chain, &v); before = v) {
        bool needed = before.number == UINT64_MAX;
        for (size_t i = 0; i < w->number_count; i++)
            needed |= v.number <= w->numbers[i] && w->numbers[i] < before.number;
        assert_true(needed);
        assert_true(v.number == 0 || v.number > oldest); /* 10.I4 */
    }
    assert_true(below || before.type != STRATA_OP_DELETE); /* 10.I5 */
}

static void check_key(const struct world *w, const char *key, const struct cursor *kept, bool below)
{
    check_reader(w, key, kept, UINT64_MAX, below);
    for (size_t i = 0; i < w->number_count; i++)
        check_reader(w, key, kept, w->numbers[i], below);
    if (kept)
        check_size(w, kept, below);
}

static struct cursor *keep_of(const struct world *w, struct compaction *c, int fails)
{
    uint64_t *numbers = malloc(sizeof w->numbers);
    struct cursor *kept;

    assert_non_null(numbers);
    memcpy(numbers, w->numbers, sizeof w->numbers);
    kept = keep_new(c, list_new(w->entries, w->count, fails), numbers, w->number_count);
    assert_non_null(kept);
    return kept;
}

static void keep_leaves_every_reader_what_it_saw(void **state)
{
    struct version *versions[2] = {make_version(false), make_version(true)};
    static struct world w;
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "keep");
    for (int round = 0; round < 4000; round++) {
        bool below = round % 2;
        struct compaction c = {.version = versions[below], .pick.output = 2};
        struct strata_error err;
        struct cursor *kept;
        int rc;
        draw(&w, &rng);
        kept = keep_of(&w, &c, 0);
        rc = cursor_first(kept, &err);
        for (int n = 0; n < KEYS; n++) {
            char key[16];
            bool here;
            sprintf(key, "k%02d", n);
            here = rc == 0 && strata_compare(kept->iter.key, strata_string(key)) == 0;
            check_key(&w, key, here ? kept : NULL, below);
            if (here)
                rc = cursor_next(kept, &err);
        }
        assert_int_equal(rc, STRATA_NOT_FOUND);
        cursor_free(kept);
    }
    version_unref(versions[0]);
    version_unref(versions[1]);
}

static void keep_passes_errors_on(void **state)
{
    struct version *version = make_version(false);
    static struct world w;
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "keep fails");
    for (int round = 0; round < 500; round++) {
        struct compaction c = {.version = version, .pick.output = 2};
        struct strata_error err;
        struct cursor *kept;
        int rc;
        do
            draw(&w, &rng);
        while (!w.count);
        kept = keep_of(&w, &c, 1 + (int)rng_below(&rng, w.count));
        rc = cursor_first(kept, &err);
        while (rc == 0)
            rc = cursor_next(kept, &err);
        assert_int_equal(rc, STRATA_ERR_NO_MEMORY);
        cursor_free(kept);
    }
    version_unref(version);
}

/* Versions that no table could hold: the error names an input that has the key, so that compactions
 * leave that one alone and go on; of a flush there is none, and memory is what it lacks. */
static void keep_of_too_many_bytes_names_an_input(void **state)
{
    struct version *version = make_version(false);
    struct sstable table = {.path = (char *)(uintptr_t) "db/000007.table"}, *inputs = &table;
    static struct world w = {.numbers = {5}, .number_count = 1, .count = 2};

    (void)state;
    for (int i = 0; i < 2; i++) {
        strcpy(w.entries[i].key, "k");
        w.entries[i].version = (struct chain_version){9 - (uint64_t)i * 5, STRATA_OP_PUT,
                                                      strata_bytes(w.entries[i].text, 0)};
    }
    w.entries[1].version.value.size = CHAIN_MAX; /* which are not there, and not read */
    assert_int_equal(strata_buffer_append(&table.smallest, "a", 1), 0);
    assert_int_equal(strata_buffer_append(&table.largest, "z", 1), 0);
    for (int flush = 0; flush < 2; flush++) {
        struct compaction c = {.version = version, .pick.output = 2};
        struct strata_error err;
        struct cursor *kept;
        if (!flush)
            c.pick.inputs[1] = (struct version_level){.tables = &inputs, .count = 1};
        kept = keep_of(&w, &c, 0);
        assert_code(cursor_first(kept, &err),
                    flush ? STRATA_ERR_NO_MEMORY : STRATA_ERR_NOT_SUPPORTED, &err);
        assert_err_says(&err, "versions of a key");
        if (!flush)
            assert_err_file(&err, "db/000007.table");
        cursor_free(kept);
    }
    strata_buffer_free(&table.smallest);
    strata_buffer_free(&table.largest);
    version_unref(version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keep_leaves_every_reader_what_it_saw),
        cmocka_unit_test(keep_passes_errors_on),
        cmocka_unit_test(keep_of_too_many_bytes_names_an_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
