/* campaign.h: all explorations of one stage under one model, one after another: each workload
 * whole; killed and opened again; after an I/O error at each call. */
#ifndef STRATA_COMMON_CRASH_CAMPAIGN_H
#define STRATA_COMMON_CRASH_CAMPAIGN_H

#include "crash/explore/explore.h"

/* A script with a name. */
struct workload {
    const char *name; /* borrowed */
    uint64_t seed;    /* it was drawn by; 0 of those that were not */
    struct script script;
};

enum campaign_depth {
    CAMPAIGN_QUICK, /* every state of a first crash */
    CAMPAIGN_USUAL, /* also a sample of crashes after a crash, a kill or an error */
    CAMPAIGN_FULL   /* also all of these */
};

struct campaign {
    struct explore explore; /* .plan.model, .sites, .tick, .arg are the caller's; also the result */
    const struct workload *workloads; /* borrowed */
    size_t count;
    enum campaign_depth depth;
    bool promised; /* the stage promises to survive such a crash; if not, it is explored as by
                      CAMPAIGN_QUICK */

    const struct workload *now; /* the one under way, or the one whose script failed */
    uint64_t calls;             /* of its script, when nothing disturbs it */
    double from, to;            /* what of it is under way, of 1 */
    double *weights;            /* how long each workload takes, roughly; by its index */
    double weight;              /* of all */
};

/* Makes explore.one again, of the first workload. 0, or < 0 as campaign_run. */
int campaign_one(struct campaign *campaign, const struct explore_place *place);
/* Progress from 0 to 1, when explore.tick reported call `done` of `total`. */
double campaign_share(const struct campaign *campaign, uint64_t done, uint64_t total);
/* 0; < 0 when a script failed with no crash: then explore.example says why. */
int campaign_run(struct campaign *campaign);

#endif
