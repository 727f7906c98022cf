/* db_options.c: the options of a database, and which engine serves it. */
#include "db/db.h"
#include "db/marker.h"
#include "db/stages.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MIN_SEGMENT ((uint64_t)64)
#define MAX_SEGMENT ((uint64_t)1 << 32)
#define MIN_BLOCK ((size_t)256)
#define MAX_BLOCK ((size_t)1 << 20)
#define MAX_BLOOM_BITS 64
#define MIN_LEVEL ((uint64_t)1 << 10)
#define MIN_EVENTS ((uint64_t)8 << 10)
#define MIN_TABLE ((uint64_t)1 << 8)
#define MAX_TABLE ((uint64_t)1 << 32)
#define MAX_BACKGROUND 1

void strata_options_init_sized(struct strata_options *options, size_t size)
{
    struct strata_options defaults;

    /* The padding, too: a later header may have a field there. */
    memset(&defaults, 0, sizeof defaults);
    defaults.size = size;
    defaults.sync_interval_ms = 1000;
    defaults.sync_interval_bytes = 1u << 20;
    defaults.segment_bytes = (uint64_t)64 << 20;
    defaults.memtable_bytes = (size_t)64 << 20;
    defaults.cache_bytes = (size_t)256 << 20;
    defaults.block_bytes = 4096;
    defaults.bloom_bits_per_key = 10;
    defaults.level_bytes = (uint64_t)128 << 20;
    defaults.table_bytes = (uint64_t)8 << 20;
    defaults.event_log_bytes = (uint64_t)1 << 20;
    defaults.dynamic_levels = true;
    defaults.background_threads = 1;
    defaults.value_garbage = 50;
    memset(options, 0, size);
    memcpy(options, &defaults, size < sizeof defaults ? size : sizeof defaults);
}

const char *strata_version(void)
{
    return STRATA_VERSION;
}

int strata_stage_at(size_t index, struct strata_stage_info *info)
{
    for (size_t i = 0; strata_stages[i]; i++)
        if (i == index) {
            const struct strata_engine *engine = strata_stages[i];
            *info = (struct strata_stage_info){engine->stage, engine->name, engine->promises,
                                               engine->survives};
            return 0;
        }
    return STRATA_NOT_FOUND;
}

void strata_stage(const struct strata *db, struct strata_stage_info *info)
{
    *info = (struct strata_stage_info){db->engine->stage, db->engine->name, db->engine->promises,
                                       db->engine->survives};
}

void strata_env_log(const struct strata_env *env, enum strata_log_level level, const char *format,
                    ...)
{
    char message[500];
    va_list args;

    if (!env->options->log)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    env->options->log(env->options->log_arg, level, message);
}

void strata_env_warn(const struct strata_env *env, const struct strata_error *why,
                     const char *format, ...)
{
    char what[300], text[600];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    strata_env_log(env, STRATA_LOG_WARNING, "%s: %s", what,
                   strata_error_text(why, text, sizeof text));
}

/* ---- Which engine ---------------------------------------------------------------------- */

const struct strata_engine *db_newest_stage(void)
{
    size_t i = 0;
    while (strata_stages[i + 1])
        i++;
    return strata_stages[i];
}

static const struct strata_engine *find_stage(unsigned stage)
{
    for (size_t i = 0; strata_stages[i]; i++)
        if (strata_stages[i]->stage == stage)
            return strata_stages[i];
    return NULL;
}

static int no_such_stage(const char *file, unsigned stage, const char *who,
                         struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_WRONG_STAGE, file, STRATA_NO_OFFSET,
                       "stage %u %s, and this build has stages %u to %u", stage, who,
                       strata_stages[0]->stage, db_newest_stage()->stage);
}

