/* turns.c: all engines in turns, A B C A B C, so that a slow minute of the machine meets all of
 * them, each time in a process of its own. This first process opens no database. */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int wait_for(pid_t child, int *status)
{
    while (waitpid(child, status, 0) < 0)
        if (errno != EINTR)
            return bench_fail_sys("a process", errno);
    return BENCH_OK;
}

int turns_apart(int (*tell)(const void *arg, int to), const void *arg,
                void (*take)(void *result, int from), void *result)
{
    int ends[2], status;
    pid_t child;

    if (pipe(ends) < 0)
        return bench_fail_sys("a pipe", errno);
    fflush(stdout);
    child = fork();
    if (child < 0)
        return bench_fail_sys("a process", errno);
    if (child == 0)
        _exit(tell(arg, ends[1]));
    close(ends[1]);
    take(result, ends[0]);
    close(ends[0]);
    if (wait_for(child, &status) != BENCH_OK)
        return BENCH_OTHER;
    return WIFEXITED(status) ? WEXITSTATUS(status) : BENCH_OTHER;
}

/* ---- What engines say of themselves ---------------------------------------------------- */

struct asked {
    const struct settings *settings;
    const struct contender *contender;
};

static int say(const void *arg, int to)
{
    const struct asked *asked = arg;
    const struct settings *s = asked->settings;
    const struct contender *c = asked->contender;
    struct engine_options o = {.stage = c->stage.stage,
                               .sync = s->sync,
                               .plain = s->plain,
                               .check_reads = s->check_reads,
                               .mapped_reads = s->mapped_reads,
                               .no_background = s->no_background};
    struct strata_error err;
    FILE *stream = fdopen(to, "w");

    if (!stream)
        return bench_fail_sys("a pipe", errno);
    if (c->engine->about(&o, stream, &err) < 0)
        return bench_fail(&err, c->name);
    return fclose(stream) == 0 ? BENCH_OK : BENCH_IO;
}

static void take_about(void *result, int from)
{
    struct contender *c = result;

    message_take(from, c->about, sizeof c->about - 1);
    c->about[strcspn(c->about, "\n")] = '\0';
}

static int ask(const struct settings *s, struct contender *c)
{
    const struct asked asked = {s, c};
    return turns_apart(say, &asked, take_about, c);
}

int turns_ask(struct settings *s)
{
    int code = BENCH_OK;

    for (size_t i = 0; i < s->contender_count && code == BENCH_OK; i++)
        code = ask(s, &s->contenders[i]);
    return code;
}

/* ---- A turn ---------------------------------------------------------------------------- */

static int add(struct results *results, const struct result *one)
{
    if (results->count == results->capacity) {
        size_t capacity = results->capacity ? results->capacity * 2 : 64;
        struct result *more = realloc(results->list, capacity * sizeof *more);
        if (!more)
            return bench_fail_memory();
        results->list = more;
        results->capacity = capacity;
    }
    results->list[results->count++] = *one;
    return BENCH_OK;
}

/* The process that asks has closed the database; the one that is killed opens it. */
static int let_die(const struct settings *s, const char *root, const struct die *die)
{
    int status;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child < 0)
        return bench_fail_sys("a process", errno);
    if (child == 0)
        turn_die(s, root, die);
    if (wait_for(child, &status) != BENCH_OK)
        return BENCH_OTHER;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? BENCH_OK : BENCH_OTHER;
}

/* Takes what the turn's process tells until it ends. */
static int listen_to(const struct settings *s, const char *root, int from, struct results *results)
{
    static struct message message;
    int code = BENCH_OK, answer;

    while (code == BENCH_OK && message_take(from, &message, sizeof message)) {
        if (message.kind == MESSAGE_RESULT) {
            code = add(results, &message.result);
            continue;
        }
        answer = let_die(s, root, &message.die);
        if (!message_send(from, &answer, sizeof answer))
            code = BENCH_OTHER;
    }
    return code;
}

static int end_turn(pid_t child, const char *name)
{
    int status;

    if (wait_for(child, &status) != BENCH_OK)
        return BENCH_OTHER;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    return bench_say(BENCH_OTHER, "%s: its process was ended by signal %d", name, WTERMSIG(status));
}

static int run_turn(const struct settings *s, const char *root, size_t contender, uint64_t turn,
                    struct results *results)
{
    int ends[2], code, ended;
    pid_t child;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
        return bench_fail_sys("a socket", errno);
    fflush(stdout);
    child = fork();
    if (child < 0)
        return bench_fail_sys("a process", errno);
    if (child == 0) {
        bench_forward(0);
        close(ends[0]);
        code = turn_run(s, contender, root, turn, ends[1]);
        exit(code); /* so that a sanitizer has its say of leaks */
    }
    bench_forward(child);
    close(ends[1]);
    code = listen_to(s, root, ends[0], results);
    close(ends[0]);
    ended = end_turn(child, s->contenders[contender].name);
    bench_forward(0);
    return ended != BENCH_OK ? ended : code;
}

/* Other programs' work is in the figures of a turn that begins on a loaded machine. */
static void wait_until_quiet(const struct settings *s, double *patience, struct results *results)
{
    double idle;

    if (s->quiet <= 0)
        return;
    idle = os_wait_quiet(patience);
    if (results->looks++ == 0 || idle < results->least_idle)
        results->least_idle = idle;
    results->loaded += idle < OS_QUIET_IDLE;
}

int turns_run(const struct settings *s, const char *root, struct results *results)
{
    double patience = s->quiet;
    int code = BENCH_OK;

    for (uint64_t turn = 1; turn <= s->turns; turn++)
        for (size_t i = 0; i < s->contender_count && code == BENCH_OK; i++) {
            wait_until_quiet(s, &patience, results);
            code = bench_interrupted() ? BENCH_OTHER : run_turn(s, root, i, turn, results);
        }
    return code;
}
