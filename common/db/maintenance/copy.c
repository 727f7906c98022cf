/* copy.c: see copy.h. */
#include "db/maintenance/copy.h"
#include "base/checksum.h"
#include "db/maintenance/gather.h"
#include "strata_engine.h"

#include <inttypes.h>

/* Sizes are summed too, as seeds: the same bytes cut into other entries are not the same. */
static void add(struct copy_sum *sum, struct strata_slice key, struct strata_slice value,
                uint64_t until)
{
    sum->entries++;
    sum->bytes += key.size + value.size;
    sum->check = checksum(checksum_seed(sum->check, key.size), key);
    sum->check = checksum(checksum_seed(sum->check, value.size), value);
    if (until)
        sum->check = checksum_seed(sum->check, until);
}

/* Reads all of `db`, into `to` unless that is NULL. */
static int walk(struct strata *db, struct gather *to, const struct copy_progress *progress,
                struct copy_sum *sum, struct strata_error *err)
{
    struct strata_slice key, value;
    struct strata_iter *iter;
    int rc = strata_iter_new(db, &iter, err);

    *sum = (struct copy_sum){0};
    if (rc < 0)
        return rc;
    rc = strata_iter_first(iter, err);
    while (rc == 0) {
        key = strata_iter_key(iter);
        rc = strata_iter_value(iter, &value, err);
        if (rc == 0 && to)
            rc = gather_put_until(to, key, value, strata_iter_until(iter), err);
        if (rc < 0)
            break;
        add(sum, key, value, strata_iter_until(iter));
        if (progress)
            progress->tick(progress->arg, sum);
        rc = strata_iter_next(iter, err);
    }
    strata_iter_free(iter);
    return rc < 0 ? rc : 0;
}

int copy_all(struct strata *from, struct strata *to, const struct copy_progress *progress,
             struct copy_sum *sum, struct strata_error *err)
{
    struct gather gather;
    int rc = gather_init(&gather, to, 0, err);

    if (rc == 0)
        rc = walk(from, &gather, progress, sum, err);
    if (rc == 0)
        rc = gather_flush(&gather, err);
    gather_free(&gather);
    return rc;
}

int copy_verify(struct strata *db, const struct copy_sum *wanted,
                const struct copy_progress *progress, struct strata_error *err)
{
    struct copy_sum sum;
    int rc = walk(db, NULL, progress, &sum, err);

    if (rc < 0)
        return rc;
    if (sum.entries != wanted->entries || sum.bytes != wanted->bytes)
        return strata_fail(err, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET,
                           "the copy holds %" PRIu64 " entries of %" PRIu64 " bytes; %" PRIu64
                           " of %" PRIu64 " bytes were copied",
                           sum.entries, sum.bytes, wanted->entries, wanted->bytes);
    if (sum.check != wanted->check)
        return strata_fail(err, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET,
                           "the copy's entries are not those that were copied");
    return 0;
}
