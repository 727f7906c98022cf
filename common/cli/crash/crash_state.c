/* crash_state.c: one state of the command crash: makes it again, prints it, lists and keeps its
 * files. */
#include "cli/crash/crash.h"
#include "crash/need.h"
#include "fs/fs_posix.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Its files ------------------------------------------------------------------------- */

/* "LOCK 0, STRATA 32, 000001.log 96"; more than fits is "...". */
static void list(struct strata_fs *state, char *files, size_t capacity)
{
    struct fs_names paths;
    int rc = fs_sim_paths(state, EXPLORE_DIR, &paths);
    bool there = need(rc == -ENOMEM ? NULL : &paths) && rc == 0;
    size_t used = (size_t)snprintf(files, capacity, "%s", there ? "no file" : "no directory");

    for (size_t i = 0; there && i < paths.count; i++) {
        char *path = need(fs_join(EXPLORE_DIR, paths.names[i]));
        struct strata_buffer bytes = {0};
        size_t from = i ? used : 0, room = capacity - from;

        need(fs_sim_get(state, path, &bytes) == -ENOMEM ? NULL : path);
        used = from + (size_t)snprintf(files + from, room, "%s%s %zu", i ? ", " : "",
                                       paths.names[i], bytes.size);
        strata_buffer_free(&bytes);
        free(path);
        if (used + sizeof ", ..." <= capacity)
            continue;
        snprintf(files + from, room, ", ...");
        break;
    }
    fs_names_free(&paths);
}

static bool write_workload(const char *dir, const struct script *script)
{
    char *path = need(fs_join(dir, "workload"));
    FILE *to = fopen(path, "wx");

    free(path);
    if (!to)
        return false;
    crash_write(to, script);
    return fclose(to) == 0;
}

/* Writes the state to the directory of --keep, if there is one and it has none yet. */
static void keep(struct crash *c, struct strata_fs *state)
{
    const char *dir = c->cli->given[CLI_KEEP];
    struct strata_fs *disk;
    struct strata_error err;

    if (!dir || c->kept)
        return;
    disk = need(fs_posix_new());
    c->kept = fs_sim_write_out(state, EXPLORE_DISK, disk, dir, &err) == 0;
    if (!c->kept)
        cli_fail(c->cli, &err);
    else if (!write_workload(dir, c->campaign->explore.script))
        cli_fail_sys(c->cli, dir, errno);
    fs_free(disk);
}

static void list_and_keep(void *arg, struct strata_fs *state)
{
    struct crash *c = arg;

    list(state, c->files, sizeof c->files);
    keep(c, state);
}

/* ---- A state made again ---------------------------------------------------------------- */

void crash_prepare(struct crash *c, const struct crash_model *model, struct campaign *campaign)
{
    *campaign = (struct campaign){.workloads = c->workloads,
                                  .count = c->count,
                                  .depth = c->depth,
                                  .promised = c->stage.promises & model->promise};
    campaign->explore.plan.model = model->model;
    campaign->explore.sites = c->sites;
    campaign->explore.arg = c;
    c->campaign = campaign;
    c->model = model;
}

void crash_look(struct crash *c, const struct crash_model *model, const struct explore_case *k,
                void (*look)(void *arg, struct strata_fs *state), void *arg)
{
    struct workload workload = {.name = "", .script = *k->script};
    struct campaign campaign, *under_way = c->campaign;

    crash_prepare(c, model, &campaign);
    campaign.workloads = &workload;
    campaign.count = 1;
    campaign.explore.sites = NULL;
    campaign.explore.keep = look;
    campaign.explore.arg = arg;
    campaign_one(&campaign, &k->place);
    c->campaign = under_way;
}

void crash_files(struct crash *c, const struct crash_model *model, const struct explore_case *k)
{
    crash_look(c, model, k, list_and_keep, c);
}

int crash_at(struct crash *c, const struct crash_model *model)
{
    struct campaign campaign;
    struct explore *e = &campaign.explore;
    const struct explore_case *k = NULL;
    char place[100];

    crash_prepare(c, model, &campaign);
    e->one = &c->place;
    e->keep = list_and_keep;
    if (campaign_one(&campaign, &c->place) < 0) {
        cli_say(c->cli, "%s, which no crash disturbed: %s", c->workloads->name, e->example);
        return e->answered_wrongly ? CLI_BROKEN : CLI_OTHER;
    }
    for (int v = 0; v < ORACLE_VERDICTS; v++)
        if (e->cases[v].script)
            k = &e->cases[v];
    explore_place_text(&c->place, place);
    if (!k)
        return cli_usage(c->cli, "--at: there is no state %s", place);
    fprintf(c->cli->out, "state %s, %s", place, oracle_verdict_name(k->report.verdict));
    if (k->report.verdict == ORACLE_FINE)
        fprintf(c->cli->out, ": the state after write %" PRIu64 "\n", k->report.n);
    else
        fprintf(c->cli->out, ": %s\n", k->report.what);
    crash_put_case(c, k, c->workloads->name);
    if (k->report.verdict == ORACLE_FINE)
        return CLI_OK;
    return c->stage.promises & model->promise ? CLI_BROKEN : CLI_OK;
}
