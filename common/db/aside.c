/* aside.c: see aside.h.
 * I1: a file that a repair moves away gets its second name, in DIR/lost, before the new manifest
 * counts; its first name is removed after that. So no crash leaves the file without a name. I2: a
 * name that is taken in DIR/lost is not used again: NAME.1, NAME.2, ... But a file that is the
 * same, byte by byte, is there already, by a repair that was cut short. */
#define FS_NO_SITES /* tests/stages/08_repair_test.c and                                           \
                     * tests/contract/contract_marker_repair_test.c cut a repair at each of its    \
                     * calls */
#include "db/aside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)64 << 10) /* bytes compared at a time */
#define NAMES 1000

static char *lost_path(const struct strata_env *env, const char *name, unsigned times)
{
    char *dir = fs_join(env->dir, ASIDE_DIR), again[80], *path;

    snprintf(again, sizeof again, times ? "%.60s.%u" : "%.60s", name, times);
    path = dir ? fs_join(dir, again) : NULL;
    free(dir);
    return path;
}

static int make_dir(const struct strata_env *env, struct strata_error *err)
{
    char *dir = fs_join(env->dir, ASIDE_DIR);
    struct strata_error why = {0};
    int rc = dir ? fs_mkdir(env->fs, dir, &why) : strata_fail_memory(&why, 64);

    free(dir);
    if (rc == STRATA_ERR_IO && why.sys == EEXIST)
        return 0;
    if (rc < 0 && err)
        *err = why;
    return rc;
}

/* One piece of both. */
static int compare_piece(struct fs_file *a, struct fs_file *b, uint64_t at, uint8_t *bytes,
                         bool *same, struct strata_error *err)
{
    size_t got = 0, also = 0;
    int rc = fs_read_at(a, at, bytes, PIECE, &got, err);

    if (rc == 0)
        rc = fs_read_at(b, at, bytes + PIECE, PIECE, &also, err);
    *same = rc == 0 && got == also && memcmp(bytes, bytes + PIECE, got) == 0;
    return rc;
}

static int compare_files(struct fs_file *a, struct fs_file *b, bool *same, struct strata_error *err)
{
    uint8_t *bytes = malloc(2 * PIECE);
    int rc = bytes ? 0 : strata_fail_memory(err, 2 * PIECE);

    *same = a->end == b->end;
    for (uint64_t at = 0; rc == 0 && *same && at < a->end; at += PIECE)
        rc = compare_piece(a, b, at, bytes, same, err);
    free(bytes);
    return rc;
}

static int is_same(const struct strata_env *env, const char *from, const char *to, bool *same,
                   struct strata_error *err)
{
    struct fs_file *a = NULL, *b = NULL;
    int rc = fs_open(env->fs, from, FS_READ, &a, err);

    if (rc == 0)
        rc = fs_open(env->fs, to, FS_READ, &b, err);
    if (rc == 0)
        rc = compare_files(a, b, same, err);
    fs_close(a, NULL);
    fs_close(b, NULL);
    return rc;
}

static int keep_as(const struct strata_env *env, const char *from, const char *name, unsigned times,
                   bool *kept, struct strata_error *err)
{
    char *to = lost_path(env, name, times);
    int rc =
        to ? fs_link_or_copy(env->fs, from, FS_WHOLE, to, NULL, err) : strata_fail_memory(err, 64);

    *kept = rc == 0;
    if (rc == STRATA_ERR_IO && err->sys == EEXIST)
        rc = is_same(env, from, to, kept, err); /* I2 */
    free(to);
    return rc;
}

int aside_keep(const struct strata_env *env, const char *name, struct strata_error *err)
{
    char *from = fs_join(env->dir, name);
    struct strata_error why = {0};
    bool kept = false;
    int rc = from ? make_dir(env, &why) : strata_fail_memory(&why, 64);

    for (unsigned times = 0; rc == 0 && !kept && times < NAMES; times++)
        rc = keep_as(env, from, name, times, &kept, &why);
    if (rc == 0 && !kept)
        rc = strata_fail_sys(&why, EEXIST, from, STRATA_NO_OFFSET,
                             "keep it in " ASIDE_DIR ", where all its names are taken");
    free(from);
    if (rc == STRATA_ERR_IO && why.sys == ENOENT)
        return 0;
    if (rc < 0 && err)
        *err = why;
    return rc;
}

void aside_drop(const struct strata_env *env, const char *name)
{
    char *path = fs_join(env->dir, name);

    if (path)
        fs_remove(env->fs, path, NULL);
    free(path);
}

int aside_sync(const struct strata_env *env, struct strata_error *err)
{
    char *dir = fs_join(env->dir, ASIDE_DIR);
    struct strata_error why = {0};
    int rc = dir ? fs_sync_dir(env->fs, dir, &why) : strata_fail_memory(&why, 64);

    free(dir);
    if (rc == STRATA_ERR_IO && why.sys == ENOENT) /* there is no DIR/lost */
        rc = 0;
    if (rc < 0 && err)
        *err = why;
    return rc < 0 ? rc : fs_sync_dir(env->fs, env->dir, err);
}
