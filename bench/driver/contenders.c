/* contenders.c: which engines a run is about. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

static bool is_number(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

static int add_contender(struct settings *s, const struct contender *c)
{
    for (size_t i = 0; i < s->contender_count; i++)
        if (strcmp(s->contenders[i].name, c->name) == 0)
            return bench_say(BENCH_USAGE, "--engines: %s is named twice", c->name);
    if (s->contender_count == BENCH_CONTENDERS)
        return bench_say(BENCH_USAGE, "--engines: more than %d", BENCH_CONTENDERS);
    s->contenders[s->contender_count++] = *c;
    return BENCH_OK;
}

/* Those with this number; 0: every one. -1: there is none. */
static int add_stages(struct settings *s, unsigned number)
{
    struct contender c = {.engine = &engine_strata};
    int code = -1;

    for (size_t i = 0; code <= 0 && strata_stage_at(i, &c.stage) == 0; i++)
        if (!number || c.stage.stage == number) {
            c.name = c.stage.name;
            code = add_contender(s, &c);
        }
    return code;
}

unsigned stage_newest(void)
{
    struct strata_stage_info info = {0};

    for (size_t i = 0; strata_stage_at(i, &info) == 0;)
        i++;
    return info.stage;
}

int contenders_stage(struct settings *s, const char *text)
{
    bool all = strcmp(text, "all") == 0;
    double number = is_number(text) ? strtod(text, NULL) : 0;
    int code = -1;

    s->contender_count = 0;
    s->named = false;
    s->lenient = all;
    if (all || (number > 0 && number < 1e6))
        code = add_stages(s, all ? 0 : (unsigned)number);
    return code < 0
               ? bench_say(BENCH_USAGE,
                           "--stage: \"%s\" is not a stage of this build, nor \"all\"; see --help",
                           text)
               : code;
}

static int add_peer(struct settings *s, const struct engine_about *p)
{
    struct contender c = {.engine = p->engine, .name = p->name};

    if (!p->engine)
        return bench_say(BENCH_OTHER, "%s: not in this build: install %s and build again", p->name,
                         p->package);
    return add_contender(s, &c);
}

static int add_all(struct settings *s)
{
    int code = add_stages(s, stage_newest());

    for (const struct engine_about *p = engine_peers; p->name && code == BENCH_OK; p++)
        if (p->engine)
            code = add_peer(s, p);
    return code;
}

static int add_engine(struct settings *s, const char *name)
{
    int code = -1;

    if (strcmp(name, "all") == 0)
        return add_all(s);
    if (strcmp(name, "stages") == 0)
        return add_stages(s, 0);
    if (strcmp(name, "newest") == 0)
        return add_stages(s, stage_newest());
    for (const struct engine_about *p = engine_peers; p->name; p++)
        if (strcmp(name, p->name) == 0)
            return add_peer(s, p);
    if (is_number(name) && strlen(name) < 7 && strtod(name, NULL) > 0)
        code = add_stages(s, (unsigned)strtod(name, NULL));
    return code < 0 ? bench_say(BENCH_USAGE,
                                "--engines: \"%s\" is not an engine, nor the number of a stage of "
                                "this build; see --help",
                                name)
                    : code;
}

int contenders_engines(struct settings *s, const char *list)
{
    char name[40];
    int code = BENCH_OK;

    s->contender_count = 0;
    s->named = true;
    while (*list && code == BENCH_OK) {
        size_t size = strcspn(list, ",");
        snprintf(name, sizeof name, "%.*s", (int)(size < 39 ? size : 39), list);
        code = add_engine(s, name);
        list += size + (list[size] == ',');
    }
    s->lenient = s->contender_count > 1;
    if (code != BENCH_OK || s->contender_count)
        return code;
    return bench_say(BENCH_USAGE, "--engines: none are named");
}

int contenders_newest(struct settings *s)
{
    return add_stages(s, stage_newest());
}