int db_check_engine(const struct strata_engine *engine, struct strata_error *err)
{
    const char *lacks = NULL;
    bool fits = engine->size >= STRATA_ENGINE_SIZE_LEAST && engine->size <= sizeof *engine &&
                (engine->size - STRATA_ENGINE_SIZE_LEAST) % sizeof engine->tables == 0;
    if (!fits || engine->abi != STRATA_ENGINE_ABI)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "the engine's table has ABI %u and %zu bytes; this library needs %u "
                           "and %zu: build it against this strata_engine.h",
                           engine->abi, engine->size, STRATA_ENGINE_ABI, sizeof *engine);
    lacks = !engine->name || !engine->survives ? "name"
            : !engine->open                    ? "open"
            : !engine->close                   ? "close"
            : !engine->get                     ? "get"
            : !engine->write                   ? "write"
            : !engine->iter                    ? "iter"
                                               : NULL;
    return lacks ? strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                               "the engine's table lacks the required slot %s", lacks)
                 : 0;
}

int db_asked_engine(const struct strata_options *options, const struct strata_engine **engine,
                    struct strata_error *err)
{
    *engine = options->engine;
    if (*engine) {
        if (options->stage && options->stage != (*engine)->stage)
            return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                               "options.stage is %u and options.engine is of stage %u",
                               options->stage, (*engine)->stage);
        return db_check_engine(*engine, err);
    }
    if (options->stage) {
        *engine = find_stage(options->stage);
        if (!*engine)
            return no_such_stage(NULL, options->stage, "was asked for", err);
    }
    return 0;
}

static bool reads(const struct strata_engine *engine, const struct marker *marker)
{
    const struct strata_engine_format *older = DB_SLOT(engine, reads);

    for (; older && older->stage; older++)
        if (older->stage == marker->stage && older->format == marker->format)
            return true;
    return false;
}

static const struct strata_engine *find_reader(const struct marker *marker)
{
    for (size_t i = 0; strata_stages[i]; i++)
        if (reads(strata_stages[i], marker))
            return strata_stages[i];
    return NULL;
}

/* An earlier build wrote the directory: the error says what can be done. */
static int older_format(const char *dir, const struct marker *marker,
                        const struct strata_engine *own, struct strata_error *err)
{
    const struct strata_engine *reader = find_reader(marker);

    if (reader)
        return strata_fail(err, STRATA_ERR_WRONG_STAGE, dir, STRATA_NO_OFFSET,
                           "an earlier build wrote it as stage %u, format %u, and this build's %s "
                           "has format %u: %s can read it, not write it; `strata migrate DIR NEW "
                           "--to %u` makes a database of this build of it",
                           marker->stage, marker->format, own->name, own->format, reader->name,
                           reader->stage);
    return strata_fail(
        err, STRATA_ERR_WRONG_STAGE, dir, STRATA_NO_OFFSET,
        "an earlier build wrote it as stage %u, format %u, and this build's %s reads "
        "only format %u: `strata dump` it with the build that wrote it, and `strata "
        "load` the dump with this one",
        marker->stage, marker->format, own->name, own->format);
}

static int other_engine(const char *dir, const struct marker *marker,
                        const struct strata_engine *engine, struct strata_error *err)
{
    const struct strata_engine *own = find_stage(marker->stage);

    if (engine->stage == marker->stage)
        own = engine; /* it may be the caller's own */
    if (own && marker->format < own->format && (own == engine || reads(engine, marker)))
        return older_format(dir, marker, own, err);
    if (own != engine)
        return strata_fail(err, STRATA_ERR_WRONG_STAGE, dir, STRATA_NO_OFFSET,
                           "stage %u wrote this database, and stage %u was asked for",
                           marker->stage, engine->stage);
    return strata_fail(err, STRATA_ERR_CORRUPT, dir, STRATA_NO_OFFSET,
                       "its files have format version %u; this build's %s reads version %u",
                       marker->format, own->name, own->format);
}

int db_marked_engine(const char *dir, const struct marker *marker, bool older,
                     const struct strata_engine **engine, struct strata_error *err)
{
    const struct strata_engine *own = *engine ? *engine : find_stage(marker->stage);

    if (!own)
        return no_such_stage(dir, marker->stage, "wrote this database", err);
    if (older && !*engine && own->format != marker->format && find_reader(marker))
        own = find_reader(marker);
    *engine = own;
    if ((own->stage == marker->stage && own->format == marker->format) ||
        (older && reads(own, marker)))
        return 0;
    return other_engine(dir, marker, own, err);
}

