/* bypass.c: keeps the plain engine's map in a file of its own, through stdio: no simulated disk
 * sees it, and no power cut takes from it. */
#define PLAIN_IS_PART
#include "plain.c"

#include <stdio.h>

struct by_hand {
    struct plain plain; /* first: the plain engine answers from it; it has no file */
    FILE *to;
};

/* A record: type, sizes, key, value. */
static int read_all(struct by_hand *b, struct strata_error *err)
{
    static uint8_t bytes[STRATA_MAX_KEY + 1024];
    uint32_t head[3];
    int rc = 0;

    rewind(b->to);
    while (rc == 0 && fread(head, sizeof head, 1, b->to) == 1 &&
           (uint64_t)head[1] + head[2] <= sizeof bytes &&
           fread(bytes, 1, head[1] + head[2], b->to) == head[1] + head[2])
        rc = remember(&b->plain, (enum strata_op_type)head[0], strata_bytes(bytes, head[1]),
                      strata_bytes(bytes + head[1], head[2]), err);
    return rc;
}

static int by_hand_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    struct by_hand *b = calloc(1, sizeof *b);
    char *path = fs_join(env->dir, FILE_NAME);
    int rc = b && path ? 0 : strata_fail_memory(err, sizeof *b);

    if (rc == 0) {
        b->plain.env = env;
        b->to = fopen(path, env->is_new ? "w+b" : "a+b");
        rc = b->to ? read_all(b, err) : strata_fail_sys(err, errno, path, STRATA_NO_OFFSET, "open");
    }
    free(path);
    *self = b;
    return rc;
}

static int by_hand_close(void *self, struct strata_error *err)
{
    struct by_hand *b = self;
    fclose(b->to);
    return plain_close(self, err);
}

static int by_hand_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                         struct strata_error *err)
{
    struct by_hand *b = self;
    uint32_t head[] = {ops->type, (uint32_t)ops->key.size, (uint32_t)ops->value.size};

    (void)count;
    (void)sync;
    fwrite(head, sizeof head, 1, b->to);
    fwrite(ops->key.data, 1, ops->key.size, b->to);
    fwrite(ops->value.data, 1, ops->value.size, b->to);
    fflush(b->to);
    return remember(&b->plain, ops->type, ops->key, ops->value, err);
}

const struct strata_engine strata_engine = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 1,
    .format = 1,
    .name = "bypass",
    .survives = "clean exit, kill -9",
    .promises = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_DAMAGE,
    .formats = formats,
    .open = by_hand_open,
    .close = by_hand_close,
    .get = plain_get,
    .write = by_hand_write,
    .iter = plain_iter,
};
