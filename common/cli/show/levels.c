/* levels.c: levels: the sorted tables of a database, drawn.
 *
 * A table is a line of figures, and below it a bar: its range of keys, between the smallest and the
 * largest key of all tables. The axis is bytes of tables (axis.h). */
#include "cli/show/axis.h"
#include "cli/options.h"
#include "text/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_LEAST 64u
#define KEY_MOST 64u      /* bytes that are shown of a key, however wide the screen is */
#define FIGURES 41u       /* columns before the keys */
#define BETWEEN_KEYS 4u   /* " .. " */
#define BESIDE_A_RANGE 4u /* two blanks and the bar's ends */

struct levels {
    struct strata_table *tables; /* while they are collected, their keys lie in `keys` */
    size_t count, capacity;
    struct strata_buffer keys; /* smallest and largest of each table, one behind the other */
    bool out_of_memory;
    struct axis axis;
    unsigned columns;
};

/* ---- Collecting -------------------------------------------------------------------------- */

static void collect(void *arg, const struct strata_table *table)
{
    struct levels *l = arg;
    size_t more = l->capacity ? 2 * l->capacity : 16;
    struct strata_table *grown;

    if (l->count == l->capacity) {
        grown = realloc(l->tables, more * sizeof *grown);
        l->out_of_memory |= !grown;
        if (!grown)
            return;
        l->tables = grown;
        l->capacity = more;
    }
    strata_buffer_append(&l->keys, table->smallest.data, table->smallest.size);
    strata_buffer_append(&l->keys, table->largest.data, table->largest.size);
    l->out_of_memory |= l->keys.out_of_memory;
    l->tables[l->count++] = *table;
}

/* All keys are collected: the buffer does not move any more. */
static void point_at_keys(struct levels *l)
{
    const uint8_t *at = l->keys.data;

    for (size_t i = 0; i < l->count; i++) {
        struct strata_table *t = &l->tables[i];
        t->smallest.data = at;
        t->largest.data = at + t->smallest.size;
        at += t->smallest.size + t->largest.size;
    }
}

/* ---- Drawing ----------------------------------------------------------------------------- */

static bool holds(const struct strata_table *t, struct strata_slice key)
{
    return strata_compare(t->smallest, key) <= 0 && strata_compare(key, t->largest) <= 0;
}

/* Of the rows [from, to), the most that one key may be in. The tables around a key all hold the
 * largest of their smallest keys. */
static size_t depth(const struct levels *l, size_t from, size_t to)
{
    size_t most = 0;

    for (size_t i = from; i < to; i++) {
        size_t here = 0;
        for (size_t j = from; j < to; j++)
            here += holds(&l->tables[j], l->tables[i].smallest);
        most = here > most ? here : most;
    }
    return most;
}

static void put_key(struct cli *cli, struct strata_slice key, size_t room)
{
    uint8_t text[KEY_MOST + TEXT_UNIT];
    struct strata_slice rest = key;
    size_t size = text_encode(cli_form(cli), &rest, text, room + TEXT_UNIT - 1);

    if (rest.size || size > room) {
        size = text_encode(cli_form(cli), &key, text, room - 3);
        memcpy(text + size, "...", 3);
        size += 3;
    }
    fwrite(text, 1, size, cli->out);
}

static void put_range(FILE *to, const struct levels *l, const struct strata_table *t)
{
    unsigned width = l->columns - BESIDE_A_RANGE;
    unsigned from = (unsigned)(axis_from(&l->axis, t->smallest) * width + 0.5);
    unsigned end = (unsigned)(axis_to(&l->axis, t->largest) * width + 0.5);

    if (from == end) /* a small one is seen too */
        from -= from == width, end = from + 1;
    fputs("  |", to);
    for (unsigned i = 0; i < width; i++)
        fputc(i >= from && i < end ? '=' : ' ', to);
    fputs("|\n", to);
}

static void put_table(struct cli *cli, const struct levels *l, const struct strata_table *t)
{
    size_t room = (l->columns - FIGURES - BETWEEN_KEYS) / 2;

    room = room < KEY_MOST ? room : KEY_MOST;
    fprintf(cli->out, "  %06" PRIu64 " %11" PRIu64 " %9" PRIu64 " %8" PRIu64 "  ", t->number,
            t->bytes, t->records, t->tombstones);
    put_key(cli, t->smallest, room);
    fputs(" .. ", cli->out);
    put_key(cli, t->largest, room);
    if (t->versioned)
        fprintf(cli->out, "  %" PRIu64 " versioned", t->versioned);
    fputc('\n', cli->out);
    put_range(cli->out, l, t);
}

