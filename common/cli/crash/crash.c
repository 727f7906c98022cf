/* crash.c: crash: runs workloads on a simulated disk, makes every state that a kill or a power cut
 * may leave, opens each again, and prints a table of what came back. */
#include "cli/crash/crash.h"
#include "crash/need.h"
#include "crash/subject.h"
#include "crash/workload.h"
#include "fs/fs_posix.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEEDS_MOST 10000

static const struct crash_model models[CRASH_MODELS] = {
    {"kill", FS_SIM_KILL, STRATA_PROMISE_KILL, "that writes survive kill -9",
     "kill -9; of the write being made any number of bytes is there"},
    {"ordered", FS_SIM_ORDERED, STRATA_PROMISE_POWER_CUT, "that writes survive a power cut",
     "a power cut; changes of names reach the device in the order they were made"},
    {"posix", FS_SIM_POSIX, STRATA_PROMISE_POWER_CUT, "that writes survive a power cut",
     "a power cut; a name is safe only after a sync of its directory"},
};

/* ---- Workloads ------------------------------------------------------------------------- */

static struct workload *add_workload(struct crash *c)
{
    c->workloads = need(realloc(c->workloads, (c->count + 1) * sizeof *c->workloads));
    c->workloads[c->count] = (struct workload){.name = NULL};
    return &c->workloads[c->count++];
}

/* The workload number `index`, for each seed if it is drawn by one. */
static void add_named(struct crash *c, size_t index)
{
    uint64_t seeds = workload_is_drawn(index) ? c->seeds : 1;

    for (uint64_t i = 0; i < seeds; i++) {
        struct workload *w = add_workload(c);
        w->seed = workload_is_drawn(index) ? c->seed + i : 0;
        w->name = workload_fill(index, c->seed + i, &w->script);
    }
}

/* Where nothing is ever synced it is the same as another; and where there are no batches none can
 * be written. */
static bool is_pointless(const struct script *script)
{
    bool batches = script->history.op_count > script->history.count;
    return (script->unsynced && !subject_promises(STRATA_PROMISE_POWER_CUT)) ||
           (batches && !subject_promises(STRATA_PROMISE_BATCH));
}

/* All, or the one of that name. `names`: of all there are. */
static void add_builtin(struct crash *c, const char *wanted, char *names, size_t capacity)
{
    size_t length = 0;

    for (size_t i = 0;; i++) {
        struct script script = {0};
        const char *name = workload_fill(i, c->seed, &script);
        bool pointless = is_pointless(&script);
        script_free(&script);
        if (!name)
            return;
        length += (size_t)snprintf(names + length, capacity - length, "%s%s", i ? ", " : "", name);
        if (wanted ? strcmp(name, wanted) == 0 : !pointless)
            add_named(c, i);
    }
}

static int read_workloads(struct crash *c)
{
    const char *wanted = c->cli->given[CLI_WORKLOAD];
    struct workload *w;
    char names[200];

    add_builtin(c, wanted, names, sizeof names);
    if (c->count)
        return CLI_OK;
    if (strcmp(wanted, "-") != 0 && access(wanted, F_OK) < 0)
        return cli_usage(c->cli, "--workload: \"%s\" is no file, and none of %s", wanted, names);
    w = add_workload(c);
    w->name = wanted;
    return crash_read(c->cli, wanted, &w->script);
}

/* ---- Options --------------------------------------------------------------------------- */

static int read_model(struct crash *c)
{
    int model = -1, code = cli_word(c->cli, CLI_MODEL, &model);

    if (model >= 0)
        c->only = &models[model];
    return code;
}

static int read_depth(struct crash *c)
{
    int depth = 1, code = cli_word(c->cli, CLI_DEPTH, &depth); /* usual */

    c->depth = (enum campaign_depth)depth;
    return code;
}

static int read_place(struct crash *c)
{
    const char *at = c->cli->given[CLI_AT];

    if (!at)
        return CLI_OK;
    if (!explore_place_parse(at, &c->place))
        return cli_usage(c->cli, "--at: \"%s\" names no state: 25.3 is the fourth of call 25", at);
    if (!c->only || !c->cli->given[CLI_WORKLOAD])
        return cli_usage(c->cli, "--at wants --model and --workload beside it");
    return CLI_OK;
}

