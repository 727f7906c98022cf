/* merge_cuts.c: cuts a merge of stage 2 off everywhere, on the simulated file system
 * (common/fs_sim.h), and tells as a table what comes back.
 *
 *   merge_cuts kill     kill -9: at each call of the file layer, after each byte of a write
 *   merge_cuts power    a power cut: whatever POSIX lets a device keep and lose
 *
 * Four puts of three keys stand in segments 1 and 2, and are on the device. Then a compaction
 * closes segment 2, starts 3, and merges 1 and 2. To build it, from the project's root:
 *
 *   cc -Iinclude -Icommon -o merge_cuts docs/examples/merge_cuts.c build/libstrata.a -lxxhash */
#include "fs_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL "apple=green pear=ripe plum=blue"

/* States that are alike, and how the first of them came about. */
struct row {
    char files[200], found[200], choice[300];
    unsigned states;
};
static struct row rows[64];
static size_t row_count;
static bool power;

static void must(int rc, const struct strata_error *err)
{
    char text[600];
    if (rc >= 0)
        return;
    fprintf(stderr, "merge_cuts: %s\n", strata_error_text(err, text, sizeof text));
    exit(1);
}

static int open_it(struct strata_fs *fs, uint64_t segment_bytes, struct strata **db,
                   struct strata_error *err)
{
    struct strata_options options;
    strata_options_init(&options);
    options.stage = 2;
    options.fs = fs;
    options.create = true;
    options.segment_bytes = segment_bytes;
    return strata_open("db", &options, db, err);
}

static void make(struct strata_fs *fs)
{
    static const char *const puts[][2] = {
        {"apple", "red"}, {"plum", "blue"}, {"apple", "green"}, {"pear", "ripe"}};
    struct strata_error err;
    struct strata *db;

    must(open_it(fs, 64, &db, &err), &err); /* two records fill a segment */
    for (size_t i = 0; i < 4; i++)
        must(strata_put(db, strata_string(puts[i][0]), strata_string(puts[i][1]), &err), &err);
    must(strata_close(db, &err), &err);
}

/* ---- What comes back --------------------------------------------------------------------- */

static void list_segments(struct strata_fs *fs, struct row *row)
{
    struct fs_names names;
    size_t used = 0;

    fs_sim_paths(fs, "db", &names);
    for (size_t i = 0; i < names.count && used < sizeof row->files; i++)
        if (strstr(names.names[i], ".log"))
            used += (size_t)snprintf(row->files + used, sizeof row->files - used, "%s`%s`",
                                     used ? " " : "", names.names[i]);
    fs_names_free(&names);
}

static void scan(struct strata *db, struct row *row)
{
    struct strata_error err;
    struct strata_iter *iter;
    struct strata_slice key, value;
    size_t used = 0;

    must(strata_iter_new(db, &iter, &err), &err);
    for (int rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        key = strata_iter_key(iter);
        must(strata_iter_value(iter, &value, &err), &err);
        used += (size_t)snprintf(row->found + used, sizeof row->found - used, "%s%.*s=%.*s",
                                 used ? " " : "", (int)key.size, (const char *)key.data,
                                 (int)value.size, (const char *)value.data);
    }
    strata_iter_free(iter);
}

/* What the open says without the figures and names that differ from state to state. */
static void refusal(const struct strata_error *err, struct row *row)
{
    static const char *const ends[] = {" check ", ": it does", ": after it"};
    char *end;

    snprintf(row->found, sizeof row->found, "refused: %.150s", err->message);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if ((end = strstr(row->found, ends[i])) != NULL)
            *end = '\0';
}

static int visit(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct row row = {.states = 1};
    struct strata_error err;
    struct strata *db;
    size_t i = 0;

    (void)arg;
    list_segments(state, &row);
    snprintf(row.choice, sizeof row.choice, "%s", info->choice);
    if (open_it(state, 1 << 20, &db, &err) < 0) {
        refusal(&err, &row);
    } else {
        scan(db, &row);
        must(strata_close(db, &err), &err);
    }
    while (i < row_count &&
           (strcmp(rows[i].found, row.found) || (!power && strcmp(rows[i].files, row.files))))
        i++;
    if (i == sizeof rows / sizeof *rows)
        return -1;
    if (i < row_count)
        rows[i].states++;
    else
        rows[row_count++] = row;
    return 0;
}

/* ---- The table --------------------------------------------------------------------------- */

static void print_row(const struct row *row)
{
    bool refused = strncmp(row->found, "refused", 7) == 0;
    bool silent = !refused && strcmp(row->found, ALL) != 0;
    char shown[220];

    snprintf(shown, sizeof shown, refused ? "%s" : "`%s`", row->found);
    if (!power)
        printf("| %s | %u | %s |\n", row->files, row->states, shown);
    else if (silent)
        printf("| %s | %u | %s |\n", shown, row->states, row->choice);
    else
        printf("| %s | %u | |\n", shown, row->states);
}

int main(int argc, char **argv)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_sim_plan plan = {.model = FS_SIM_KILL};
    struct fs_sim_totals totals;
    struct strata_error err;
    struct strata *db;

    power = argc > 1 && strcmp(argv[1], "power") == 0;
    if (power)
        plan.model = FS_SIM_POSIX;
    make(fs);
    fs_sim_record(fs); /* what is there now counts as durable */
    must(open_it(fs, 1 << 20, &db, &err), &err);
    must(strata_compact(db, NULL, &err), &err);
    must(strata_close(db, &err), &err);
    if (fs_sim_states(fs, &plan, visit, NULL, &totals) < 0)
        return 1;
    printf(power ? "| what comes back | states | how, in one of them |\n|---|--:|---|\n"
                 : "| segment files | states | a scan shows |\n|---|--:|---|\n");
    for (size_t i = 0; i < row_count; i++)
        print_row(&rows[i]);
    fs_free(fs);
    return 0;
}
