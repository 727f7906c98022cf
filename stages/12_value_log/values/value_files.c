/* value_files.c: what is done with each file that a version needs: a second name for a backup, and
 * verification. */
#include "value_set_inside.h"
#include "09_fast_paths/log/single_op_log.h"
#include "12_value_log/values/live.h"

#include <stdlib.h>

/* Has a table before this one the file, too? */
static bool is_before(const struct version *v, size_t before, uint64_t number)
{
    for (size_t i = 0; i < before; i++)
        if (live_of(&v->all[i]->user, number).values)
            return true;
    return false;
}

typedef int file_call(struct value_set *set, uint64_t number, const char *to,
                      struct strata_error *err);

static int each_file(struct value_set *set, const struct version *v, const char *to,
                     file_call *call, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < v->count; i++)
        for (size_t at = live_count(&v->all[i]->user); rc == 0 && at--;) {
            uint64_t number = live_at(&v->all[i]->user, at).number;
            if (!is_before(v, i, number))
                rc = call(set, number, to, err);
        }
    return rc;
}

/* ---- Backup ---------------------------------------------------------------------------------- */

static int link_file(struct value_set *set, uint64_t number, const char *to,
                     struct strata_error *err)
{
    const struct value_file *file = value_file_known(set, number);
    char *path = fs_join_number(to, number, VALUES_SUFFIX);
    int rc = path ? fs_link_or_copy(set->env->fs, file->path, FS_WHOLE, path, NULL, err)
                  : strata_fail_memory(err, 64);

    free(path);
    return rc;
}

int value_set_link_all(struct value_set *set, const struct version *v, const char *to,
                       struct strata_error *err)
{
    return each_file(set, v, to, link_file, err);
}

/* ---- Verification ---------------------------------------------------------------------------- */

static int read_records(struct fs_file *file, uint64_t number, struct strata_error *err)
{
    struct record_reader reader;
    struct record record;
    int rc;

    record_reader_init(&reader, file, number, file->end);
    reader.max_type = SINGLE_OP_DELETE;
    rc = value_file_check(file, number, err);
    while (rc == 0)
        rc = record_next(&reader, &record, err);
    if (rc == RECORD_TORN)
        rc = strata_fail(err, STRATA_ERR_CORRUPT, file->path, reader.at,
                         "the value file ends inside a record");
    record_reader_free(&reader);
    return rc < 0 ? rc : 0;
}

/* It is there under its name. Its values are read as the tables are verified: damage of something
 * else in it costs nobody anything (12.I10), and is reported. */
static int verify_file(struct value_set *set, uint64_t number, const char *unused,
                       struct strata_error *err)
{
    const struct value_file *file = value_file_known(set, number);
    struct strata_error why;
    struct fs_file *anew;
    int rc =
        fs_open_named(set->env->fs, file->path, FS_READ, "the value file is missing", &anew, err);

    (void)unused;
    if (rc < 0)
        return rc;
    rc = read_records(anew, number, &why);
    if (rc == STRATA_ERR_CORRUPT)
        strata_env_warn(set->env, &why, "the values that tables need are checked by themselves");
    fs_close(anew, NULL);
    return rc == STRATA_ERR_CORRUPT ? 0 : strata_fail_with(rc, &why, err);
}

int value_set_verify(struct value_set *set, const struct version *v, struct strata_error *err)
{
    return each_file(set, v, NULL, verify_file, err);
}
