/* kill_loop.c: see kill_loop.h.
 *
 * The parent never opens a database. It knows every write that the writer can have issued, as
 * both make them from the same seed:
 *
 *   writer    START?(n)  put n  ACK(n)  START?(n+1)  put n+1  #kill
 *   parent    reads the pipe to its end: acknowledged = n, issued = n + 1
 *   verifier  n or n + 1; then the oracle, which adds a write that the next writer builds on
 *
 * START is told for large values and for merges only, so that the parent can aim.
 *
 * Several threads write at once, each to keys of its own: so each has an order of its writes, and
 * an n of its own. */
#define _GNU_SOURCE
#include "kill_loop.h"

#include "child.h"
#include "rng.h"
#include "crash/subject.h"
#include "tmpdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEYS 16 /* of a thread */
#define THREADS_MAX 4
#define BATCH_MAX 6
#define LIVES_MAX 5     /* writers in one directory */
#define WRITES_MAX 3000 /* of one thread; then it waits for its end */
#define LARGE_EVERY 60  /* operations, about */
#define MERGE_EVERY 100 /* writes of the first thread, about */
#define LARGE_MIN ((size_t)256 << 10)
#define LARGE_SPAN ((size_t)3 << 20)

/* ---- What is written ------------------------------------------------------------------- */

/* Makes write number `n` of a thread, the same in both processes. */
struct feed {
    struct rng rng;
    unsigned thread;
    uint8_t *large; /* LARGE_MIN + LARGE_SPAN bytes */
    struct strata_batch *batch;
    bool has_large;
    uint8_t small[200];
};

static void *need(void *made)
{
    if (!made)
        abort();
    return made;
}

static void feed_init(struct feed *feed, uint64_t seed, unsigned thread)
{
    *feed = (struct feed){.thread = thread, .batch = need(strata_batch_new())};
    rng_init(&feed->rng, seed + thread);
    rng_init(&feed->rng, rng_next(&feed->rng));
    feed->large = need(malloc(LARGE_MIN + LARGE_SPAN));
    for (size_t i = 0; i < LARGE_MIN + LARGE_SPAN; i++)
        feed->large[i] = (uint8_t)(i * 2654435761u >> 13);
}

static void feed_free(struct feed *feed)
{
    strata_batch_free(feed->batch);
    free(feed->large);
}

/* Every value is another one: it begins with a random number. */
static struct strata_slice feed_value(struct feed *feed)
{
    bool large = rng_below(&feed->rng, LARGE_EVERY) == 0;
    uint8_t *bytes = large ? feed->large : feed->small;
    size_t size = large ? LARGE_MIN + (size_t)rng_below(&feed->rng, LARGE_SPAN)
                        : (size_t)rng_below(&feed->rng, sizeof feed->small);
    uint64_t number = rng_next(&feed->rng);

    if (!large)
        rng_fill(&feed->rng, bytes, size);
    memcpy(bytes, &number, size < sizeof number ? size : sizeof number);
    feed->has_large |= large;
    return strata_bytes(bytes, size);
}

/* Each thread's keys begin with its number; the first has the empty key too. */
static void feed_add(struct feed *feed)
{
    uint64_t number = rng_below(&feed->rng, KEYS);
    char text[24];
    int size = snprintf(text, sizeof text, "%u key %02" PRIu64, feed->thread, number), rc;
    struct strata_slice key = strata_bytes(text, number || feed->thread ? (size_t)size : 0);

    rc = rng_below(&feed->rng, 4) ? strata_batch_put(feed->batch, key, feed_value(feed), NULL)
                                  : strata_batch_delete(feed->batch, key, NULL);
    need(rc == 0 ? feed : NULL);
}

static bool owns(unsigned thread, struct strata_slice key)
{
    return key.size ? key.data[0] == (uint8_t)('0' + thread) : thread == 0;
}

/* One operation, or where batches are promised sometimes several. */
static const struct strata_batch *feed_next(struct feed *feed)
{
    uint64_t count = 1;

    strata_batch_clear(feed->batch);
    feed->has_large = false;
    if (subject_promises(STRATA_PROMISE_BATCH) && rng_below(&feed->rng, 4) == 0)
        count += rng_below(&feed->rng, BATCH_MAX);
    while (count--)
        feed_add(feed);
    return feed->batch;
}

/* ---- The writer ------------------------------------------------------------------------ */

enum word { WORD_ACK, WORD_START, WORD_MERGE };

struct message {
    uint16_t word, thread;
    uint32_t n; /* of this thread's writes, from 1 */
};

/* One message is one write of a few bytes: the pipe has all of it or nothing. */
static void tell(int fd, enum word word, unsigned thread, uint32_t n)
{
    struct message message = {(uint16_t)word, (uint16_t)thread, n};
    if (write(fd, &message, sizeof message) != (ssize_t)sizeof message)
        _exit(2); /* the parent is gone */
}

