/* info.c: info: one screen about a database, for people.
 *
 * Everything is collected before anything is printed, and an error is reported after the rest: what
 * is known of a damaged database is shown. Names of figures differ from stage to stage; what a
 * stage does not report is left out. */
#include "cli/options.h"
#include "cli/output/human.h"
#include "cli/show/usage.h"

#include <inttypes.h>
#include <string.h>

#define LEVELS 32u                       /* shown separately; deeper ones count as the last */
#define COUNT_BYTES ((uint64_t)64 << 20) /* files of so many bytes are read to count the keys */
#define LABEL "%-19s %12s"

struct level {
    uint64_t tables, bytes;
};

struct info {
    struct strata_stage_info stage;
    struct usage usage;
    struct level levels[LEVELS], all;
    uint64_t records, deletes; /* in tables */
    uint64_t largest;          /* bytes of the largest table */
    uint64_t base;             /* level that level 0 goes to; 0: unknown */
    uint64_t readers, obsolete_bytes;
    uint64_t value_files, value_bytes, value_garbage; /* of values that are kept apart */
    uint64_t background_error, write_error;           /* errnos of this handle; 0: none */
    bool has_tables;                                  /* the stage has them */
    uint64_t keys;
    bool exact, has_keys;                   /* has_keys: `keys` is known, if only about */
    uint64_t log_records;                   /* of a stage whose data is one log, or of segments */
    uint64_t events;                        /* in the event log */
    char last_event[HUMAN_TEXT];            /* "" : none */
    uint64_t flush_error, compaction_error; /* errnos in the event log; 0: the last one ended */
    uint64_t put_bytes, session_bytes; /* in the event log: of closed sessions, of the last one */
    uint64_t table_bytes;              /* ... that flushes and compactions wrote */
};

/* ---- Collecting ---------------------------------------------------------------------------- */

static void note_stat(void *arg, const struct strata_stat *stat)
{
    struct info *info = arg;

    if (strcmp(stat->name, "index_keys") == 0) {
        info->keys = stat->value;
        info->exact = info->has_keys = true;
    }
    if (strcmp(stat->name, "index_keys") == 0 || strcmp(stat->name, "dead_records") == 0 ||
        strcmp(stat->name, "tombstones") == 0 || strcmp(stat->name, "log_records") == 0)
        info->log_records += stat->value;
    if (strcmp(stat->name, "base_level") == 0)
        info->base = stat->value;
    if (strcmp(stat->name, "readers") == 0)
        info->readers = stat->value;
    if (strcmp(stat->name, "obsolete_bytes") == 0)
        info->obsolete_bytes = stat->value;
    if (strcmp(stat->name, "background_error") == 0)
        info->background_error = stat->value;
    if (strcmp(stat->name, "write_error") == 0)
        info->write_error = stat->value;
}

static void note_table(void *arg, const struct strata_table *table)
{
    struct info *info = arg;
    struct level *level = &info->levels[table->level < LEVELS ? table->level : LEVELS - 1];

    level->tables++;
    level->bytes += table->bytes;
    info->all.tables++;
    info->all.bytes += table->bytes;
    info->records += table->records;
    info->deletes += table->tombstones;
    if (table->bytes > info->largest)
        info->largest = table->bytes;
}

static void note_values(void *arg, const struct strata_value_file *file)
{
    struct info *info = arg;

    info->value_files++;
    info->value_bytes += file->bytes;
    info->value_garbage += file->bytes - file->live_bytes;
}

/* A flush has no input tables. */
static void note_outcome(struct info *info, const struct strata_event *event)
{
    if (event->type == STRATA_EVENT_OPEN || event->type == STRATA_EVENT_FLUSH_END)
        info->flush_error = 0;
    if (event->type == STRATA_EVENT_OPEN || event->type == STRATA_EVENT_COMPACT_END)
        info->compaction_error = 0;
    if (event->type == STRATA_EVENT_GIVEN_UP && event->error)
        *(event->inputs ? &info->compaction_error : &info->flush_error) = event->error;
}