static int out_of_memory(struct cli *cli)
{
    cli_say(cli, "out of memory");
    return CLI_OTHER;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* The rows from `from` on that are of one level; where those of the next one begin. */
static size_t put_level(struct cli *cli, const struct levels *l, size_t from)
{
    unsigned level = l->tables[from].level;
    uint64_t bytes = 0;
    size_t to = from;

    for (; to < l->count && l->tables[to].level == level; to++)
        bytes += l->tables[to].bytes;
    fprintf(cli->out,
            "level %u: %zu table%s, %" PRIu64 " bytes; a key may be in %zu of them\n"
            "   table       bytes   records  deletes  keys\n",
            level, to - from, plural(to - from), bytes, depth(l, from, to));
    for (size_t i = from; i < to; i++)
        put_table(cli, l, &l->tables[i]);
    return to;
}

static int draw(struct cli *cli, struct levels *l)
{
    unsigned screen = progress_columns(cli->out) - 1; /* a terminal may wrap at the last one */

    l->columns = screen < COLUMNS_LEAST ? COLUMNS_LEAST : screen;
    point_at_keys(l);
    if (l->count == 0)
        fputs("no tables: all entries are in the log\n", cli->out);
    else if (!axis_init(&l->axis, l->tables, l->count))
        return out_of_memory(cli);
    for (size_t i = 0; i < l->count;)
        i = put_level(cli, l, i);
    return CLI_OK;
}

/* Of an engine that has levels. */
static void note_base(void *arg, const struct strata_stat *stat)
{
    if (strcmp(stat->name, "base_level") == 0)
        *(uint64_t *)arg = stat->value;
}

static int tell_base(struct cli *cli, struct strata *db)
{
    struct strata_error err;
    uint64_t base = 0;

    if (strata_stats(db, note_base, &base, &err) < 0)
        return cli_fail(cli, &err);
    if (base)
        fprintf(cli->out, "tables of level 0 go to level %" PRIu64 "\n", base);
    return CLI_OK;
}

/* ---- Value files ------------------------------------------------------------------------- */

struct value_files {
    FILE *to;
    uint64_t count, bytes, live;
};

static void add_file(void *arg, const struct strata_value_file *file)
{
    struct value_files *v = arg;

    v->count++;
    v->bytes += file->bytes;
    v->live += file->live_bytes;
}

static void put_file(void *arg, const struct strata_value_file *file)
{
    struct value_files *v = arg;
    unsigned percent = (unsigned)((double)file->live_bytes / (double)(file->bytes + 1) * 100);

    fprintf(v->to,
            "  %06" PRIu64 " %11" PRIu64 " %9" PRIu64 "  %11" PRIu64 " %11" PRIu64 " %4u %%\n",
            file->number, file->bytes, file->values, file->live_bytes,
            file->bytes - file->live_bytes, percent);
}

/* Not every stage has them. */
static int tell_values(struct cli *cli, struct strata *db)
{
    struct value_files v = {.to = cli->out};
    struct strata_error err;
    int rc = strata_value_files(db, add_file, &v, &err);

    if (rc == 0 && v.count) {
        fprintf(cli->out,
                "values: %" PRIu64 " file%s, %" PRIu64 " bytes, of these %" PRIu64
                " live and %" PRIu64 " garbage\n"
                "    file       bytes    values   live bytes     garbage   live\n",
                v.count, plural(v.count), v.bytes, v.live, v.bytes - v.live);
        rc = strata_value_files(db, put_file, &v, &err);
    }
    return rc < 0 && rc != STRATA_ERR_NOT_SUPPORTED ? cli_fail(cli, &err) : CLI_OK;
}

/* ---- The command ------------------------------------------------------------------------- */

static int levels(struct cli *cli, struct strata *db)
{
    struct levels l = {0};
    struct strata_error err;
    int code = CLI_OK;

    if (strata_tables(db, collect, &l, &err) < 0) {
        code = cli_fail(cli, &err);
    } else if (l.out_of_memory) {
        code = out_of_memory(cli);
    } else {
        code = draw(cli, &l);
        if (code == CLI_OK && l.count)
            code = tell_base(cli, db);
        if (code == CLI_OK)
            code = tell_values(cli, db);
    }
    axis_free(&l.axis);
    strata_buffer_free(&l.keys);
    free(l.tables);
    return code;
}

static int run_levels(struct cli *cli)
{
    struct strata *db;
    int code = cli_open(cli, CLI_READ, &db);

    if (code != CLI_OK)
        return code;
    return cli_close(cli, db, levels(cli, db));
}

const struct cli_command cli_levels_command = {
    .name = "levels",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"DIR"},
    .required = 1,
    .options = OPTIONS(RECORD_OPTIONS),
    .exits = DB_EXITS,
    .summary = "draw the sorted tables with their keys and sizes",
    .about = "Level by level, and of a level that overlaps the newest table first. A table has\n"
             "two lines: number of its file, bytes, records, deletes among them, smallest and\n"
             "largest key; and a bar from one to the other. A column is the same number of\n"
             "bytes everywhere: tables of one size, side by side, are equally wide. A read may\n"
             "have to look into as many tables of a level as hold its key. Behind the tables\n"
             "come the files of values that are kept apart (stage 12), each with what of it is\n"
             "live and what is garbage. A stage without sorted tables (before 4) ends it with 5.",
    .example = "$ printf 'a\\t1\\nm\\t2\\n' | strata load --stage 4 db -\n"
               "$ strata compact db\n"
               "...\n"
               "$ strata levels db\n"
               "level 0: 1 table, 160 bytes; a key may be in 1 of them\n"
               "   table       bytes   records  deletes  keys\n"
               "  000002         160         2        0  a .. m\n"
               "  |===========================================================================|\n",
    .run = run_levels,
};