struct life {
    struct kill_loop *loop;
    char *dir;
    uint64_t seed; /* of the writer */
    unsigned threads;
    bool unsynced; /* nothing is synced: kill -9 has to be survived all the same */
    uint32_t acknowledged[THREADS_MAX]; /* writes of each thread */
    struct history own[THREADS_MAX];    /* these, and one more */
    struct history history;             /* of the directory, before this writer */
};

/* What the verifier tells. */
struct finding {
    uint32_t n[THREADS_MAX]; /* writes of each thread that came back */
    struct oracle_report report;
};

static void writer_failed(const struct strata_error *err)
{
    char text[600];
    fprintf(stderr, "kill: the writer: %s\n", strata_error_text(err, text, sizeof text));
    _exit(1);
}

struct thread {
    const struct life *life;
    struct strata *db;
    int to;
    unsigned number;
    pthread_t id;
};

static void write_it(struct strata *db, const struct strata_batch *batch)
{
    struct strata_op op = strata_batch_at(batch, 0);
    struct strata_error err = {0};
    int rc;

    if (strata_batch_count(batch) > 1)
        rc = strata_write(db, batch, 0, &err);
    else
        rc = op.type == STRATA_OP_PUT ? strata_put(db, op.key, op.value, &err)
                                      : strata_delete(db, op.key, &err);
    if (rc < 0)
        writer_failed(&err);
}

/* Flushes and merges, where the stage does. */
static void tidy_up(struct thread *thread, uint32_t n)
{
    struct strata_error err = {0};
    int rc;

    tell(thread->to, WORD_MERGE, thread->number, n);
    rc = strata_flush(thread->db, &err);
    if (rc == 0 || rc == STRATA_ERR_NOT_SUPPORTED)
        rc = strata_compact(thread->db, NULL, &err);
    if (rc < 0 && rc != STRATA_ERR_NOT_SUPPORTED)
        writer_failed(&err);
}

static void *write_all(void *arg)
{
    struct thread *thread = arg;
    struct feed feed;
    struct rng rng; /* of what the parent need not know */

    feed_init(&feed, thread->life->seed, thread->number);
    rng_init(&rng, ~thread->life->seed);
    for (uint32_t n = 1; n <= WRITES_MAX; n++) {
        const struct strata_batch *batch = feed_next(&feed);
        if (feed.has_large)
            tell(thread->to, WORD_START, thread->number, n);
        write_it(thread->db, batch);
        tell(thread->to, WORD_ACK, thread->number, n);
        if (thread->number == 0 && rng_below(&rng, MERGE_EVERY) == 0)
            tidy_up(thread, n);
    }
    feed_free(&feed);
    return NULL;
}

static int writer(struct child *self, void *arg)
{
    struct thread threads[THREADS_MAX];
    const struct life *life = arg;
    struct strata_error err = {0};
    struct strata *db;

    subject_leave_unsynced(life->unsynced);
    if (subject_open(NULL, life->dir, true, &db, &err) < 0)
        writer_failed(&err);
    for (unsigned i = 0; i < life->threads; i++) {
        threads[i] = (struct thread){.life = life, .db = db, .to = self->to, .number = i};
        if (pthread_create(&threads[i].id, NULL, write_all, &threads[i]) != 0)
            return 3;
    }
    for (unsigned i = 0; i < life->threads; i++)
        pthread_join(threads[i].id, NULL);
    close(self->to); /* nothing more to wait for */
    for (;;)
        pause();
}

/* ---- When to kill it ------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pause_ns(uint64_t ns)
{
    uint64_t end = now_ns() + ns;
    while (now_ns() < end) /* sleeping is too coarse to aim with */
        ;
}

static bool hear(int fd, struct message *message)
{
    ssize_t got;
    do
        got = read(fd, message, sizeof *message);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof *message;
}

