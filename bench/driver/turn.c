/* turn.c: one engine's turn: the list of workloads, in a process of its own, so that what the
 * system counts of the process is that engine's alone, its threads included. A database lives in
 * ROOT/ENGINE. */
#include "bench.h"
#include "fs/fs_posix.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- What an engine cannot do ---------------------------------------------------------- */

#define STAGE_MAPS 5 /* from this stage on tables can be mapped */

/* "" if it can. */
static const char *lacks(const struct bench *b, const struct work *work)
{
    static const struct {
        unsigned need;
        const char *what;
    } list[] = {
        {ENGINE_BATCH, "atomic batch"},  {ENGINE_SYNC, "synced writes"},
        {ENGINE_ORDER, "order of keys"}, {ENGINE_REVERSE, "scan backwards"},
        {ENGINE_COMPACT, "compaction"},  {ENGINE_THREADS, "promise for more threads than one"}};
    unsigned needs = work->needs, can = life_can(b);
    bool strata = b->contender->engine == &engine_strata, maps = b->contender->engine->maps;

    if (work_threads(work, b->settings) > 1)
        needs |= ENGINE_THREADS;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (needs & ~can & list[i].need)
            return list[i].what;
    if (!strata && (work->opens == OPENS_CLEAN || work->opens == OPENS_BARE))
        return "opening of that kind";
    if (!(strata ? b->contender->stage.stage >= STAGE_MAPS : maps) &&
        (work->opens == OPENS_MAPPED || work->opens == OPENS_SMALL_MAPPED))
        return "reading from mapped files";
    return b->data.records && work_generated(work) ? "new keys, as they come from a file" : "";
}

/* Side by side with others, what one cannot do is passed over; asked for alone, it is an error. */
static int pass_over(const struct bench *b, const struct work *work, const char *what)
{
    if (!b->settings->lenient)
        return bench_say(BENCH_OTHER, "%s: not supported: %s has no %s", work->name,
                         b->contender->name, what);
    if (b->settings->each)
        printf("%-16s : -  (%s has no %s)\n", work->name, b->contender->name, what);
    return BENCH_OK;
}

/* ---- The list -------------------------------------------------------------------------- */

static int tell(struct bench *b, const struct result *result)
{
    static struct message message;

    message.kind = MESSAGE_RESULT;
    message.result = *result;
    if (b->settings->each) {
        report_result(result, stdout);
        if (b->settings->histogram && result->timed)
            histogram_print(&b->latency, stdout);
    }
    if (fflush(stdout) != 0)
        return bench_fail_sys("standard output", errno);
    return message_send(b->parent, &message, sizeof message) ? BENCH_OK : BENCH_OTHER;
}

static int run_one(struct bench *b, size_t place)
{
    const struct work *work = b->settings->works[place];
    const char *what = lacks(b, work);
    struct result result;
    int code;

    if (*what)
        return pass_over(b, work, what);
    if (work->inserts && !data_holds(&b->data, b->next + 3 * b->data.count + work_wanted(work, b)))
        return bench_say(BENCH_USAGE, "%s: --key_size has no room for new keys", work->name);
    code = prepare_measure(b, work, place, &result);
    return code == BENCH_OK ? tell(b, &result) : code;
}

static int run_list(struct bench *b)
{
    const struct settings *s = b->settings;
    int code = BENCH_OK, closed;

    if (s->each && b->contender->engine == &engine_strata)
        printf("\nstage %u, %s: survives %s\n", b->contender->stage.stage, b->contender->name,
               b->contender->stage.survives);
    else if (s->each)
        printf("\n%s\n", b->contender->name);
    for (size_t i = 0; i < s->work_count && code == BENCH_OK; i++)
        code = run_one(b, i);
    closed = life_close(b);
    if (!s->db && b->made)
        place_remove(b->dir);
    return code == BENCH_OK ? closed : code;
}

static int begin(struct bench *b, const struct settings *s, size_t contender, const char *root)
{
    int code = data_init(&b->data, s);

    b->settings = s;
    b->contender = &s->contenders[contender];
    b->root = root;
    b->dir = fs_join(root, b->contender->name);
    b->filled = b->next = b->data.count;
    b->words = b->data.count / 64 + 1;
    b->present = calloc(b->words, sizeof *b->present);
    b->fs = fs_posix_new();
    if (code == BENCH_OK && (!b->dir || !b->present || !b->fs))
        code = bench_fail_memory();
    return code;
}

static void end(struct bench *b)
{
    data_free(&b->data);
    free(b->present);
    free(b->dir);
    fs_free(b->fs);
}

int turn_run(const struct settings *s, size_t contender, const char *root, uint64_t turn,
             int parent)
{
    static struct bench b; /* its histogram is large */
    char label[100];
    int code = begin(&b, s, contender, root);

    b.parent = parent;
    snprintf(label, sizeof label, "turn %" PRIu64 " of %" PRIu64 ": %s: ", turn, s->turns,
             b.contender->name);
    if (s->turns > 1 || s->contender_count > 1)
        run_draw(label);
    os_memory(&b.own);
    if (code == BENCH_OK)
        code = run_list(&b);
    end(&b);
    return code;
}

/* ---- A process that is killed ---------------------------------------------------------- */

static int put_new(struct bench *b, const struct die *die, struct strata_error *err)
{
    const struct engine *e = b->contender->engine;
    uint8_t key[STRATA_MAX_KEY + DATA_TAIL];
    void *session = NULL;
    int rc = life_open(b, OPENS_WRITE, false, err);

    if (rc == 0)
        rc = e->join(b->db, &session, err);
    for (uint64_t i = 0; rc == 0 && i < die->count; i++)
        rc = e->put(session, data_key(&b->data, die->first + i, "", key),
                    data_value(&b->data, die->first + i), err);
    return rc;
}

void turn_die(const struct settings *s, const char *root, const struct die *die)
{
    static struct bench b;
    struct strata_error err;
    int code = begin(&b, s, die->contender, root);

    b.data.value_bytes = die->value_bytes;
    if (code == BENCH_OK && put_new(&b, die, &err) < 0)
        code = bench_fail(&err, "openafterkill");
    if (code == BENCH_OK)
        kill(getpid(), SIGKILL);
    _exit(code);
}
