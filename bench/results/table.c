/* table.c: engines side by side: a row a workload, a column an engine; medians, ratios to LevelDB
 * where it is one of them, and which medians are worth little. */
#include "bench.h"

#include <string.h>

#define LEAST_WIDTH 11
#define RATIO_WIDTH 7

static bool has_leveldb(const struct settings *s)
{
    for (size_t i = 0; i < s->contender_count; i++)
        if (strcmp(s->contenders[i].name, "leveldb") == 0)
            return true;
    return false;
}

static int width_of(const struct contender *c)
{
    int width = (int)strlen(c->name);
    return width < LEAST_WIDTH ? LEAST_WIDTH : width;
}

/* ---- A table of one figure --------------------------------------------------------------- */

static bool is_known(const struct settings *s, const struct results *results, size_t place,
                     enum figure figure)
{
    struct median m;

    for (size_t i = 0; i < s->contender_count; i++) {
        median_of(results, i, place, &m);
        if (m.one && !isnan(m.figures[figure]))
            return true;
    }
    return false;
}

static void head(const struct settings *s, const char *title, bool ratios, FILE *to)
{
    fprintf(to, "\n%-17s", title);
    for (size_t i = 0; i < s->contender_count; i++) {
        fprintf(to, "  %*s", width_of(&s->contenders[i]), s->contenders[i].name);
        if (ratios && i + 1 < s->contender_count)
            fprintf(to, "%*s", RATIO_WIDTH, "");
    }
    fputc('\n', to);
}

static void cell(const struct contender *c, double value, FILE *to)
{
    char text[40] = "-";

    if (value >= 100)
        report_grouped(value, text, sizeof text);
    else if (!isnan(value))
        snprintf(text, sizeof text, "%.2f", value);
    fprintf(to, "  %*s", width_of(c), text);
}

static void ratio_cell(double ratio, bool last, FILE *to)
{
    char text[40] = "";

    if (!isnan(ratio))
        snprintf(text, sizeof text, "x%.*f", ratio < 100 ? 2 : 0, ratio);
    if (*text || !last)
        fprintf(to, "%*s", RATIO_WIDTH, text);
}

/* Large figures are whole; amplifications and the like are not large. */
static void row(const struct settings *s, const struct results *results, size_t place,
                enum figure figure, bool ratios, FILE *to)
{
    fprintf(to, "%-17s", s->works[place]->name);
    for (size_t i = 0; i < s->contender_count; i++) {
        struct median m;
        median_of(results, i, place, &m);
        cell(&s->contenders[i], m.figures[figure], to);
        if (ratios)
            ratio_cell(median_ratio(s, results, i, place, figure), i + 1 == s->contender_count, to);
    }
    fputc('\n', to);
}

static void table(const struct settings *s, const struct results *results, enum figure figure,
                  FILE *to)
{
    bool ratios = figures_about[figure].ratios && has_leveldb(s), any = false;

    for (size_t i = 0; i < s->work_count; i++)
        if (s->works[i]->one != check_everything && is_known(s, results, i, figure)) {
            if (!any)
                head(s, figures_about[figure].title, ratios, to);
            any = true;
            row(s, results, i, figure, ratios, to);
        }
}

/* ---- What is worth little ---------------------------------------------------------------- */

static void warn(const struct settings *s, const struct results *results, FILE *to)
{
    bool any = false;

    for (size_t place = 0; place < s->work_count; place++)
        for (size_t i = 0; i < s->contender_count; i++) {
            struct median m;
            median_of(results, i, place, &m);
            if (median_spread(&m) <= SPREAD_WIDE || s->works[place]->one == check_everything)
                continue;
            if (!any)
                fputs("\nToo wide a spread: least and most lie further apart than 30 % of the "
                      "median; measure again\n",
                      to);
            any = true;
            fprintf(to, "  %-17s %-22s %.0f %%\n", s->works[place]->name, s->contenders[i].name,
                    median_spread(&m) * 100);
        }
}

static void say_loaded(const struct results *results, FILE *to)
{
    if (results->loaded)
        fprintf(to,
                "\nLOADED: the machine was less than %.0f %% idle when %zu of %zu turns began (the "
                "least: %.0f %%): the times mean little\n",
                OS_QUIET_IDLE * 100, results->loaded, results->looks, results->least_idle * 100);
}

void report_table(const struct settings *s, const struct results *results, FILE *to)
{
    for (size_t i = 0; i < s->figure_count; i++)
        table(s, results, s->figures[i], to);
    if (has_leveldb(s))
        fputs("(x: times LevelDB's)\n", to);
    warn(s, results, to);
    say_loaded(results, to);
}

void report_limits(const struct settings *s, const struct results *results, FILE *to)
{
    bounds_report(results, to);
    table(s, results, FIGURE_TIMES, to);
}
