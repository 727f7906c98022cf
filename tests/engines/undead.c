/* undead.c: the plain engine, but that a delete leaves no record: after the next opening what was
 * deleted is back. */
#define PLAIN_IS_PART
#include "plain.c"

static int undead_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                        struct strata_error *err)
{
    if (ops->type == STRATA_OP_PUT)
        return plain_write(self, ops, count, sync, err);
    apply(self, ops->key, NULL);
    return 0;
}

const struct strata_engine strata_engine = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 1,
    .format = 1,
    .name = "undead",
    .survives = "clean exit, kill -9",
    .promises = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_DAMAGE,
    .formats = formats,
    .open = plain_open,
    .close = plain_close,
    .get = plain_get,
    .write = undead_write,
    .iter = plain_iter,
    .verify = plain_verify,
};