/* The bytes of all files in a directory; 0 if it is not there yet. */
static uint64_t dir_bytes(const char *path)
{
    DIR *dir = opendir(path);
    uint64_t bytes = 0;
    struct dirent *entry;
    struct stat st;

    while (dir && (entry = readdir(dir)))
        if (fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_size;
    if (dir)
        closedir(dir);
    return bytes;
}

/* The next message; acknowledgements are noted. */
static bool hear_next(struct life *life, int fd, struct message *message)
{
    if (!hear(fd, message))
        return false;
    if (message->word == WORD_ACK && message->thread < THREADS_MAX)
        life->acknowledged[message->thread] = message->n;
    return true;
}

/* Until the `n`th large value, or merge, begins. */
static void wait_for(struct life *life, int fd, enum word word, uint64_t n)
{
    struct message message;
    while (n && hear_next(life, fd, &message))
        n -= message.word == word;
}

/* Until some of that value is in its file, or it is acknowledged: a write of some MiB is copied
 * page by page, and the file grows with each. */
static void wait_for_growth(const char *dir, int fd)
{
    struct pollfd heard = {.fd = fd, .events = POLLIN};
    uint64_t before = dir_bytes(dir);
    while (dir_bytes(dir) == before && poll(&heard, 1, 0) == 0)
        ;
}

/* Kills the writer at a random moment. */
static void let_live(struct life *life, struct child *child, struct rng *rng, bool aimed)
{
    struct message message;
    uint64_t dice = rng_below(rng, 5);

    if (aimed) {
        wait_for(life, child->from, WORD_START, 1 + rng_below(rng, 4));
        if (rng_below(rng, 2))
            wait_for_growth(life->dir, child->from); /* in the middle of its write */
        else
            pause_ns(rng_below(rng, 1500000)); /* anywhere: 3 MiB take one or two ms */
    } else if (dice < 2) {
        wait_for(life, child->from, WORD_ACK, rng_below(rng, WRITES_MAX / 4));
        pause_ns(rng_below(rng, 100000));
    } else if (dice < 4) { /* while it merges */
        wait_for(life, child->from, WORD_MERGE, 1 + rng_below(rng, 3));
        pause_ns(rng_below(rng, 3000000));
    } else { /* while it is being opened */
        pause_ns(rng_below(rng, 2000000));
    }
    kill(child->pid, SIGKILL);
    while (hear_next(life, child->from, &message))
        ;
}

/* ---- What is left of it ---------------------------------------------------------------- */

/* Are the thread's keys in `found` what they are in `model`? */
static bool same_keys(const struct model *found, const struct model *model, unsigned thread)
{
    size_t at = 0;

    for (size_t i = 0; i < found->count; i++) {
        const struct model_entry *got = &found->entries[i], *want;
        if (!owns(thread, got->key))
            continue;
        while (at < model->count && !owns(thread, model->entries[at].key))
            at++;
        want = &model->entries[at++];
        if (at > model->count || strata_compare(got->key, want->key) != 0 ||
            strata_compare(got->value, want->value) != 0)
            return false;
    }
    while (at < model->count && !owns(thread, model->entries[at].key))
        at++;
    return at == model->count;
}

/* The largest n of the thread, from those acknowledged on, after which its keys are as found. */
static bool find_n(const struct life *life, unsigned thread, const struct model *found,
                   struct finding *finding)
{
    const struct history *own = &life->own[thread];
    struct model model = {0};
    bool any = false;

    history_model(&life->history, life->history.count, &model);
    for (uint32_t n = 0; n <= own->count; n++) {
        if (n > 0)
            history_apply(own, n, &model);
        if (n >= life->acknowledged[thread] && same_keys(found, &model, thread)) {
            finding->n[thread] = n;
            any = true;
        }
    }
    model_free(&model);
    if (!any)
        snprintf(finding->report.what, sizeof finding->report.what,
                 "thread %u: its keys are not as after its %u acknowledged writes, nor after one "
                 "more",
                 thread, life->acknowledged[thread]);
    return any;
}

/* Appends a thread's first `n` writes. */
static void append_history(struct history *to, const struct history *from, uint32_t n)
{
    for (uint32_t i = 1; i <= n; i++) {
        struct strata_batch *batch = need(strata_batch_new());
        size_t count;
        const struct strata_op *ops = history_write(from, i, &count);
        int rc = 0;
        for (size_t j = 0; j < count && rc == 0; j++)
            rc = ops[j].type == STRATA_OP_PUT
                     ? strata_batch_put(batch, ops[j].key, ops[j].value, NULL)
                     : strata_batch_delete(batch, ops[j].key, NULL);
        need(rc == 0 ? batch : NULL);
        history_batch(to, batch);
        strata_batch_free(batch);
    }
}

static int read_all(const struct life *life, struct model *found, struct finding *finding)
{
    struct strata_options options;
    struct strata_error err = {0};
    struct strata *db;
    int rc;

    subject_options(&options, NULL, false);
    options.read_only = true;
    rc = strata_open(life->dir, &options, &db, &err);
    if (rc == STRATA_ERR_ABSENT) /* it was killed before there was one: the oracle judges that */
        return 0;
    if (rc == 0) {
        rc = model_read(found, db, &err);
        strata_close(db, NULL);
    }
    if (rc < 0)
        strata_error_text(&err, finding->report.what, sizeof finding->report.what);
    return rc;
}

/* What each thread has kept makes one history, for the oracle. */
static int judge(struct life *life, struct finding *finding)
{
    struct model found = {0};
    struct oracle oracle = {.dir = life->dir, .history = &life->history};
    bool any = life->history.count > 0; /* acknowledged, ever: there is a database */
    bool fine = read_all(life, &found, finding) == 0;

    for (unsigned i = 0; fine && i < life->threads; i++)
        fine = find_n(life, i, &found, finding);
    model_free(&found);
    if (!fine)
        return 1;
    for (unsigned i = 0; i < life->threads; i++) {
        append_history(&life->history, &life->own[i], finding->n[i]);
        any |= life->acknowledged[i] > 0;
    }
    oracle.issued = life->history.count;
    oracle.floor = any ? oracle.issued : 0;
    return oracle_check(&oracle, &finding->report);
}

/* The verifier: another process, so that nothing the writer or the parent has helps it. */
static int verifier(struct child *self, void *arg)
{
    struct finding finding = {0};
    int bad = judge(arg, &finding);
    ssize_t done = write(self->to, &finding, sizeof finding);
    return done == (ssize_t)sizeof finding ? bad : 2;
}

static int violation(struct life *life, const char *what)
{
    struct kill_loop *loop = life->loop;
    loop->violations++;
    snprintf(loop->what, sizeof loop->what, "%s; the database is kept: %s", what, life->dir);
    return 1;
}

static int verify(struct life *life, struct finding *finding)
{
    struct child child;
    ssize_t got;
    int rc;

    child_start(&child, verifier, life);
    got = read(child.from, finding, sizeof *finding);
    rc = child_wait(&child);
    if (got != (ssize_t)sizeof *finding || rc > 1)
        return violation(life, "the verifier died");
    return rc ? violation(life, finding->report.what) : 0;
}

/* ---- The loop -------------------------------------------------------------------------- */

/* What a thread may have issued: one write beyond the acknowledged. */
static void remake_writes(struct life *life, unsigned thread)
{
    struct feed feed;

    feed_init(&feed, life->seed, thread);
    for (uint32_t n = 1; n <= life->acknowledged[thread] + 1 && n <= WRITES_MAX; n++)
        history_batch(&life->own[thread], feed_next(&feed));
    feed_free(&feed);
}

/* What came back is what the next writer builds on. */
static void note(struct life *life, const struct finding *finding)
{
    struct kill_loop *loop = life->loop;

    for (unsigned i = 0; i < life->threads; i++) {
        loop->acknowledged += life->acknowledged[i];
        loop->recovered += finding->n[i];
        append_history(&life->history, &life->own[i], finding->n[i]);
        history_free(&life->own[i]);
    }
    history_put(&life->history, strata_string(ORACLE_KEY), strata_string(ORACLE_VALUE));
    loop->torn += finding->report.torn;
    loop->threaded += life->threads > 1;
    loop->kills++;
}

static int one_life(struct life *life, struct rng *rng)
{
    struct kill_loop *loop = life->loop;
    bool aimed = loop->aimed || rng_below(rng, 2);
    struct finding finding;
    struct child child;

    life->seed = rng_next(rng);
    life->threads = 1;
    if (subject_promises(STRATA_PROMISE_THREADS))
        life->threads += (unsigned)rng_below(rng, THREADS_MAX);
    life->unsynced = loop->unsynced || rng_below(rng, 2);
    memset(life->acknowledged, 0, sizeof life->acknowledged);
    child_start(&child, writer, life);
    let_live(life, &child, rng, aimed);
    if (child_wait(&child) != 1000 + SIGKILL)
        return violation(life, "the writer ended before it was killed");
    for (unsigned i = 0; i < life->threads; i++)
        remake_writes(life, i);
    if (verify(life, &finding))
        return 1;
    note(life, &finding);
    return 0;
}

static void show_progress(const struct kill_loop *loop)
{
    if (loop->progress)
        fprintf(loop->progress,
                "\rkill %u of %u, %" PRIu64 " writes acknowledged, %u torn tails \033[K%s",
                loop->kills, loop->times, loop->acknowledged, loop->torn,
                loop->kills == loop->times ? "\r\033[K" : "");
}

/* A directory, and several writers one after another in it. */
static int one_directory(struct kill_loop *loop, struct rng *rng)
{
    struct life life = {.loop = loop, .dir = tmpdir_path(loop->root, "db-%u", loop->kills)};
    unsigned lives = 1 + (unsigned)rng_below(rng, LIVES_MAX);
    int bad = 0;

    while (lives-- && loop->kills < loop->times && !bad) {
        bad = one_life(&life, rng);
        show_progress(loop);
    }
    if (bad)
        free(life.dir);
    else
        tmpdir_del(life.dir);
    for (unsigned i = 0; i < THREADS_MAX; i++)
        history_free(&life.own[i]);
    history_free(&life.history);
    return bad;
}

int kill_loop_run(struct kill_loop *loop)
{
    struct rng rng;
    int bad = 0;

    rng_init(&rng, loop->seed);
    while (loop->kills < loop->times && !bad)
        bad = one_directory(loop, &rng);
    return bad;
}
