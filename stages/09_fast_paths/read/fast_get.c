/* fast_get.c: one key in all tables. The tables that may have it are found first, by the key
 * prefixes of their bounds, and each one's filter line is prefetched while the next is found: a
 * get waits for memory once, not once a level.
 *
 *   level 0    [b......y]  [a.c]  [d......x]     "k": these are asked,   level 0, level 0,
 *   level 1    [a..d]  [f..k]  [m....z]          in this order:          level 1, level 2
 *   level 2    [a.e] [g..l] [n.q] [r.z]
 *
 * 9.I33: they are asked newest first, and the first that has the key has its newest version. (A
 *        later stage's tables may have a key only in versions that are newer than the reader: then
 *        the next one is asked.) */
#include "02_hash_index/index.h"
#include "09_fast_paths/fast_parts.h"

#include <assert.h>

#define BATCH 16 /* tables whose filters are waited for at once */

struct search {
    const struct version *version;
    const struct version_index *index;
    struct strata_slice key;
    uint64_t key_prefix, hash; /* of the key */
    uint64_t sequence;         /* of the reader */
    unsigned level;            /* where to look next */
    size_t at;                 /* on level 0 */
};

struct candidate {
    struct pax_table *table;
    bool edge; /* its bounds' key prefixes leave it open whether the key is within them */
};

static bool may_have(const struct version_level *l, size_t at, const struct search *s,
                     struct candidate *out)
{
    size_t n = (size_t)(l->tables - s->version->all) + at;
    uint64_t low = s->index->lows[n], high = s->index->key_prefixes[n];

    if (s->key_prefix < low || s->key_prefix > high)
        return false;
    out->table = pax_table_of(l->tables[at]);
    out->edge = (s->key_prefix == low) | (s->key_prefix == high);
    return true;
}

static size_t find_table(const struct search *s, const struct version_level *l)
{
    struct fast_run run = {l->tables, l->count,
                           s->index->key_prefixes + (l->tables - s->version->all)};
    return run_find(&run, s->index->prefix, s->key);
}

/* false: there is none. */
static bool find_next(struct search *s, struct candidate *out)
{
    const struct version_level *l = s->version->levels;

    for (; s->level == 0 && s->at < l->count; s->at++) {
        cost_so_far.comparisons++;
        if (may_have(l, s->at, s, out)) {
            s->at++;
            return true;
        }
    }
    s->level += s->level == 0;
    for (; s->level < LEVELS; s->level++) {
        l = &s->version->levels[s->level];
        size_t at = l->count ? find_table(s, l) : 0;
        if (at < l->count && may_have(l, at, s, out)) {
            s->level++;
            return true;
        }
    }
    return false;
}

static size_t find_some(struct search *s, struct candidate *out)
{
    size_t count = 0;

    for (; count < BATCH && find_next(s, &out[count]); count++)
        if (pax_table_is_loaded(out[count].table) && out[count].table->filter)
            __builtin_prefetch(bloom_line(&out[count].table->bloom, s->hash));
    return count;
}

/* Tables. Each is one atomic addition, unless it is 0. */
struct asked {
    uint64_t searched, filtered;
};

static int ask(const struct candidate *list, size_t count, const struct search *s,
               struct asked *asked, unsigned *type, struct strata_buffer *value,
               struct strata_error *err)
{
    int rc = STRATA_NOT_FOUND;

    for (size_t i = 0; rc == STRATA_NOT_FOUND && i < count; i++) { /* 9.I33 */
        struct pax_table *t = list[i].table;
        assert(i == 0 || list[i].table != list[i - 1].table);
        if (list[i].edge && sstable_compare_key(&t->base, s->key) != 0)
            continue;
        rc = pax_table_need(t, err);
        if (rc < 0)
            return rc;
        if (pax_table_filters_out(t, s->hash)) {
            asked->filtered++;
            rc = STRATA_NOT_FOUND;
            continue;
        }
        asked->searched++;
        rc = pax_table_find(t, s->key, s->hash, s->sequence, type, value, err);
    }
    return rc;
}

int fast_get(struct version *version, struct strata_slice key, unsigned *type,
             struct strata_buffer *value, struct strata_error *err)
{
    return fast_get_at(version, key, UINT64_MAX, type, value, err);
}

int fast_get_at(struct version *version, struct strata_slice key, uint64_t sequence, unsigned *type,
                struct strata_buffer *value, struct strata_error *err)
{
    const struct version_index *index = version_index(version);
    struct search search = {version,         index,    key, key_prefix_after(key, index->prefix),
                            index_hash(key), sequence, 0,   0};
    struct candidate list[BATCH];
    struct asked asked = {0, 0};
    int rc = STRATA_NOT_FOUND;

    for (size_t count = BATCH; rc == STRATA_NOT_FOUND && count == BATCH;) {
        count = find_some(&search, list);
        rc = ask(list, count, &search, &asked, type, value, err);
    }
    cost_so_far.tables += asked.filtered + asked.searched;
    if (asked.filtered)
        striped_add(&list[0].table->common->counts, PAX_TABLE_FILTERED, asked.filtered);
    if (asked.searched)
        striped_add(&list[0].table->common->counts, PAX_TABLE_SEARCHED, asked.searched);
    return rc;
}
