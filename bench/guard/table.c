/* table.c: the guard's table as text, and how two of them differ. A line a row, tabs between
 * fields,
 * "-" for what is not known; before them "# " and what some of the figures depend on. */
#include "guard.h"
#include "strata_engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE 400
#define FIELDS (3 + GUARD_FIGURES)

const char *guard_figure_name(enum guard_figure figure)
{
    static const char *const names[GUARD_FIGURES] = {
        "comparisons", "probes", "blocks",  "loaded", "allocations", "allocated",
        "calls",       "read",   "written", "syncs",  "files",       "instructions"};
    return names[figure];
}

void guard_table_free(struct guard_table *table)
{
    free(table->rows);
    *table = (struct guard_table){0};
}

int guard_table_add(struct guard_table *table, const struct guard_row *row)
{
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : GUARD_WORKS;
        struct guard_row *more = realloc(table->rows, capacity * sizeof *more);
        if (!more)
            return STRATA_ERR_NO_MEMORY;
        table->rows = more;
        table->capacity = capacity;
    }
    table->rows[table->count++] = *row;
    return 0;
}

struct guard_row *guard_table_find(const struct guard_table *table, unsigned stage,
                                   const char *work)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].stage == stage && strcmp(table->rows[i].work, work) == 0)
            return &table->rows[i];
    return NULL;
}

bool guard_table_has(const struct guard_table *table, unsigned stage)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].stage == stage)
            return true;
    return false;
}

/* ---- Writing --------------------------------------------------------------------------- */

static void write_heads(FILE *to)
{
    fputs("stage\twork\toperations", to);
    for (int i = 0; i < GUARD_FIGURES; i++)
        fprintf(to, "\t%s", guard_figure_name(i));
    fputc('\n', to);
}

static void write_row(const struct guard_row *row, FILE *to)
{
    fprintf(to, "%u\t%s\t%" PRIu64, row->stage, row->work, row->operations);
    for (int i = 0; i < GUARD_FIGURES; i++)
        if (row->figures[i] == GUARD_UNKNOWN)
            fputs("\t-", to);
        else
            fprintf(to, "\t%" PRIu64, row->figures[i]);
    fputc('\n', to);
}

void guard_table_write(const struct guard_table *table, FILE *to)
{
    fprintf(to, "# appends: %s\n# sorts: %" PRIu64 "\n# built: %s\n",
            table->place.mapped ? "stored" : "written", table->place.sorts, table->place.built);
    write_heads(to);
    for (size_t i = 0; i < table->count; i++)
        write_row(&table->rows[i], to);
}

/* ---- Reading --------------------------------------------------------------------------- */

static void read_place(struct guard_place *place, const char *line)
{
    static const char built[] = "# built: ", sorts[] = "# sorts: ";

    if (strcmp(line, "# appends: stored") == 0)
        place->mapped = true;
    else if (strncmp(line, sorts, sizeof sorts - 1) == 0)
        place->sorts = strtoull(line + sizeof sorts - 1, NULL, 10);
    else if (strncmp(line, built, sizeof built - 1) == 0)
        snprintf(place->built, sizeof place->built, "%.199s", line + sizeof built - 1);
}

/* Splits the line at its tabs. */
static size_t split(char *line, char **fields)
{
    size_t count = 0;

    for (char *end; line && count < FIELDS; line = end) {
        end = strchr(line, '\t');
        if (end)
            *end++ = '\0';
        fields[count++] = line;
    }
    return line ? 0 : count;
}

