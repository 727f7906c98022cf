/* command.c: the command line: options, the engine, which is a peer's name or a stage's number, and
 * its directory. */
#include "turn.h"

#include <errno.h>
#include <string.h>

bool take_number(const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
    *value = 0;
    for (; *text >= '0' && *text <= '9' && *value <= most; text++)
        *value = *value * 10 + (uint64_t)(*text - '0');
    return !*text && *value >= least && *value <= most;
}

static bool is_stage(uint64_t number)
{
    struct strata_stage_info info;

    for (size_t i = 0; strata_stage_at(i, &info) == 0; i++)
        if (info.stage == number)
            return true;
    return false;
}

static int take_peer(struct turn *t, const struct engine_about *peer)
{
    char why[120];

    t->engine = peer->engine;
    if (peer->engine)
        return OK;
    snprintf(why, sizeof why, "not in this build: install %s and build again", peer->package);
    turn_say(peer->name, why);
    return OTHER;
}

static int take_engine(struct turn *t, const char *name)
{
    uint64_t stage;

    for (const struct engine_about *p = engine_peers; p->name; p++)
        if (strcmp(name, p->name) == 0)
            return take_peer(t, p);
    if (!take_number(name, 1, 1000, &stage) || !is_stage(stage)) {
        turn_say(name, "neither leveldb nor rocksdb nor the number of a stage of this build; see "
                       "--help");
        return USAGE;
    }
    t->options.stage = (unsigned)stage;
    t->engine = &engine_strata;
    return OK;
}

static bool take_option(struct turn *t, const char *arg)
{
    if (strncmp(arg, "--num=", 6) == 0)
        return take_number(arg + 6, 100, 1000000000, &t->num);
    if (strncmp(arg, "--gets=", 7) == 0)
        return take_number(arg + 7, 100, 1000000000, &t->gets);
    if (strncmp(arg, "--label=", 8) == 0)
        return *(t->label = arg + 8);
    if (strcmp(arg, "--check_reads") == 0)
        return t->options.check_reads = true;
    if (strcmp(arg, "--about") == 0)
        return t->about = true;
    return false;
}

static int take_arguments(struct turn *t, int argc, char **argv,
                          bool (*take)(struct turn *t, const char *arg))
{
    int i = 1;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++)
        if (!take_option(t, argv[i]) && !take(t, argv[i])) {
            turn_say(argv[i], "no option, or no value for it; see --help");
            return USAGE;
        }
    if (argc - i != 2 && !(t->about && argc - i == 1)) {
        turn_say("arguments", "an engine and a directory are wanted; see --help");
        return USAGE;
    }
    t->root = argv[i + 1];
    return take_engine(t, argv[i]);
}

int turn_main(struct turn *t, int argc, char **argv, void (*help)(void),
              bool (*take)(struct turn *t, const char *arg), int (*run)(struct turn *t))
{
    int code;

    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return help(), OK;
    code = take_arguments(t, argc, argv, take);
    if (code != OK)
        return code;
    t->options.sync = STRATA_SYNC_NEVER;
    t->options.memtable_bytes = ENGINE_MEMTABLE;
    t->options.block_bytes = ENGINE_BLOCK;
    t->options.bloom_bits = ENGINE_BLOOM;
    if (t->about && t->engine->about(&t->options, stdout, &t->err) < 0)
        return turn_fail(t, "about"), OTHER;
    if (!t->about && run(t) < 0)
        return OTHER;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        turn_say("standard output", strerror(errno));
        return OTHER;
    }
    return OK;
}
