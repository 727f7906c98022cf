/* check.c: is what came out what went in? After each workload, outside of its time, its operations
 * are gone over again: which keys must be there follows, and the sum of all that must have been
 * read (engine.h's sum_add). An engine that loses, invents or confuses entries ends the run. */
#include "bench.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BITS 64

/* ---- Which keys are there -------------------------------------------------------------- */

static bool is_present(const struct bench *b, uint64_t number)
{
    return number / BITS < b->words && b->present[number / BITS] >> number % BITS & 1;
}

bool check_find(const struct bench *b, uint64_t *number)
{
    for (uint64_t i = 0; i < b->data.count; i++) {
        uint64_t n = (*number + i) % b->data.count;
        if (!b->known || is_present(b, n)) {
            *number = n;
            return true;
        }
    }
    return false;
}

static int note(struct bench *b, uint64_t number, bool there)
{
    size_t words = b->words;

    if (number / BITS >= words) {
        uint64_t *more;
        words = number / BITS + 1 > words * 2 ? number / BITS + 1 : words * 2;
        more = realloc(b->present, words * sizeof *more);
        if (!more)
            return bench_fail_memory();
        memset(more + b->words, 0, (words - b->words) * sizeof *more);
        b->present = more;
        b->words = words;
    }
    if (there)
        b->present[number / BITS] |= UINT64_C(1) << number % BITS;
    else
        b->present[number / BITS] &= ~(UINT64_C(1) << number % BITS);
    if (there && number >= b->next)
        b->next = number + 1;
    return BENCH_OK;
}

void check_begin_new(struct bench *b)
{
    memset(b->present, 0, b->words * sizeof *b->present);
    b->known = true;
    b->next = b->data.count;
}

uint64_t check_live(const struct bench *b)
{
    uint64_t count = 0;

    for (size_t i = 0; i < b->words; i++)
        count += (uint64_t)__builtin_popcountll(b->present[i]);
    return count;
}

int check_put(struct bench *b, uint64_t first, uint64_t count)
{
    int code = BENCH_OK;

    for (uint64_t i = 0; i < count && code == BENCH_OK; i++)
        code = note(b, first + i, true);
    return code == BENCH_OK ? 0 : -1;
}

/* ---- What must have come out ----------------------------------------------------------- */

static void expect(const struct bench *b, uint64_t number, struct sum *sum)
{
    uint8_t key[STRATA_MAX_KEY + DATA_TAIL];
    sum_add(sum, data_key(&b->data, number, "", key), data_value(&b->data, number));
}

/* Numbers are in the order of keys. */
static void expect_from(const struct bench *b, const struct op *op, struct sum *sum)
{
    uint64_t end = b->words * BITS;

    for (uint64_t n = op->number; n < end && sum->entries < op->entries; n++)
        if (is_present(b, n))
            expect(b, n, sum);
}

static int expect_op(struct bench *b, const struct op *op, struct sum *sum)
{
    if ((op->act == ACT_GET || op->act == ACT_MODIFY) && is_present(b, op->number))
        expect(b, op->number, sum);
    if (op->act == ACT_SEEK)
        expect_from(b, op, sum);
    if (op->act == ACT_PUT || op->act == ACT_MODIFY)
        return note(b, op->number, true);
    return op->act == ACT_DELETE ? note(b, op->number, false) : BENCH_OK;
}

static void expect_scan(const struct bench *b, uint64_t entries, bool backwards, struct sum *sum)
{
    uint64_t end = b->words * BITS;

    for (uint64_t i = 0; i < end && sum->entries < entries; i++) {
        uint64_t n = backwards ? end - 1 - i : i;
        if (is_present(b, n))
            expect(b, n, sum);
    }
}

/* Less is known of what another run has put, and of a file's records, whose order is not their
 * number's. */
static bool can_tell(const struct bench *b, const struct result *r)
{
    bool order = r->work->kind == WORK_SCAN || r->work->needs & ENGINE_ORDER;

    return b->known && !(order && b->data.records);
}

static int wrong(const struct bench *b, const struct result *r, uint64_t found, uint64_t wanted)
{
    return bench_say(BENCH_OTHER,
                     "%s: %s: what came out is not what went in (entries: %" PRIu64
                     ", there must be %" PRIu64 ")",
                     r->work->name, b->contender->name, found, wanted);
}

/* One that has come to the end has seen all. */
static int check_scan(struct bench *b, const struct result *r, uint64_t sum)
{
    struct sum wanted = {0};

    if (!can_tell(b, r))
        return BENCH_OK;
    expect_scan(b, r->ended ? check_live(b) : r->done, r->work->backwards, &wanted);
    return act_weigh(0, &wanted) == sum && wanted.entries == r->done
               ? BENCH_OK
               : wrong(b, r, r->done, wanted.entries);
}

int check_work(struct bench *b, const struct result *r, uint64_t sum)
{
    uint64_t weight = 0, found = 0, live = check_live(b);
    int code = BENCH_OK;
    bool tell = can_tell(b, r);

    if (r->work->kind == WORK_SCAN)
        return check_scan(b, r, sum);
    for (uint64_t i = 0; i < r->done && code == BENCH_OK; i++) {
        struct sum one = {0};
        struct op op;
        r->work->plan(b, i, &op);
        code = expect_op(b, &op, &one);
        weight += act_weigh(i, &one);
        found += one.entries;
    }
    if (r->threads > 1 && check_live(b) > live)
        tell = false; /* a thread's reads may see a key that another one has added, or not */
    if (code == BENCH_OK && tell && (weight != sum || found != r->found))
        return wrong(b, r, r->found, found);
    return code;
}