static int read_engine(struct crash *c)
{
    const char *path = c->cli->given[CLI_ENGINE];
    struct strata_error err;

    if (!path || subject_load(path, &err) == 0)
        return CLI_OK;
    cli_say(c->cli, "--engine: %s", err.message);
    return cli_exit_of(err.code);
}

/* One workload, and its first crash. */
static int read_walk(struct crash *c)
{
    int unused = 0, code = cli_word(c->cli, CLI_WALK, &unused);

    if (code != CLI_OK || !c->cli->given[CLI_WALK])
        return code;
    if (!c->cli->given[CLI_WORKLOAD] || c->seeds > 1 || c->cli->given[CLI_AT])
        return cli_usage(c->cli, "--walk wants one --workload, and no --at");
    c->depth = CAMPAIGN_QUICK;
    return CLI_OK;
}

static int read_options(struct crash *c)
{
    int code = cli_stage_asked(c->cli, &c->stage);

    c->seed = c->seeds = 1;
    if (code == CLI_OK)
        code = cli_number(c->cli, CLI_SEED, 1, UINT64_MAX / 2, &c->seed);
    if (code == CLI_OK)
        code = cli_number(c->cli, CLI_SEEDS, 1, SEEDS_MOST, &c->seeds);
    if (code == CLI_OK)
        code = read_model(c);
    if (code == CLI_OK)
        code = read_depth(c);
    if (code == CLI_OK)
        code = read_place(c);
    if (code == CLI_OK)
        code = read_walk(c);
    if (code != CLI_OK)
        return code;
    subject_choose(&c->stage);
    code = read_engine(c);
    return code == CLI_OK ? read_workloads(c) : code;
}

/* ---- Running --------------------------------------------------------------------------- */

static uint64_t opened(const struct explore *e)
{
    return e->totals.distinct + e->again.distinct;
}

/* Where much is lost, much of the time goes to showing it by few steps. */
#define EXPLORING 0.7 /* of a model that is not promised */

static double exploring(const struct crash *c)
{
    return c->campaign->promised ? 1 : EXPLORING;
}

/* `share` of the model under way is done. */
static void show(struct crash *c, double share)
{
    struct progress_state state = {.done_bytes = (uint64_t)(1e6 * ((double)c->done + share)),
                                   .total_bytes = c->total * 1000000,
                                   .records = c->opened + opened(&c->campaign->explore),
                                   .unit = "states"};
    progress_tick(&c->cli->progress, &state);
}

static void tick(void *arg, uint64_t done, uint64_t total, uint64_t distinct)
{
    struct crash *c = arg;

    (void)distinct;
    show(c, exploring(c) * campaign_share(c->campaign, done, total));
}

static void shrinking(void *arg, double share)
{
    struct crash *c = arg;
    double all = exploring(c) < 1 ? exploring(c) : 0.99;

    show(c, all + (1 - all) * ((double)c->shrunk + share) / (double)c->to_shrink);
}

static void put_result(const struct crash *c, const struct crash_model *model,
                       const struct explore *e)
{
    fprintf(c->cli->out,
            "crash: stage=%u model=%s states=%" PRIu64 " distinct=%" PRIu64 " violations=%" PRIu64
            "\n",
            c->stage.stage, model->name, e->totals.states + e->again.states,
            e->totals.fresh + e->again.fresh, e->violations);
}

static int explore_model(struct crash *c, const struct crash_model *model)
{
    struct campaign campaign;
    struct explore *e = &campaign.explore;
    int rc;

    crash_prepare(c, model, &campaign);
    e->plan.met = need(fs_sim_met_new());
    e->tick = tick;
    if (c->cli->given[CLI_WALK])
        crash_walk_begin(c, e);
    rc = campaign_run(&campaign);
    fs_sim_met_free(e->plan.met);
    if (rc < 0) {
        crash_walk_end(c, model, false);
        cli_say(c->cli, "%s, which no crash disturbed: %s", campaign.now->name, e->example);
        return e->answered_wrongly ? CLI_BROKEN : CLI_OTHER;
    }
    if (c->walk) {
        progress_clear(&c->cli->progress);
        crash_walk_end(c, model, true);
        c->broken = c->broken || (e->violations && campaign.promised);
    } else {
        crash_shrink(c, e, shrinking);
        progress_clear(&c->cli->progress);
        fprintf(c->cli->out, "%s: %s\n", model->name, model->about);
        crash_put_table(c->cli->out, e);
        crash_put_cases(c, model, e);
    }
    put_result(c, model, e);
    cli_wrote(c->cli, c->cli->out, fflush(c->cli->out) == 0);
    c->done++;
    c->opened += opened(e);
    return CLI_OK;
}

