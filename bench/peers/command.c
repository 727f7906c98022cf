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

static int take_peer(struct turn *t, const char *name, const struct peer *peer, const char *package)
{
    char why[120];

    t->peer = peer;
    if (peer)
        return OK;
    snprintf(why, sizeof why, "not in this build: install %s and build again", package);
    peer_say(name, why);
    return OTHER;
}

static int take_engine(struct turn *t, const char *name)
{
    const struct peer *leveldb = NULL, *rocksdb = NULL;
    uint64_t stage;

#ifdef PEER_LEVELDB
    leveldb = &peer_leveldb;
#endif
#ifdef PEER_ROCKSDB
    rocksdb = &peer_rocksdb;
#endif
    if (strcmp(name, "leveldb") == 0)
        return take_peer(t, name, leveldb, "libleveldb-dev");
    if (strcmp(name, "rocksdb") == 0)
        return take_peer(t, name, rocksdb, "librocksdb-dev");
    if (!take_number(name, 1, 1000, &stage) || !is_stage(stage)) {
        peer_say(name, "neither leveldb nor rocksdb nor the number of a stage of this build; see "
                       "--help");
        return USAGE;
    }
    t->options.stage = (unsigned)stage;
    return take_peer(t, name, &peer_strata, "");
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
            peer_say(argv[i], "no option, or no value for it; see --help");
            return USAGE;
        }
    if (argc - i != 2 && !(t->about && argc - i == 1)) {
        peer_say("arguments", "an engine and a directory are wanted; see --help");
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
    if ((t->about ? t->peer->about(&t->options, stdout) : run(t)) < 0)
        return OTHER;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        peer_say("standard output", strerror(errno));
        return OTHER;
    }
    return OK;
}
