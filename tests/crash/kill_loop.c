/* kill_loop.c: see kill_loop.h.
 *
 * The parent never opens a database. It knows every write that the writer can have issued, as
 * both make them from the same seed:
 *
 *   writer    START?(n)  put n  ACK(n)  START?(n+1)  put n+1  #kill
 *   parent    reads the pipe to its end: acknowledged = n, issued = n + 1
 *   verifier  oracle: n or n + 1; adds a write of its own, which the next writer builds on
 *
 * START is told for large values only, so that the parent can aim. */
#define _GNU_SOURCE
#include "kill_loop.h"

#include "child.h"
#include "rng.h"
#include "subject.h"
#include "tmpdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEYS 16
#define LIVES_MAX 5     /* writers in one directory */
#define WRITES_MAX 3000 /* of one writer; then it waits for its end */
#define LARGE_EVERY 60  /* writes, about */
#define LARGE_MIN ((size_t)256 << 10)
#define LARGE_SPAN ((size_t)3 << 20)

/* ---- What is written ------------------------------------------------------------------- */

/* Makes write number `n` of a writer, the same in both processes. */
struct feed {
    struct rng rng;
    uint8_t *large; /* LARGE_MIN + LARGE_SPAN bytes */
    struct strata_op op;
    char key[16];
    uint8_t small[200];
};

static void feed_init(struct feed *feed, uint64_t seed)
{
    rng_init(&feed->rng, seed);
    feed->large = malloc(LARGE_MIN + LARGE_SPAN);
    if (!feed->large)
        abort();
    for (size_t i = 0; i < LARGE_MIN + LARGE_SPAN; i++)
        feed->large[i] = (uint8_t)(i * 2654435761u >> 13);
}

static void feed_free(struct feed *feed)
{
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
    return strata_bytes(bytes, size);
}

static const struct strata_op *feed_next(struct feed *feed)
{
    uint64_t key = rng_below(&feed->rng, KEYS);
    int size = key ? snprintf(feed->key, sizeof feed->key, "key %02" PRIu64, key) : 0;

    feed->op.key = strata_bytes(feed->key, (size_t)size);
    feed->op.value = strata_bytes(NULL, 0);
    feed->op.type = rng_below(&feed->rng, 4) ? STRATA_OP_PUT : STRATA_OP_DELETE;
    if (feed->op.type == STRATA_OP_PUT)
        feed->op.value = feed_value(feed);
    return &feed->op;
}

static bool is_large(const struct strata_op *op)
{
    return op->value.size >= LARGE_MIN;
}

/* ---- The writer ------------------------------------------------------------------------ */

enum word { WORD_ACK, WORD_START };

struct message {
    uint32_t word, n; /* of this writer's writes, from 1 */
};

/* One message is one write of a few bytes: the pipe has all of it or nothing. */
static void tell(int fd, enum word word, uint32_t n)
{
    struct message message = {word, n};
    if (write(fd, &message, sizeof message) != (ssize_t)sizeof message)
        _exit(2); /* the parent is gone */
}

struct life {
    struct kill_loop *loop;
    char *dir;
    uint64_t seed;          /* of the writer */
    struct history history; /* of the directory: before this writer, then with its writes */
    struct oracle_report report;
};

static int writer_failed(const struct strata_error *err)
{
    char text[600];
    fprintf(stderr, "kill: the writer: %s\n", strata_error_text(err, text, sizeof text));
    return 1;
}