static void note_event(void *arg, const struct strata_event *event)
{
    struct info *info = arg;

    if (event->type == STRATA_EVENT_UNREADABLE)
        return;
    info->events++;
    note_outcome(info, event);
    if (event->type == STRATA_EVENT_OPEN) {
        info->put_bytes += info->session_bytes;
        info->session_bytes = 0;
    }
    if (event->bytes_in > info->session_bytes)
        info->session_bytes = event->bytes_in;
    if (event->type == STRATA_EVENT_FLUSH_END || event->type == STRATA_EVENT_COMPACT_END)
        info->table_bytes += event->written;
    if (event->type != STRATA_EVENT_MADE && event->type != STRATA_EVENT_GONE &&
        event->type != STRATA_EVENT_STANDS) /* parts of the event before them */
        snprintf(info->last_event, sizeof info->last_event, "%s", event->name);
}

/* Not every stage has events. */
static int unless_unsupported(int rc)
{
    return rc == STRATA_ERR_NOT_SUPPORTED ? 0 : rc;
}

/* Reads every key, where that is soon done. */
static int count_keys(struct cli *cli, struct info *info, struct strata *db,
                      struct strata_error *err)
{
    struct strata_iter *iter;
    uint64_t count = 0;
    int rc;

    if (info->exact || info->usage.bytes > COUNT_BYTES)
        return 0;
    rc = strata_iter_new(db, &iter, err);
    if (rc < 0)
        return rc;
    for (rc = strata_iter_first(iter, err); rc == 0 && !cli_interrupted(cli); count++)
        rc = strata_iter_next(iter, err);
    strata_iter_free(iter);
    if (rc == STRATA_NOT_FOUND) {
        info->keys = count;
        info->exact = info->has_keys = true;
    }
    return rc < 0 ? rc : 0;
}

/* What all these say, or the first failure. */
static int collect(struct cli *cli, struct info *info, struct strata *db, struct strata_error *err)
{
    int rc, later;

    strata_stage(db, &info->stage);
    rc = strata_stats(db, note_stat, info, err);
    if (rc < 0)
        return rc;
    later = strata_tables(db, note_table, info, err);
    info->has_tables = later == 0;
    rc = unless_unsupported(later);
    if (rc == 0)
        rc = unless_unsupported(strata_value_files(db, note_values, info, err));
    if (rc == 0)
        rc = unless_unsupported(strata_events(db, note_event, info, err));
    info->put_bytes += info->session_bytes;
    if (!info->has_keys) {
        info->keys = info->has_tables ? info->records : info->log_records;
        info->has_keys = info->keys > 0;
    }
    return rc == 0 ? count_keys(cli, info, db, err) : rc;
}

/* ---- Printing ------------------------------------------------------------------------------ */

static void print_line(FILE *to, const char *label, const char *figure, const char *note)
{
    fprintf(to, LABEL "%s%s\n", label, figure, *note ? "  " : "", note);
}

static void print_keys(FILE *to, const struct info *info)
{
    char figure[HUMAN_TEXT];

    if (!info->has_keys) {
        print_line(to, "keys", "?", "not counted; `strata count` counts them");
        return;
    }
    human_count(info->keys, figure, sizeof figure);
    print_line(to, "keys", figure,
               info->exact ? "exact"
               : info->has_tables
                   ? "approximate: records in tables, replaced and deleted ones too"
                   : "approximate: records in the log, replaced and deleted ones too");
}

static void print_size(FILE *to, const struct usage *usage)
{
    char figure[HUMAN_TEXT], files[HUMAN_TEXT], note[96], when[32];
    struct tm tm;

    human_plural(usage->files, "file", files, sizeof files);
    snprintf(note, sizeof note, "%s", files);
    if (usage->written && localtime_r(&usage->written, &tm) &&
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm))
        snprintf(note, sizeof note, "%s, last written %s", files, when);
    print_line(to, "size", human_bytes((double)usage->bytes, figure, sizeof figure), note);
}

/* While it is open for writing, a log has room ahead of what is in it. */
static void print_log(FILE *to, const struct info *info, bool writing)
{
    char figure[HUMAN_TEXT], files[HUMAN_TEXT], note[128];

    human_plural(info->usage.logs, "file", files, sizeof files);
    snprintf(note, sizeof note, "%s: %s%s", files,
             info->has_tables ? "what is not in tables yet" : "all data",
             writing ? ", and room for more" : "");
    print_line(to, "log", human_bytes((double)info->usage.log_bytes, figure, sizeof figure), note);
}

