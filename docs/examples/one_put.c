/* one_put.c: one put on stage 3, crashed at each of its steps, as a Markdown table: what of the
 * frame is left in the log, and what the next open makes of it.
 *
 *   cc -Iinclude -Icommon -o one_put docs/examples/one_put.c build/libstrata.a -lxxhash -lpthread
 */
#include "fs_sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIR "disk/db"
#define LOG DIR "/000001.log"

static struct strata_buffer before, after; /* the log's bytes */

enum left { NOTHING, TORN, WHOLE, LEFTS };

struct tally {
    uint64_t states[4][LEFTS];  /* by step: append, sync, answered */
    uint64_t found[4][LEFTS];   /* of them: the put is there */
    uint64_t dropped[4][LEFTS]; /* of them: the open told of a torn tail */
    bool torn;
};

static void need(int rc, const struct strata_error *err)
{
    if (rc < 0) {
        fprintf(stderr, "one_put: %s: %s\n", err->file, err->message);
        exit(1);
    }
}

static void hear(void *arg, enum strata_log_level level, const char *message)
{
    struct tally *tally = arg;
    if (level == STRATA_LOG_WARNING && strstr(message, "dropped"))
        tally->torn = true;
}

static struct strata *open_db(struct strata_fs *fs, struct tally *tally)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    strata_options_init(&options);
    options.fs = fs;
    options.stage = 3;
    options.create = true;
    options.log = hear;
    options.log_arg = tally;
    need(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

/* The log without the room that was made ahead of appends. */
static void take_log(struct strata_fs *fs, struct strata_buffer *log)
{
    if (fs_sim_get(fs, LOG, log) < 0)
        exit(1);
    while (log->size && log->data[log->size - 1] == 0)
        log->size--;
}

static enum left look(struct strata_fs *state)
{
    struct strata_buffer log = {0};
    enum left left = TORN;

    take_log(state, &log);
    if (log.size == before.size)
        left = NOTHING;
    else if (log.size == after.size && memcmp(log.data, after.data, log.size) == 0)
        left = WHOLE;
    strata_buffer_free(&log);
    return left;
}

static int visit(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct tally *tally = arg;
    enum left left = look(state);
    unsigned step = info->kind == FS_CALL_APPEND ? 0 : info->kind == FS_CALL_SYNC ? 1 : 2;
    struct strata *db;
    struct strata_error err;

    tally->torn = false;
    db = open_db(state, tally);
    tally->states[step][left]++;
    tally->found[step][left] += strata_get(db, strata_string("plum"), NULL, NULL) == 0;
    tally->dropped[step][left] += tally->torn;
    need(strata_get(db, strata_string("apple"), NULL, &err), &err);
    need(strata_close(db, &err), &err);
    return 0;
}

static void print(const struct tally *t, const char *crash)
{
    static const char *const steps[] = {"in the append", "in the sync", "after \"ok\""};
    static const char *const lefts[] = {"nothing", "a part, or zeros", "all"};

    for (int step = 0; step < 3; step++)
        for (int left = 0; left < LEFTS; left++)
            if (t->states[step][left])
                printf("| %s | %s | %s | %" PRIu64 " | %s | %s |\n", crash, steps[step],
                       lefts[left], t->states[step][left],
                       t->found[step][left] == t->states[step][left] ? "is there"
                       : t->found[step][left]                        ? "varies"
                                                                     : "is not",
                       t->dropped[step][left] ? "drops a torn tail" : "finds nothing torn");
}

int main(void)
{
    struct strata_fs *fs = fs_sim_new();
    struct tally kill = {0}, cut = {0};
    struct fs_sim_plan plan = {.model = FS_SIM_KILL};
    struct fs_sim_totals totals;
    static char blue[1500]; /* three sectors */
    struct strata_error err;
    struct strata *db;

    memset(blue, 'b', sizeof blue);
    if (!fs || fs_sim_put_directory(fs, "disk") < 0)
        return 1;
    db = open_db(fs, &kill);
    need(strata_put(db, strata_string("apple"), strata_string("red"), &err), &err);
    take_log(fs, &before);
    if (fs_sim_record(fs) < 0)
        return 1;
    fs_sim_start(fs, 1);
    need(strata_put(db, strata_string("plum"), strata_bytes(blue, sizeof blue), &err), &err);
    fs_sim_ack(fs, 1, true);
    fs_sim_record_stop(fs);
    take_log(fs, &after);
    fs_sim_states(fs, &plan, visit, &kill, &totals);
    plan.model = FS_SIM_POSIX;
    fs_sim_states(fs, &plan, visit, &cut, &totals);
    puts("| crash | when | of the frame is left | states | `plum` | the next open |");
    puts("|---|---|---|--:|---|---|");
    print(&kill, "kill -9");
    print(&cut, "power cut");
    need(strata_close(db, &err), &err);
    fs_free(fs);
    strata_buffer_free(&before);
    strata_buffer_free(&after);
    return 0;
}