/* ---- Options --------------------------------------------------------------------------- */

/* A numeric option that is out of range. */
static int out_of_range(const char *name, uint64_t value, const char *rule, uint64_t least,
                        uint64_t most, struct strata_error *err)
{
    return most == UINT64_MAX
               ? strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                             "options.%s is %llu; it must be %s %llu", name,
                             (unsigned long long)value, rule, (unsigned long long)least)
               : strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                             "options.%s is %llu; it must be %s %llu to %llu", name,
                             (unsigned long long)value, rule, (unsigned long long)least,
                             (unsigned long long)most);
}

static int check_numbers(const struct strata_options *options, struct strata_error *err)
{
    const struct {
        const char *name, *rule;
        uint64_t value, least, most;
        bool may_be_none;
    } numbers[] = {
        {"segment_bytes", "from", options->segment_bytes, MIN_SEGMENT, MAX_SEGMENT, false},
        {"block_bytes", "from", options->block_bytes, MIN_BLOCK, MAX_BLOCK, false},
        {"bloom_bits_per_key", "from", options->bloom_bits_per_key, 0, MAX_BLOOM_BITS, false},
        {"level_bytes", "at least", options->level_bytes, MIN_LEVEL, UINT64_MAX, false},
        {"event_log_bytes", "0 or at least", options->event_log_bytes, MIN_EVENTS, UINT64_MAX,
         true},
        {"table_bytes", "from", options->table_bytes, MIN_TABLE, MAX_TABLE, false},
        {"background_threads", "from", options->background_threads, 0, MAX_BACKGROUND, false},
        {"value_bytes", "from", options->value_bytes, 0, STRATA_MAX_VALUE, false},
        {"value_garbage", "from", options->value_garbage, 1, 100, false},
    };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        bool none = numbers[i].may_be_none && numbers[i].value == 0;
        if (!none && (numbers[i].value < numbers[i].least || numbers[i].value > numbers[i].most))
            return out_of_range(numbers[i].name, numbers[i].value, numbers[i].rule,
                                numbers[i].least, numbers[i].most, err);
    }
    return 0;
}

static int invalid(const char *what, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET, "%s", what);
}

static int check_options(const struct strata_options *options, struct strata_error *err)
{
    if (options->read_only && (options->create || options->exclusive))
        return invalid("read_only together with create or exclusive", err);
    if (options->exclusive && !options->create)
        return invalid("exclusive without create", err);
    if ((unsigned)options->sync > STRATA_SYNC_ALWAYS)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "options.sync is %d: no such policy", (int)options->sync);
    if ((unsigned)options->compaction > STRATA_COMPACTION_TIERED)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "options.compaction is %d: no such policy", (int)options->compaction);
    return check_numbers(options, err);
}

int db_take_options(struct strata *db, const struct strata_options *options,
                    struct strata_error *err)
{
    strata_options_init(&db->options);
    if (!options)
        return 0;
    if (options->size > sizeof *options || options->size < offsetof(struct strata_options, sync))
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "options.size is %zu: fill options with strata_options_init",
                           options->size);
    if (options->size < offsetof(struct strata_options, background_seed))
        db->options.background_threads = 0; /* its author has never heard of a thread */
    memcpy(&db->options, options, options->size);
    return check_options(&db->options, err);
}

int db_check_sync(const struct strata_engine *engine, enum strata_sync sync,
                  struct strata_error *err)
{
    if (sync <= STRATA_SYNC_NEVER || engine->promises & STRATA_PROMISE_POWER_CUT)
        return 0;
    return strata_fail(err, STRATA_ERR_NOT_SUPPORTED, NULL, STRATA_NO_OFFSET,
                       "%s has no synced writes", engine->name);
}

int db_resolve_sync(struct strata *db, struct strata_error *err)
{
    if (db->options.sync == STRATA_SYNC_DEFAULT)
        db->options.sync = db->engine->promises & STRATA_PROMISE_POWER_CUT ? STRATA_SYNC_ALWAYS
                                                                           : STRATA_SYNC_NEVER;
    return db_check_sync(db->engine, db->options.sync, err);
}