static void print_level(FILE *to, const struct info *info, unsigned level)
{
    const struct level *l = &info->levels[level];
    char label[32], figure[HUMAN_TEXT], bytes[HUMAN_TEXT], note[96];

    snprintf(label, sizeof label, "  level %u", level);
    human_bytes((double)l->bytes, bytes, sizeof bytes);
    snprintf(note, sizeof note, "%s", bytes);
    if (level == 0 && info->base)
        snprintf(note, sizeof note, "%s, compacted into level %" PRIu64 " next", bytes, info->base);
    print_line(to, label, human_count(l->tables, figure, sizeof figure), note);
}

static void print_tables(FILE *to, const struct info *info)
{
    char figure[HUMAN_TEXT], bytes[HUMAN_TEXT], records[HUMAN_TEXT + 8], deletes[HUMAN_TEXT + 8];
    char note[160];

    if (!info->has_tables) {
        print_line(to, "tables", "-", "stages before 4 have no sorted tables");
        return;
    }
    human_bytes((double)info->all.bytes, bytes, sizeof bytes);
    human_plural(info->records, "record", records, sizeof records);
    human_plural(info->deletes, "delete", deletes, sizeof deletes);
    snprintf(note, sizeof note, "%s, %s%s%s", bytes, records, info->deletes ? ", of these " : "",
             info->deletes ? deletes : "");
    print_line(to, "tables", human_count(info->all.tables, figure, sizeof figure), note);
    for (unsigned level = 0; level < LEVELS; level++)
        if (info->levels[level].tables)
            print_level(to, info, level);
}

/* Of stages that have any. */
static void print_values(FILE *to, const struct info *info)
{
    char figure[HUMAN_TEXT], bytes[HUMAN_TEXT], garbage[HUMAN_TEXT], note[96];

    if (!info->value_files)
        return;
    human_bytes((double)info->value_bytes, bytes, sizeof bytes);
    human_bytes((double)info->value_garbage, garbage, sizeof garbage);
    snprintf(note, sizeof note, "%s, of these %s garbage", bytes, garbage);
    print_line(to, "value files", human_count(info->value_files, figure, sizeof figure), note);
}

static void print_ratio(FILE *to, const char *label, uint64_t all, uint64_t part, const char *note)
{
    char figure[HUMAN_TEXT] = "-";

    if (part)
        snprintf(figure, sizeof figure, "%.2f", (double)all / (double)part);
    print_line(to, label, figure, part ? note : "not known");
}

/* Of tables: all that lies above the deepest level, or beside the largest table, may replace
 * something there. Of logs: records by live keys. */
static void print_space(FILE *to, const struct info *info)
{
    uint64_t deepest = info->largest;

    if (!info->has_tables) {
        print_ratio(to, "space amplification", info->log_records, info->exact ? info->keys : 0,
                    "records in the log / live keys");
        return;
    }
    for (unsigned level = 1; level < LEVELS; level++)
        if (info->levels[level].tables)
            deepest = info->levels[level].bytes;
    print_ratio(to, "space amplification", info->all.bytes, deepest,
                "estimate: bytes of all tables / of the deepest level");
}

static void print_read(FILE *to, const struct info *info)
{
    uint64_t tables = info->levels[0].tables;
    char figure[HUMAN_TEXT];

    if (!info->has_tables)
        return;
    for (unsigned level = 1; level < LEVELS; level++)
        tables += info->levels[level].tables > 0;
    print_line(to, "read amplification", human_count(tables, figure, sizeof figure),
               "tables that a get may have to ask");
}

/* In the shell of a writer. */
static void print_obsolete(FILE *to, const struct info *info)
{
    char figure[HUMAN_TEXT];

    if (info->readers && info->obsolete_bytes)
        print_line(to, "obsolete files",
                   human_bytes((double)info->obsolete_bytes, figure, sizeof figure),
                   "kept as long as another process reads");
}

