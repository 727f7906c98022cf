/* repair.c: see repair.h. A database is healthy if and only if it opens and all of it verifies;
 * then nothing is done. */
#define FS_NO_SITES /* tests/stages/08_repair_test.c cuts a repair at each of its calls */
#include "08_backup_repair/repair/repair.h"
#include "07_paced_compaction/tree/tree.h"

#include <assert.h>
#include <stdlib.h>

/* ---- All of it ------------------------------------------------------------------------------- */

/* CORRUPT: it is not healthy. */
static int check_health(struct repair *r, bool reports, struct strata_error *err)
{
    const struct strata_engine *engine = r->parts->engine;
    struct strata_options options = *r->env->options;
    struct strata_env env = *r->env;
    void *self;
    int rc;

    options.read_only = true;
    options.log = NULL;
    env.options = &options;
    rc = engine->open(&env, &self, err);
    if (rc < 0)
        return rc;
    rc = engine->verify(self, NULL, err);
    if (rc == 0 && reports)
        repair_report_healthy(r, ((struct tree *)self)->versions.current);
    engine->close(self, NULL); /* it was only read */
    return rc;
}

static void repair_free(struct repair *r)
{
    for (size_t i = 0; i < r->count; i++) {
        strata_buffer_free(&r->tables[i].smallest);
        strata_buffer_free(&r->tables[i].largest);
        lineage_free(&r->tables[i].lineage);
    }
    free(r->tables);
    free(r->logs);
    version_unref(r->version);
    memtable_unref(r->memtable);
    fs_names_free(&r->names);
    if (r->common)
        r->kind->common_del(r->common);
}

static int examine(struct repair *r, struct strata_error *err)
{
    int rc = r->kind->common_new ? r->kind->common_new(r->env, &r->common, err) : 0;

    r->next = 1;
    if (rc == 0)
        rc = fs_list(r->env->fs, r->env->dir, &r->names, err);
    if (rc == 0)
        rc = repair_examine_tables(r, err);
    if (rc == 0)
        rc = repair_examine_manifest(r, err);
    return rc < 0 ? rc : repair_examine_logs(r, err);
}

static int repair(struct repair *r, struct strata_error *err)
{
    int rc = examine(r, err);

    if (rc == 0)
        rc = repair_choose(r, err);
    if (rc == 0 && !r->keep_logs)
        rc = repair_take_logs(r, err);
    if (rc < 0)
        return rc;
    repair_report_found(r);
    rc = repair_write(r, err);
    return rc < 0 || repair_is_dry(r) ? rc : check_health(r, false, err);
}

int repair_database(const struct strata_env *env, const struct repair_parts *parts,
                    const struct strata_repair *to, struct strata_repair_sum *sum,
                    struct strata_error *err)
{
    struct repair r = {
        .env = env, .parts = parts, .kind = parts->tree->table, .to = to, .sum = sum};
    struct strata_error why;
    int rc = check_health(&r, true, &why);

    sum->healthy = rc == 0;
    if (rc == STRATA_ERR_CORRUPT)
        rc = repair(&r, &why);
    repair_free(&r);
    if (rc < 0 && err)
        *err = why;
    return rc;
}
