/* median.c: what several turns of an engine at a workload come to. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The turns' values of a figure, sorted; those that were measured. */
static size_t values(const struct results *results, const struct result *like, int figure,
                     double *to)
{
    size_t count = 0;

    for (size_t i = 0; i < results->count && count < 99; i++) {
        const struct result *r = &results->list[i];
        if (r->contender == like->contender && r->place == like->place &&
            !isnan(r->figures[figure]))
            to[count++] = r->figures[figure];
    }
    qsort(to, count, sizeof *to, ascending);
    return count;
}

void median_of(const struct results *results, size_t contender, size_t place, struct median *m)
{
    double list[99] = {0};

    *m = (struct median){.least = NAN, .most = NAN};
    for (size_t i = 0; i < results->count; i++)
        if (results->list[i].contender == contender && results->list[i].place == place) {
            m->one = &results->list[i];
            m->turns++;
        }
    for (int f = 0; f < FIGURES; f++) {
        size_t count = m->one ? values(results, m->one, f, list) : 0;
        m->figures[f] = !count ? NAN : (list[(count - 1) / 2] + list[count / 2]) / 2;
        if (f == FIGURE_OPS && count) {
            m->least = list[0];
            m->most = list[count - 1];
        }
    }
}

double median_spread(const struct median *m)
{
    double middle = m->figures[FIGURE_OPS];
    return m->turns < 2 || !(middle > 0) ? 0 : (m->most - m->least) / middle;
}

double median_ratio(const struct settings *s, const struct results *results, size_t contender,
                    size_t place, enum figure figure)
{
    struct median mine, its;

    for (size_t i = 0; i < s->contender_count; i++) {
        if (strcmp(s->contenders[i].name, "leveldb") != 0)
            continue;
        median_of(results, contender, place, &mine);
        median_of(results, i, place, &its);
        if (its.figures[figure] > 0)
            return mine.figures[figure] / its.figures[figure];
    }
    return NAN;
}