/* What this handle knows; else what another one logged. */
static void print_failures(FILE *to, const struct info *info)
{
    bool waits = info->background_error > 0;
    const struct {
        uint64_t error;
        const char *label, *figure, *note;
    } all[] = {
        {info->write_error, "writes", "ended", "nothing is written before the next open"},
        {info->background_error, "background", "waits", "a flush or compaction is tried again"},
        {waits ? 0 : info->flush_error, "last flush", "failed", "from the event log"},
        {waits ? 0 : info->compaction_error, "last compaction", "failed", "from the event log"},
    };
    char note[160];

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        snprintf(note, sizeof note, "%s: %s", strerror((int)all[i].error), all[i].note);
        if (all[i].error)
            print_line(to, all[i].label, all[i].figure, note);
    }
}

static void print_events(FILE *to, const struct info *info)
{
    char note[HUMAN_TEXT + 32], count[HUMAN_TEXT + 8];

    if (!info->events) {
        print_line(to, "last event", "-", "no events are recorded");
        return;
    }
    if (info->put_bytes)
        print_ratio(to, "write amplification", info->table_bytes, info->put_bytes,
                    "table bytes written / bytes put, from the event log");
    snprintf(note, sizeof note, "%s in the event log",
             human_plural(info->events, "event", count, sizeof count));
    print_line(to, "last event", info->last_event, note);
}

static void print_info(struct cli *cli, const struct info *info)
{
    FILE *to = cli->out;

    fprintf(to, "%s: stage %u, %s\nsurvives %s\n\n", cli->operands[0], info->stage.stage,
            info->stage.name, info->stage.survives);
    print_keys(to, info);
    print_size(to, &info->usage);
    print_log(to, info, cli->session != NULL);
    print_tables(to, info);
    print_values(to, info);
    print_space(to, info);
    print_read(to, info);
    print_obsolete(to, info);
    print_failures(to, info);
    print_events(to, info);
}

static int info(struct cli *cli, struct strata *db)
{
    struct info info = {0};
    struct strata_error err;
    int rc, sys = usage_of(cli->operands[0], &info.usage);

    if (sys)
        return cli_fail_sys(cli, cli->operands[0], sys);
    rc = collect(cli, &info, db, &err);
    print_info(cli, &info);
    return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

static int run_info(struct cli *cli)
{
    struct strata *db;
    int code = cli_open(cli, CLI_READ, &db);

    if (code != CLI_OK)
        return code;
    return cli_close(cli, db, info(cli, db));
}

const struct cli_command cli_info_command = {
    .name = "info",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"DIR"},
    .required = 1,
    .options = OPTIONS(DB_OPTIONS),
    .exits = DB_EXITS,
    .summary = "show one screen about a database",
    .about =
        "Its stage, keys, size, log, tables by level, amplification, last event. The keys are\n"
        "exact where the stage knows them, or where all files together have no more than 64\n"
        "MiB, as info then reads every key; else they are approximate, and info says so\n"
        "(`strata count` counts in any case). Damage that info meets is reported after the\n"
        "rest, and ends it with 3.\n\n"
        "  space amplification  bytes of all tables / of the deepest level, or of the largest\n"
        "                       table of level 0; without tables, records / live keys\n"
        "  read amplification   tables of level 0, and one for each deeper level\n"
        "  write amplification  bytes that flushes and compactions wrote / bytes of keys and\n"
        "                       values put, as far back as the event log goes\n\n"
        "A flush or compaction that failed has a line (stage 7 on). A command that only reads\n"
        "cannot ask the process that writes: it shows how the last ones of the last session\n"
        "ended by the event log, where a full disk may have left no room to say so. In the\n"
        "shell, which writes itself, info also shows what its own background work waits for,\n"
        "and whether writing has ended (stage 10 on).",
    .example = "$ strata put db fruit apple --stage 4\n"
               "$ strata info db\n"
               "db: stage 4, 04_memtable_sstable\n"
               "survives clean exit, kill -9, power cut\n"
               "\n"
               "keys                           1  exact\n"
               "size                       ... B  4 files, last written ...\n"
               "log                        ...\n"
               "tables                         0  ...\n",
    .run = run_info,
};