static int writer(struct child *self, void *arg)
{
    const struct life *life = arg;
    struct strata_error err = {0};
    struct strata *db;
    struct feed feed;

    feed_init(&feed, life->seed);
    if (subject_open(NULL, life->dir, true, &db, &err) < 0)
        return writer_failed(&err);
    for (uint32_t n = 1; n <= WRITES_MAX; n++) {
        const struct strata_op *op = feed_next(&feed);
        int rc;
        if (is_large(op))
            tell(self->to, WORD_START, n);
        rc = op->type == STRATA_OP_PUT ? strata_put(db, op->key, op->value, &err)
                                       : strata_delete(db, op->key, &err);
        if (rc < 0)
            return writer_failed(&err);
        tell(self->to, WORD_ACK, n);
    }
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

/* Until the `n`th large value begins. Returns how many writes are acknowledged. */
static uint32_t wait_for_large(int fd, uint64_t n)
{
    struct message message;
    uint32_t acknowledged = 0;
    while (n && hear(fd, &message)) {
        if (message.word == WORD_ACK)
            acknowledged = message.n;
        else
            n--;
    }
    return acknowledged;
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

static uint32_t wait_for_writes(int fd, uint32_t n)
{
    struct message message;
    uint32_t acknowledged = 0;
    while (acknowledged < n && hear(fd, &message))
        if (message.word == WORD_ACK)
            acknowledged = message.n;
    return acknowledged;
}

/* Kills the writer at a random moment: returns how many writes it acknowledged. */
static uint32_t let_live(const char *dir, struct child *child, struct rng *rng, bool aimed)
{
    uint32_t acknowledged = 0;
    struct message message;

    if (aimed) {
        acknowledged = wait_for_large(child->from, 1 + rng_below(rng, 4));
        if (rng_below(rng, 2))
            wait_for_growth(dir, child->from); /* in the middle of its write */
        else
            pause_ns(rng_below(rng, 1500000)); /* anywhere: 3 MiB take one or two ms */
    } else if (rng_below(rng, 4)) {
        acknowledged = wait_for_writes(child->from, (uint32_t)rng_below(rng, WRITES_MAX / 4));
        pause_ns(rng_below(rng, 100000));
    } else { /* while it is being opened */
        pause_ns(rng_below(rng, 2000000));
    }
    kill(child->pid, SIGKILL);
    while (hear(child->from, &message))
        if (message.word == WORD_ACK)
            acknowledged = message.n;
    return acknowledged;
}

/* ---- What is left of it ---------------------------------------------------------------- */

/* The verifier: another process, so that nothing the writer or the parent has helps it. */
static int verifier(struct child *self, void *arg)
{
    struct life *life = arg;
    size_t issued = life->history.count;
    struct oracle oracle = {
        .dir = life->dir, .history = &life->history, .floor = life->report.n, .issued = issued};
    int bad = oracle_check(&oracle, &life->report);
    ssize_t done = write(self->to, &life->report, sizeof life->report);
    return done == (ssize_t)sizeof life->report ? bad : 2;
}

static int violation(struct life *life, const char *what)
{
    struct kill_loop *loop = life->loop;
    loop->violations++;
    snprintf(loop->what, sizeof loop->what, "%s; the database is kept: %s", what, life->dir);
    return 1;
}

static int verify(struct life *life, size_t floor)
{
    struct child child;
    ssize_t got;
    int rc;

    life->report.n = floor;
    child_start(&child, verifier, life);
    got = read(child.from, &life->report, sizeof life->report);
    rc = child_wait(&child);
    if (got != (ssize_t)sizeof life->report || rc > 1)
        return violation(life, "the verifier died");
    return rc ? violation(life, life->report.what) : 0;
}

/* ---- The loop -------------------------------------------------------------------------- */

/* Adds what the writer may have issued to the history: one write beyond the acknowledged. */
static void add_writes(struct life *life, uint32_t acknowledged)
{
    struct feed feed;
    feed_init(&feed, life->seed);
    for (uint32_t n = 1; n <= acknowledged + 1 && n <= WRITES_MAX; n++) {
        const struct strata_op *op = feed_next(&feed);
        if (op->type == STRATA_OP_PUT)
            history_put(&life->history, op->key, op->value);
        else
            history_delete(&life->history, op->key);
    }
    feed_free(&feed);
}

static int one_life(struct life *life, struct rng *rng)
{
    struct kill_loop *loop = life->loop;
    size_t before = life->history.count;
    struct child child;
    uint32_t acknowledged;
    bool aimed = loop->aimed || rng_below(rng, 2);

    life->seed = rng_next(rng);
    child_start(&child, writer, life);
    acknowledged = let_live(life->dir, &child, rng, aimed);
    if (child_wait(&child) != 1000 + SIGKILL)
        return violation(life, "the writer ended before it was killed");
    add_writes(life, acknowledged);
    if (verify(life, before + acknowledged))
        return 1;
    loop->kills++;
    loop->torn += life->report.torn;
    loop->acknowledged += acknowledged;
    loop->recovered += life->report.n - before;
    history_cut(&life->history, (size_t)life->report.n);
    history_put(&life->history, strata_string(ORACLE_KEY), strata_string(ORACLE_VALUE));
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