static bool read_number(const char *text, uint64_t *number)
{
    char *end;

    *number = GUARD_UNKNOWN;
    if (strcmp(text, "-") == 0)
        return true;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static bool read_row(char *const *fields, struct guard_row *row)
{
    uint64_t stage;
    bool good = read_number(fields[0], &stage) && strlen(fields[1]) < sizeof row->work &&
                read_number(fields[2], &row->operations) && row->operations > 0;

    for (int i = 0; i < GUARD_FIGURES && good; i++)
        good = read_number(fields[3 + i], &row->figures[i]);
    if (good) {
        row->stage = (unsigned)stage;
        strcpy(row->work, fields[1]);
    }
    return good;
}

static bool are_heads(char *const *fields)
{
    bool good = strcmp(fields[0], "stage") == 0;

    for (int i = 0; i < GUARD_FIGURES && good; i++)
        good = strcmp(fields[3 + i], guard_figure_name(i)) == 0;
    return good;
}

/* 0, or < 0: the line is none of this table's. */
static int read_line(struct guard_table *table, char *line, bool *heads)
{
    char *fields[FIELDS];
    struct guard_row row = {0};

    line[strcspn(line, "\n")] = '\0';
    if (*line == '#') {
        read_place(&table->place, line);
        return 0;
    }
    if (split(line, fields) != FIELDS)
        return STRATA_ERR_CORRUPT;
    if (!*heads) {
        *heads = are_heads(fields);
        return *heads ? 0 : STRATA_ERR_CORRUPT;
    }
    return read_row(fields, &row) ? guard_table_add(table, &row) : STRATA_ERR_CORRUPT;
}

int guard_table_read(struct guard_table *table, const char *path, struct strata_error *err)
{
    FILE *from = fopen(path, "r");
    unsigned number = 0;
    char line[LINE];
    bool heads = false;
    int rc = from ? 0 : strata_fail_sys(err, errno, path, STRATA_NO_OFFSET, "open");

    while (rc == 0 && fgets(line, sizeof line, from)) {
        number++;
        rc = read_line(table, line, &heads);
        if (rc < 0)
            strata_fail(err, rc, path, STRATA_NO_OFFSET,
                        "line %u is not one of this table: make guard-record", number);
    }
    if (from)
        fclose(from);
    return rc;
}

/* ---- Comparing ------------------------------------------------------------------------- */

static bool comparable(enum guard_figure figure, const struct guard_place *a,
                       const struct guard_place *b)
{
    if (figure == GUARD_COMPARISONS)
        return a->sorts == b->sorts;
    if (figure == GUARD_CALLS)
        return a->mapped == b->mapped;
    if (figure == GUARD_INSTRUCTIONS)
        return strcmp(a->built, b->built) == 0;
    return true;
}

/* More than a twentieth more, and more than differs between places: a path is two bytes longer, the
 * dynamic linker takes some instructions more to find a name. Of a work that is done once, as
 * close, a fifth: which blocks free() joins depends on where the ones before lay. */
static bool exceeds(int figure, uint64_t operations, uint64_t a, uint64_t b)
{
    uint64_t least = figure == GUARD_INSTRUCTIONS ? 80 : 2;
    uint64_t part = figure == GUARD_INSTRUCTIONS && operations == 1 ? 5 : 20;

    return a > b + least && (a - b) * part > b;
}

static void tell_average(double average, FILE *to)
{
    fprintf(to, average < 1000 ? "%.4g" : "%.0f", average);
}

static void tell(const struct guard_row *was, const struct guard_row *is, int i, const char *indent,
                 FILE *to)
{
    double before = (double)was->figures[i] / (double)was->operations;
    double after = (double)is->figures[i] / (double)is->operations;

    fprintf(to, "%sstage %u %s: %s an operation: ", indent, is->stage, is->work,
            guard_figure_name(i));
    tell_average(after, to);
    fputs(", were ", to);
    tell_average(before, to);
    if (was->figures[i])
        fprintf(to, " (%+.1f %%)", 100 * (after - before) / before);
    fputc('\n', to);
}

struct guard_verdict guard_compare(const struct guard_table *recorded, const struct guard_row *was,
                                   const struct guard_table *now, const struct guard_row *is,
                                   const char *indent, FILE *to)
{
    struct guard_verdict verdict = {0};

    for (int i = 0; i < GUARD_FIGURES; i++) {
        uint64_t before = was->figures[i], after = is->figures[i];
        bool more, less;
        if (before == GUARD_UNKNOWN || after == GUARD_UNKNOWN ||
            !comparable(i, &recorded->place, &now->place))
            continue;
        verdict.compared++;
        more = exceeds(i, was->operations, after, before);
        less = exceeds(i, was->operations, before, after);
        verdict.more += more;
        verdict.less += less;
        if (to && (more || less))
            tell(was, is, i, indent, to);
    }
    return verdict;
}
