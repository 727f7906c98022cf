/* goals.c: what a stage shall reach beside LevelDB in one run, and whether it has
 * (docs/notebook/performance.md tells where the goals come from). */
#include "bench.h"

#include <string.h>

/* Which runs a goal is about. */
enum goal_of { ANY, CACHED, LARGE }; /* the data fit into the cache; they do not */

/* Of its medians, at the first place in the list where the workload stands. */
static const struct goal {
    unsigned stage; /* 0: the newest */
    const char *work;
    enum figure figure;
    bool itself; /* the figure, else its ratio to LevelDB's */
    bool most;   /* not above `value`, else not below */
    double value;
    enum goal_of of;
} goals[] = {{4, "fillseq", FIGURE_OPS, .value = 1.5},
             {4, "filluniquerandom", FIGURE_OPS, .value = 1.5},
             {5, "readrandom", FIGURE_OPS, .value = 4, .of = CACHED},
             {5, "readmissing", FIGURE_OPS, .value = 4, .of = CACHED},
             {5, "readseq", FIGURE_OPS, .value = 3, .of = CACHED},
             {5, "readreverse", FIGURE_OPS, .value = 5, .of = CACHED},
             {5, "seekrandom", FIGURE_OPS, .value = 2.5, .of = CACHED},
             {5, "readsmallmapped", FIGURE_OPS, .value = 2.5},
             {5, "open", FIGURE_P50, true, true, 10000, ANY},
             {5, "compact", FIGURE_DISK, .most = true, .value = 1},
             {0, "fillseq", FIGURE_OPS, .value = 3},
             {0, "fillrandom", FIGURE_OPS, .value = 3},
             {0, "overwrite", FIGURE_OPS, .value = 3},
             {0, "fillbatch", FIGURE_OPS, .value = 2.5},
             {0, "fillsync", FIGURE_OPS, .value = 1.2},
             {0, "fillsync8", FIGURE_OPS, .value = 2},
             {0, "deleterandom", FIGURE_OPS, .value = 2},
             {0, "settle", FIGURE_LOAD, .value = 1.5},
             {0, "settle", FIGURE_WRITE_AMP, .most = true, .value = 1},
             {0, "filluniquerandom", FIGURE_P999, .most = true, .value = 1},
             {0, "readrandom", FIGURE_OPS, .value = 4, .of = CACHED},
             {0, "readmissing", FIGURE_OPS, .value = 4, .of = CACHED},
             {0, "readseq", FIGURE_OPS, .value = 4, .of = CACHED},
             {0, "readreverse", FIGURE_OPS, .value = 6, .of = CACHED},
             {0, "seekrandom", FIGURE_OPS, .value = 2.5, .of = CACHED},
             {0, "readrandom", FIGURE_OPS, .value = 3, .of = LARGE},
             {0, "readmissing", FIGURE_OPS, .value = 3, .of = LARGE},
             {0, "readseq", FIGURE_OPS, .value = 3, .of = LARGE},
             {0, "seekrandom", FIGURE_OPS, .value = 2, .of = LARGE},
             {0, "readmapped", FIGURE_OPS, .value = 3, .of = LARGE},
             {0, "readsmallcache", FIGURE_OPS, .value = 2.5},
             {0, "readsmallmapped", FIGURE_OPS, .value = 2.5},
             {0, "compact", FIGURE_OPS, .value = 3},
             {0, "compact", FIGURE_SPACE_AMP, true, true, 1.15, ANY},
             {0, "compact", FIGURE_DISK, .most = true, .value = 1},
             {0, "open", FIGURE_OPS, .value = 50},
             {0, "openafterkill", FIGURE_OPS, .value = 3},
             {0, "ycsba", FIGURE_OPS, .value = 1.5},
             {0, "ycsbb", FIGURE_OPS, .value = 1.5},
             {0, "ycsbc", FIGURE_OPS, .value = 1.5},
             {0, "ycsbe", FIGURE_OPS, .value = 1.5},
             {0, "ycsbf", FIGURE_OPS, .value = 1.5}};

static bool is_about(const struct goal *g, const struct settings *s, const struct results *results,
                     const struct contender *c)
{
    uint64_t bytes = results->keys * (s->key_bytes + s->value_bytes);
    enum goal_of of = bytes <= s->cache_bytes ? CACHED : LARGE;

    return c->engine == &engine_strata &&
           c->stage.stage == (g->stage ? g->stage : stage_newest()) &&
           (g->of == ANY || g->of == of);
}

static size_t place_of(const struct settings *s, const char *work)
{
    size_t place = 0;

    while (place < s->work_count && strcmp(s->works[place]->name, work) != 0)
        place++;
    return place;
}

/* NAN: it was not measured. */
static double reached(const struct goal *g, const struct settings *s, const struct results *results,
                      size_t contender)
{
    size_t place = place_of(s, g->work);
    struct median m;

    if (!g->itself)
        return median_ratio(s, results, contender, place, g->figure);
    median_of(results, contender, place, &m);
    return m.figures[g->figure];
}

void report_goals(const struct settings *s, const struct results *results, FILE *to)
{
    bool any = false;

    for (size_t i = 0; i < s->contender_count; i++)
        for (size_t k = 0; k < sizeof goals / sizeof *goals; k++) {
            const struct goal *g = &goals[k];
            double is =
                is_about(g, s, results, &s->contenders[i]) ? reached(g, s, results, i) : NAN;
            char rule[60];
            if (isnan(is))
                continue;
            if (!any)
                fputs("\nGoals: times LevelDB's figure, or the figure itself\n", to);
            any = true;
            snprintf(rule, sizeof rule, "%s %s %g", g->itself ? "itself" : "times",
                     g->most ? "<=" : ">=", g->value);
            fprintf(to, "  %-22s  %-17s  %-16s  %10.2f  %-16s  %s\n", s->contenders[i].name,
                    g->work, figures_about[g->figure].title, is, rule,
                    (g->most ? is <= g->value : is >= g->value) ? "met" : "NOT MET");
        }
}
