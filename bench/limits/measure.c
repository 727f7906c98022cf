/* measure.c: measures the limits, each in three turns. What does not wait for a device is measured
 * by the time of the processor, so that another program beside it does not make the machine look
 * slower. A limit is what the best turn reached. */
#include "limits.h"

#include <stdlib.h>
#include <string.h>

#define TURNS 3

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int measure(const struct limit *limit, const struct limit_size *size,
                   struct limit_figure *figure)
{
    double values[TURNS] = {0};
    int sys = limit->begin ? limit->begin(size) : 0;

    for (int i = 0; i < TURNS && sys == 0; i++)
        sys = limit->measure(size, &values[i]);
    if (limit->end)
        limit->end();
    qsort(values, TURNS, sizeof values[0], by_value);
    *figure = (struct limit_figure){values[0], values[TURNS / 2], values[TURNS - 1]};
    if (strcmp(limit->unit, "ns") != 0)
        *figure = (struct limit_figure){figure->worst, figure->median, figure->best};
    return sys;
}

int limits_measure(const struct limit_size *size, limits_each *each, void *arg,
                   const struct limit **at)
{
    const struct limit *const lists[] = {limits_of_memory, limits_of_blocks, limits_of_files};

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (*at = lists[i]; (*at)->name; ++*at) {
            struct limit_figure figure;
            int sys = measure(*at, size, &figure);
            if (sys)
                return sys;
            each(arg, *at, &figure);
        }
    return 0;
}
