/* axis.c: see axis.h. The boundary keys of all tables, sorted, cut the axis into steps. */
#include "cli/show/axis.h"

#include <assert.h>
#include <stdlib.h>

#define DIGITS 8 /* that count; those before them are the same in all keys of a table */

static int compare_keys(const void *a, const void *b)
{
    return strata_compare(*(const struct strata_slice *)a, *(const struct strata_slice *)b);
}

static size_t step_of(const struct axis *axis, struct strata_slice key)
{
    const struct strata_slice *found =
        bsearch(&key, axis->keys, axis->count, sizeof key, compare_keys);

    assert(found);
    return 2 * (size_t)(found - axis->keys);
}

/* ---- Keys as numbers --------------------------------------------------------------------- */

static void note_digits(struct axis *axis, struct strata_slice key)
{
    for (size_t i = 0; i < key.size; i++) {
        struct axis_digit *d = &axis->digits[i];
        d->least = key.data[i] < d->least ? key.data[i] : d->least;
        d->most = key.data[i] > d->most ? key.data[i] : d->most;
    }
    if (key.size < axis->digits_count)
        axis->digits[key.size].ends = 1;
}

static bool make_digits(struct axis *axis)
{
    for (size_t i = 0; i < axis->count; i++)
        if (axis->keys[i].size > axis->digits_count)
            axis->digits_count = axis->keys[i].size;
    axis->digits = calloc(axis->digits_count + 1, sizeof *axis->digits);
    if (!axis->digits)
        return false;
    for (size_t i = 0; i < axis->digits_count; i++)
        axis->digits[i].least = UINT8_MAX;
    for (size_t i = 0; i < axis->count; i++)
        note_digits(axis, axis->keys[i]);
    for (size_t i = 1; i < axis->digits_count;
         i++) /* a key that ended has no digit from there on */
        axis->digits[i].ends |= axis->digits[i - 1].ends;
    return true;
}

/* From 0 to 1, by the digits from offset `from` on. */
static double number_of(const struct axis *axis, struct strata_slice key, size_t from)
{
    double number = 0, unit = 1;

    for (size_t i = from; i < from + DIGITS && i < axis->digits_count; i++) {
        const struct axis_digit *d = &axis->digits[i];
        unit /= d->most - d->least + 1 + d->ends;
        if (i < key.size)
            number += unit * (key.data[i] - d->least + d->ends);
    }
    return number;
}

static size_t common_prefix(struct strata_slice a, struct strata_slice b)
{
    size_t i = 0;
    while (i < a.size && i < b.size && a.data[i] == b.data[i])
        i++;
    return i;
}

/* ---- Steps ------------------------------------------------------------------------------- */

/* starts[i + 1] is the width of step i for now. */
static void spread(struct axis *axis, const struct strata_table *t)
{
    size_t first = step_of(axis, t->smallest), last = step_of(axis, t->largest);
    size_t prefix = common_prefix(t->smallest, t->largest);
    double low = number_of(axis, t->smallest, prefix), high = number_of(axis, t->largest, prefix);
    double before = low;

    if (first == last)
        axis->starts[first + 1] += (double)t->bytes;
    for (size_t step = first + 1; step < last; step += 2) {
        double after = number_of(axis, axis->keys[step / 2 + 1], prefix);
        /* Keys that differ by less than a double can hold: one step is as good as another. */
        double share = high > low ? (after - before) / (high - low) : 2.0 / (double)(last - first);
        axis->starts[step + 1] += (double)t->bytes * share;
        before = after;
    }
}

static void sort_keys(struct axis *axis, const struct strata_table *tables, size_t count)
{
    struct strata_slice *keys = axis->keys;

    for (size_t i = 0; i < count; i++) {
        keys[2 * i] = tables[i].smallest;
        keys[2 * i + 1] = tables[i].largest;
    }
    qsort(keys, 2 * count, sizeof *keys, compare_keys);
    for (size_t i = 0; i < 2 * count; i++)
        if (i == 0 || strata_compare(keys[i], keys[axis->count - 1]) != 0)
            keys[axis->count++] = keys[i];
}

bool axis_init(struct axis *axis, const struct strata_table *tables, size_t count)
{
    axis->keys = calloc(2 * count, sizeof *axis->keys);
    axis->starts = calloc(4 * count + 1, sizeof *axis->starts);
    if (!axis->keys || !axis->starts)
        return false;
    sort_keys(axis, tables, count);
    if (!make_digits(axis))
        return false;
    for (size_t i = 0; i < count; i++)
        spread(axis, &tables[i]);
    for (size_t step = 0; step < 2 * axis->count; step++)
        axis->starts[step + 1] += axis->starts[step];
    axis->end = axis->starts[2 * axis->count];
    return true;
}

void axis_free(struct axis *axis)
{
    free(axis->keys);
    free(axis->starts);
    free(axis->digits);
}

double axis_from(const struct axis *axis, struct strata_slice key)
{
    return axis->starts[step_of(axis, key)] / axis->end;
}

double axis_to(const struct axis *axis, struct strata_slice key)
{
    return axis->starts[step_of(axis, key) + 1] / axis->end;
}
