/* campaign.c: see campaign.h. The amount of work at each depth was chosen so that `usual` takes
 * seconds and `full` leaves nothing out. */
#include "crash/explore/campaign.h"
#include "crash/need.h"

struct measure {
    unsigned twice, twice_kill; /* one state in so many is crashed again */
    uint64_t every_kill;        /* killed at one call in so many */
    bool every_error;           /* false: only calls at sites that have no states yet */
    unsigned deviating;
    uint64_t prefixes; /* of longer writes the kill model looks at some only */
};

static const struct measure measures[] = {
    [CAMPAIGN_QUICK] = {.deviating = 1, .prefixes = 256},
    [CAMPAIGN_USUAL] = {8, 1024, 16, false, 1, 256},
    [CAMPAIGN_FULL] = {1, 1, 1, true, 2, 16384},
};

/* How long each takes, roughly. */
static void under_way(struct campaign *c, double from, double to)
{
    c->from = from;
    c->to = to;
}

/* Where nothing is synced the choices grow with each call. */
static double effort(const struct campaign *c, double calls)
{
    return c->promised || c->explore.plan.model == FS_SIM_KILL ? calls : calls * calls;
}

double campaign_share(const struct campaign *c, uint64_t done, uint64_t total)
{
    size_t index = (size_t)(c->now - c->workloads);
    double within = c->explore.way == EXPLORE_WHOLE
                        ? effort(c, (double)done / (double)(total + 1))
                        : (double)c->explore.at / (double)(c->calls + 1);
    double of_one = c->from + (c->to - c->from) * (within < 1 ? within : 1), before = 0;

    for (size_t i = 0; i < index; i++)
        before += c->weights[i];
    return c->weight > 0 ? (before + of_one * c->weights[index]) / c->weight : 0;
}

static int whole(struct campaign *c, unsigned twice)
{
    int rc;

    c->explore.way = EXPLORE_WHOLE;
    c->explore.at = 0;
    c->explore.only_new_sites = false;
    under_way(c, 0, twice ? 0.3 : 1);
    rc = explore_run(&c->explore);
    c->calls = c->explore.calls;
    under_way(c, 0.3, 0.6);
    c->explore.twice = twice;
    c->explore.only_twice = true;
    if (rc == 0 && twice)
        rc = explore_run(&c->explore);
    c->explore.twice = 0;
    c->explore.only_twice = false;
    return rc;
}

static int disturbed(struct campaign *c, enum explore_way way, uint64_t every, bool only_new)
{
    int rc = 0;

    c->explore.way = way;
    c->explore.only_new_sites = only_new;
    for (c->explore.at = 1; rc == 0; c->explore.at += every)
        rc = explore_run(&c->explore);
    return rc == STRATA_NOT_FOUND ? 0 : rc;
}

static void prepare(struct campaign *c)
{
    const struct measure *m = &measures[c->depth];

    c->explore.script = &c->now->script;
    c->explore.plan.deviating = m->deviating;
    c->explore.plan.prefix_limit = m->prefixes;
    c->explore.acknowledged = !c->promised;
}

static int all_ways(struct campaign *c)
{
    const struct measure *m = &measures[c->depth];
    bool kill = c->explore.plan.model == FS_SIM_KILL; /* a kill after a kill is a second crash */
    int rc;

    prepare(c);
    if (c->depth == CAMPAIGN_QUICK || !c->promised) /* a loss need not be shown twice */
        return whole(c, 0);
    rc = whole(c, kill ? m->twice_kill : m->twice);
    under_way(c, 0.6, 0.9);
    if (rc == 0 && !kill)
        rc = disturbed(c, EXPLORE_KILLED, m->every_kill, false);
    under_way(c, 0.9, 1);
    if (rc == 0)
        rc = disturbed(c, EXPLORE_ERROR, 1, !m->every_error);
    return rc;
}

/* Reading large values takes longer than little work on many files. */
#define BYTES_EXTRA 65536.0

static double bytes_of(const struct script *script)
{
    double bytes = 0;

    for (size_t i = 0; i < script->history.op_count; i++)
        bytes += (double)script->history.ops[i].value.size;
    return bytes;
}

/* Runs each workload, with no crash, to see how much there is to do. */
static int weigh(struct campaign *c)
{
    int rc = 0;

    c->weights = need(calloc(c->count + 1, sizeof *c->weights));
    for (size_t i = 0; i < c->count && rc == 0; i++) {
        c->now = &c->workloads[i];
        prepare(c);
        c->explore.plan.from = UINT64_MAX;
        rc = explore_run(&c->explore);
        c->weights[i] =
            effort(c, (double)c->explore.calls) * (1 + bytes_of(&c->now->script) / BYTES_EXTRA);
        c->weight += c->weights[i];
    }
    c->explore.plan.from = 0;
    return rc;
}

int campaign_run(struct campaign *campaign)
{
    int rc = weigh(campaign);

    for (size_t i = 0; i < campaign->count && rc == 0; i++) {
        campaign->now = &campaign->workloads[i];
        rc = all_ways(campaign);
    }
    free(campaign->weights);
    campaign->weights = NULL;
    return rc;
}

int campaign_one(struct campaign *campaign, const struct explore_place *place)
{
    campaign->now = campaign->workloads;
    prepare(campaign);
    campaign->explore.one = place;
    campaign->explore.way = place->way;
    campaign->explore.at = place->at;
    return explore_run(&campaign->explore);
}
