/* repair.c: see repair.h. A database is healthy iff it opens and all of it verifies; then there is
 * nothing to do. Else: look at every file, choose what counts, write that, and look again. */
#define FS_NO_SITES /* tests/stages/08_repair_test.c cuts a repair at each of its calls */
#include "repair.h"
#include "09_fast_paths/fast_parts.h"
#include "09_fast_paths/table/pax_table.h"
#include "07_paced_compaction/leveled.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Telling --------------------------------------------------------------------------------- */

static void tell(struct repair *r, const char *name, enum strata_fate fate, const char *why)
{
    r->to->file(r->to->arg, name, fate, why);
}

static void tell_number(struct repair *r, uint64_t number, const char *suffix,
                        enum strata_fate fate, const char *why)
{
    char name[64];
    snprintf(name, sizeof name, "%06" PRIu64 "%s", number, suffix);
    tell(r, name, fate, why);
}

/* One that does not count; salvage tells of those that do, and are damaged. */
static void tell_lost(struct repair *r, const struct repair_table *t)
{
    char name[64];

    snprintf(name, sizeof name, "%06" PRIu64 ".table", t->entry.number);
    tell(r, name, STRATA_FATE_LOST, t->why.message);
    r->sum->tables_lost++;
    r->sum->ranges++;
    r->sum->lost = true;
    r->to->range(r->to->arg, name, t->named ? &t->entry.smallest : NULL,
                 t->named ? &t->entry.largest : NULL);
}

/* Of one that is in no state, and no other table tells of. */
static bool is_lost(const struct repair_table *t)
{
    return !t->counts && !t->removed && !t->own;
}

static void tell_table(struct repair *r, const struct repair_table *t)
{
    if (t->counts && !t->made) {
        tell_number(r, t->entry.number, ".table", STRATA_FATE_KEPT, "");
        r->sum->tables_kept++;
    } else if (is_lost(t)) {
        tell_lost(r, t);
    } else if (!t->counts && !t->made && t->found != REPAIR_MISSING) {
        tell_number(r, t->entry.number, ".table", STRATA_FATE_UNUSED,
                    t->own ? "of a repair that was cut short" : "nothing relies on it");
        r->sum->tables_unused++;
    }
}

static void tell_log(struct repair *r, const struct repair_log *log)
{
    bool kept = r->keep_logs && log->named;
    enum strata_fate fate = kept           ? STRATA_FATE_KEPT
                            : !log->there  ? STRATA_FATE_LOST
                            : log->damaged ? STRATA_FATE_SALVAGED
                                           : STRATA_FATE_UNUSED;
    char why[500];

    if (!log->there && !r->exact) /* it was live once; what is missing is told of operations */
        return;
    r->sum->logs += log->there;
    r->sum->operations += kept ? log->operations : log->taken;
    if (!log->there) {
        tell_number(r, log->number, ".log", fate, log->why.message);
        return;
    }
    snprintf(why, sizeof why,
             "read up to @%" PRIu64 ", %" PRIu64 " operations, %" PRIu64 " taken%s%.250s", log->end,
             log->operations, kept ? log->operations : log->taken, log->why.message[0] ? "; " : "",
             log->why.message);
    tell_number(r, log->number, ".log", fate, why);
}

static void tell_manifest(struct repair *r)
{
    if (!r->current)
        tell(r, CURRENT_NAME, STRATA_FATE_MADE, "it named no manifest that can be read");
    if (r->manifest)
        tell_number(r, r->manifest, ".manifest",
                    r->manifest_whole ? STRATA_FATE_UNUSED : STRATA_FATE_SALVAGED,
                    r->manifest_whole ? (r->exact ? "read to its end, and replaced"
                                                  : "what it names is not what there is")
                                      : r->why.message);
}

/* ---- Healthy? -------------------------------------------------------------------------------- */

static void tell_kept(struct repair *r, const struct version *v)
{
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < v->levels[level].count; i++) {
            tell_number(r, v->levels[level].tables[i]->number, ".table", STRATA_FATE_KEPT, "");
            r->sum->tables_kept++;
        }
    for (uint32_t i = 0; i < v->log_count; i++) {
        tell_number(r, v->logs[i].number, ".log", STRATA_FATE_KEPT, "");
        r->sum->logs++;
    }
}

/* `told`: its files are told of. */
static int check_health(struct repair *r, bool told, struct strata_error *err)
{
    struct strata_options options = *r->env->options;
    struct strata_env env = *r->env;
    void *self;
    int rc;

    options.read_only = true;
    options.log = NULL;
    env.options = &options;
    rc = leveled_open(&env, &fast_parts, false, &self, err);
    if (rc < 0)
        return rc;
    rc = tree_verify(self, NULL, err);
    if (rc == 0 && told)
        tell_kept(r, ((struct tree *)self)->version);
    leveled_close(self, NULL); /* it was only read */
    return rc;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static void repair_free(struct repair *r)
{
    for (size_t i = 0; i < r->count; i++) {
        strata_buffer_free(&r->tables[i].smallest);
        strata_buffer_free(&r->tables[i].largest);
        lineage_free(&r->tables[i].lineage);
    }
    free(r->tables);
    free(r->logs);
    free(r->removed);
    version_unref(r->version);
    memtable_unref(r->memtable);
    fs_names_free(&r->names);
    if (r->common)
        pax_table_kind.common_del(r->common);
}

static int look(struct repair *r, struct strata_error *err)
{
    int rc = pax_table_kind.common_new(r->env, &r->common, err);

    r->next = 1;
    if (rc == 0)
        rc = fs_list(r->env->fs, r->env->dir, &r->names, err);
    if (rc == 0)
        rc = repair_look_at_tables(r, err);
    if (rc == 0)
        rc = repair_look_at_manifest(r, err);
    if (rc == 0)
        rc = repair_look_at_logs(r, err);
    if (rc == 0)
        rc = repair_choose(r, err);
    return rc == 0 && !r->keep_logs ? repair_take_logs(r, err) : rc;
}

static int work(struct repair *r, struct strata_error *err)
{
    int rc = look(r, err);

    if (rc < 0)
        return rc;
    tell_manifest(r);
    for (size_t i = 0; i < r->count; i++)
        tell_table(r, &r->tables[i]);
    for (size_t i = 0; i < r->log_count; i++)
        tell_log(r, &r->logs[i]);
    rc = repair_write(r, err);
    if (rc == 0 && r->log_table)
        tell_number(r, r->log_table, ".table", STRATA_FATE_MADE, "of what was taken from the logs");
    return rc < 0 || r->env->options->read_only ? rc : check_health(r, false, err);
}

int repair_database(const struct strata_env *env, const struct strata_repair *to,
                    struct strata_repair_sum *sum, struct strata_error *err)
{
    struct repair r = {.env = env, .to = to, .sum = sum};
    struct strata_error why;
    int rc = check_health(&r, true, &why);

    if (rc == 0) {
        sum->healthy = true;
        return 0;
    }
    if (rc == STRATA_ERR_CORRUPT)
        rc = work(&r, &why);
    repair_free(&r);
    if (rc < 0 && err)
        *err = why;
    return rc;
}