/* ---- Every entry ----------------------------------------------------------------------- */

struct verify {
    const struct bench *b;
    uint64_t next; /* number of the key that is looked for from here on */
    uint64_t wrong;
};

static void verify_entry(void *arg, struct strata_slice key, struct strata_slice value)
{
    struct verify *v = arg;
    uint8_t room[STRATA_MAX_KEY + DATA_TAIL];
    uint64_t end = v->b->words * BITS;

    while (v->next < end && !is_present(v->b, v->next))
        v->next++;
    if (v->next == end || strata_compare(key, data_key(&v->b->data, v->next, "", room)) != 0 ||
        strata_compare(value, data_value(&v->b->data, v->next)) != 0)
        v->wrong++;
    v->next++;
}

static int walk_all(struct bench *b, struct sum *sum, struct strata_error *err)
{
    const struct engine *e = b->contender->engine;
    struct strata_slice none = {NULL, 0};
    void *session = NULL, *iter = NULL;
    int rc = e->join(b->db, &session, err);

    if (rc == 0)
        rc = e->iterate(session, &iter, err);
    if (rc == 0)
        rc = e->walk(iter, WALK_FIRST, none, UINT64_MAX, sum, err);
    e->iterated(iter);
    e->leave(session);
    return rc < 0 ? rc : 0;
}

int check_walk(struct bench *b, struct strata_error *err)
{
    struct sum sum = {0};
    return walk_all(b, &sum, err);
}

static int different(struct strata_error *err, uint64_t wrong, uint64_t seen, uint64_t live)
{
    *err = (struct strata_error){.code = STRATA_ERR_CORRUPT, .offset = STRATA_NO_OFFSET};
    snprintf(err->message, sizeof err->message,
             "%" PRIu64 " of %" PRIu64 " entries are not as they were put; there must be %" PRIu64,
             wrong, seen, live);
    return err->code;
}

int check_everything(struct bench *b, struct strata_error *err)
{
    struct verify v = {.b = b};
    struct sum sum = {.each = verify_entry, .arg = &v};
    int rc;

    if (!b->known || b->data.records)
        return engine_fail(err, "verify", "needs a fill of generated data before it");
    rc = walk_all(b, &sum, err);
    if (rc < 0)
        return rc;
    return v.wrong || sum.entries != check_live(b)
               ? different(err, v.wrong, sum.entries, check_live(b))
               : 0;
}

/* Those before the entry's key are missing. */
static void verify_survivor(void *arg, struct strata_slice key, struct strata_slice value)
{
    struct verify *v = arg;
    const struct bench *b = v->b;
    uint64_t end = b->survivors_first + b->survivors;
    uint8_t room[STRATA_MAX_KEY + DATA_TAIL];
    int order = -1;

    while (v->next < end &&
           (order = strata_compare(data_key(&b->data, v->next, "", room), key)) < 0) {
        v->next++;
        v->wrong++;
    }
    if (order == 0 && strata_compare(value, data_value(&b->data, v->next++)) != 0)
        v->wrong++;
}

/* By one walk, as a get of stage 1 reads all of the file: the keys were new, and are in order. */
static int walk_survivors(struct bench *b, void *session, uint64_t *wrong, struct strata_error *err)
{
    const struct engine *e = b->contender->engine;
    struct verify v = {.b = b, .next = b->survivors_first};
    struct sum sum = {.each = verify_survivor, .arg = &v};
    uint8_t room[STRATA_MAX_KEY + DATA_TAIL];
    void *iter = NULL;
    int rc = e->iterate(session, &iter, err);

    if (rc == 0)
        rc =
            e->walk(iter, WALK_SEEK, data_key(&b->data, v.next, "", room), b->survivors, &sum, err);
    e->iterated(iter);
    *wrong = v.wrong + b->survivors_first + b->survivors - v.next;
    return rc;
}

static int get_survivors(struct bench *b, void *session, uint64_t *wrong, struct strata_error *err)
{
    uint8_t room[STRATA_MAX_KEY + DATA_TAIL];
    int rc = 0;

    for (uint64_t i = 0; i < b->survivors && rc >= 0; i++) {
        uint64_t number = b->survivors_first + i;
        struct strata_slice value;
        rc = b->contender->engine->get(session, data_key(&b->data, number, "", room), &value, err);
        *wrong += rc > 0 || (rc == 0 && strata_compare(value, data_value(&b->data, number)) != 0);
    }
    return rc;
}

int check_survivors(struct bench *b, struct strata_error *err)
{
    const struct engine *e = b->contender->engine;
    bool ordered = life_can(b) & ENGINE_ORDER && !b->data.records;
    void *session = NULL;
    uint64_t wrong = 0;
    int rc = e->join(b->db, &session, err);

    if (rc == 0)
        rc = ordered ? walk_survivors(b, session, &wrong, err)
                     : get_survivors(b, session, &wrong, err);
    e->leave(session);
    if (rc >= 0 && wrong)
        return different(err, wrong, b->survivors, b->survivors);
    return rc < 0 ? rc : 0;
}