/* A site that no crash tested shows that there are too few workloads. */
static int put_sites(struct crash *c)
{
    size_t missing;

    bool some = c->only || c->cli->given[CLI_WORKLOAD] || c->depth == CAMPAIGN_QUICK;

    if (subject_engine() || (some && !c->cli->given[CLI_SITES]))
        return CLI_OK;
    missing = crash_put_sites(c);
    if (some)
        return CLI_OK;
    if (missing)
        cli_say(c->cli, "%zu call sites were never crashed at", missing);
    return missing ? CLI_OTHER : CLI_OK;
}

static int explore_models(struct crash *c)
{
    int code = CLI_OK;

    for (size_t i = 0; i < CRASH_MODELS && code == CLI_OK; i++) {
        if (c->only && c->only != &models[i])
            continue;
        if (i && !c->only)
            fputc('\n', c->cli->out);
        code = explore_model(c, &models[i]);
    }
    return code == CLI_OK ? put_sites(c) : code;
}

static int explore_all(struct crash *c)
{
    struct progress whole;
    double seconds;
    int code;

    c->total = c->only ? 1 : CRASH_MODELS;
    cli_begin_progress(c->cli);
    whole = c->cli->progress;
    code = explore_models(c);
    seconds = progress_seconds(&whole);
    crash_put_report(c);
    cli_wrote(c->cli, c->cli->out, fflush(c->cli->out) == 0);
    fprintf(c->cli->log, "opened %" PRIu64 " states in %.2f s, %.0f states/s\n", c->opened, seconds,
            seconds > 0 ? (double)c->opened / seconds : 0);
    return code == CLI_OK && c->broken ? CLI_BROKEN : code;
}

/* ---- All of it -------------------------------------------------------------------------- */

static int run_one(struct crash *c)
{
    int code = crash_at(c, c->only);
    return code == CLI_OK && c->cli->given[CLI_KEEP] && !c->kept ? CLI_IO : code;
}

/* Before the work: the directory of --keep is new, or has nothing in it. */
static int make_place(struct crash *c, bool *made)
{
    const char *dir = c->cli->given[CLI_KEEP];
    struct strata_fs *disk;
    struct strata_error err;
    struct fs_names names;
    int rc;

    *made = dir && mkdir(dir, 0777) == 0;
    if (!dir || *made)
        return CLI_OK;
    if (errno != EEXIST)
        return cli_fail_sys(c->cli, dir, errno);
    disk = need(fs_posix_new());
    rc = fs_list(disk, dir, &names, &err);
    if (rc == 0 && names.count)
        cli_say(c->cli, "%s: the directory is not empty; --keep wants an empty or a new one", dir);
    else if (rc < 0)
        cli_fail(c->cli, &err);
    rc = rc < 0 || names.count ? CLI_IO : CLI_OK;
    fs_names_free(&names);
    fs_free(disk);
    return rc;
}

int crash_run(struct cli *cli)
{
    const struct fs_site *first;
    struct crash c = {.cli = cli, .sites = need(calloc(fs_sites(&first) + 1, sizeof *c.sites))};
    bool made = false;
    int code;

    crash_tell_signals(&c);
    code = read_options(&c);

    if (code == CLI_OK)
        code = make_place(&c, &made);
    subject_under_way(true);
    if (code == CLI_OK)
        code = cli->given[CLI_AT] ? run_one(&c) : explore_all(&c);
    subject_under_way(false);
    if (made && !c.kept)
        rmdir(cli->given[CLI_KEEP]); /* nothing to keep */
    for (size_t i = 0; i < c.count; i++)
        script_free(&c.workloads[i].script);
    free(c.workloads);
    free(c.sites);
    return code;
}
