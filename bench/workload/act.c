/* act.c: one operation, as a thread of a workload does it. */
#include "bench.h"

#include <inttypes.h>

uint64_t act_weigh(uint64_t i, const struct sum *sum)
{
    return sum->sum * (2 * i + 1); /* what two operations gave cannot be exchanged */
}

/* A wrong record of a file is reported at once, with its number. */
static int check_record(struct worker *w, const struct op *op, struct strata_slice value)
{
    if (!w->bench->data.records || strata_compare(value, op->value) == 0)
        return 0;
    w->err = (struct strata_error){.code = STRATA_ERR_CORRUPT, .offset = STRATA_NO_OFFSET};
    snprintf(w->err.message, sizeof w->err.message,
             "the value of record %" PRIu64 " of the TSV file was read back differently",
             op->number + 1);
    return STRATA_ERR_CORRUPT;
}

static int get(struct worker *w, const struct op *op, struct sum *sum)
{
    struct strata_slice value;
    int rc = w->bench->contender->engine->get(w->session, op->key, &value, &w->err);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    sum_add(sum, op->key, value);
    return check_record(w, op, value);
}

static int put(struct worker *w, const struct op *op)
{
    w->put_bytes += op->key.size + op->value.size;
    return w->bench->contender->engine->put(w->session, op->key, op->value, &w->err);
}

static int seek(struct worker *w, const struct op *op, struct sum *sum)
{
    const struct engine *e = w->bench->contender->engine;
    void *iter = NULL;
    int rc = e->iterate(w->session, &iter, &w->err);

    if (rc == 0)
        rc = e->walk(iter, WALK_SEEK, op->key, op->entries, sum, &w->err);
    e->iterated(iter);
    return rc < 0 ? rc : 0;
}

int act_do(struct worker *w, const struct op *op, struct sum *sum)
{
    int rc = 0;

    switch (op->act) {
    case ACT_PUT:
        return put(w, op);
    case ACT_DELETE:
        w->put_bytes += op->key.size;
        return w->bench->contender->engine->remove(w->session, op->key, &w->err);
    case ACT_GET:
    case ACT_MISS:
        return get(w, op, sum);
    case ACT_MODIFY:
        rc = get(w, op, sum);
        return rc == 0 ? put(w, op) : rc;
    case ACT_SEEK:
        return seek(w, op, sum);
    }
    return rc;
}
