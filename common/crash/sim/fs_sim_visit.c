/* fs_sim_visit.c: one state of a crash.
 *
 * A state is known by hash before it is built: the namespace is walked once (the survey), and
 * summed up but for the files with choices; the choice of each adds to that sum.
 *
 * I1: a state gets its ordinal before anything decides whether to look at it, so the ordinal
 *     depends on the trace, the model and the call only.
 * I2: the hash summed here is fs_sim_hash_of what build() makes. */
#include "crash/sim/fs_sim_inside.h"
#include "crash/sim/fs_sim_visit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* ---- Which states were seen ------------------------------------------------------------ */

static bool is_free(const struct fs_sim_hash *key)
{
    return key->low == 0 && key->high == 0;
}

static struct fs_sim_hash *probe(const struct fs_sim_seen *seen, struct fs_sim_hash key)
{
    size_t mask = seen->capacity - 1, at = (size_t)key.low & mask;
    while (!is_free(&seen->keys[at]) &&
           (seen->keys[at].low != key.low || seen->keys[at].high != key.high))
        at = (at + 1) & mask;
    return &seen->keys[at];
}

static int seen_grow(struct fs_sim_seen *seen)
{
    struct fs_sim_seen bigger = {NULL, seen->capacity ? 2 * seen->capacity : 256, seen->count};

    bigger.keys = calloc(bigger.capacity, sizeof *bigger.keys);
    if (!bigger.keys)
        return -ENOMEM;
    for (size_t i = 0; i < seen->capacity; i++)
        if (!is_free(&seen->keys[i]))
            *probe(&bigger, seen->keys[i]) = seen->keys[i];
    free(seen->keys);
    *seen = bigger;
    return 0;
}

/* 1: new, 0: seen before, or -ENOMEM. */
static int seen_add(struct fs_sim_seen *seen, struct fs_sim_hash key)
{
    struct fs_sim_hash *at;

    key.low |= 1;
    if (2 * seen->count >= seen->capacity && seen_grow(seen) < 0)
        return -ENOMEM;
    at = probe(seen, key);
    if (!is_free(at))
        return 0;
    *at = key;
    seen->count++;
    return 1;
}

/* The tree alone is not all: the oracle asks for more after an ACK. */
static int seen_state(struct fs_sim_seen *seen, const struct fs_sim_state *info)
{
    uint64_t words[5] = {info->hash.low, info->hash.high, info->issued, info->acked, info->synced};
    XXH128_hash_t mixed = XXH3_128bits(words, sizeof words);

    return seen_add(seen, (struct fs_sim_hash){mixed.low64, mixed.high64});
}

struct fs_sim_met *fs_sim_met_new(void)
{
    return calloc(1, sizeof(struct fs_sim_met));
}

void fs_sim_met_free(struct fs_sim_met *met)
{
    if (!met)
        return;
    free(met->trees.keys);
    free(met->shapes.keys);
    free(met);
}

/* 1: neither the tree nor the shape was met before. */
static int meet(struct fs_sim_met *met, struct fs_sim_hash tree, struct fs_sim_hash shape)
{
    int new_tree = seen_add(&met->trees, tree);
    int new_shape = new_tree < 0 ? new_tree : seen_add(&met->shapes, shape);

    return new_shape < 0 ? new_shape : new_tree && new_shape;
}

/* ---- The files with choices in a namespace --------------------------------------------- */

static void *grow(void *array, size_t *capacity, size_t element)
{
    size_t more = *capacity ? 2 * *capacity : 8;
    void *bigger = realloc(array, more * element);
    if (bigger)
        *capacity = more;
    return bigger;
}

static int add_file(struct fs_sim_explorer *e, uint32_t id)
{
    if (e->file_count == e->file_capacity) {
        size_t capacity = e->file_capacity;
        uint32_t *ids = grow(e->ids, &capacity, sizeof *ids);
        size_t *picks;
        if (!ids)
            return -ENOMEM;
        e->ids = ids;
        picks = realloc(e->picks, capacity * sizeof *picks);
        if (!picks)
            return -ENOMEM;
        e->picks = picks;
        e->file_capacity = capacity;
    }
    e->picks[e->file_count] = 0;
    e->ids[e->file_count++] = id;
    e->slots[id] = e->file_count;
    return 0;
}

static int add_occurrence(struct fs_sim_explorer *e, uint32_t id, uint64_t path_hash)
{
    if (e->occurrence_count == e->occurrence_capacity) {
        struct fs_sim_occurrence *more =
            grow(e->occurrences, &e->occurrence_capacity, sizeof *more);
        if (!more)
            return -ENOMEM;
        e->occurrences = more;
    }
    e->occurrences[e->occurrence_count++] = (struct fs_sim_occurrence){path_hash, e->slots[id] - 1};
    return 0;
}

static struct fs_sim_hash shape_of(const struct fs_sim_bytes *bytes)
{
    return (struct fs_sim_hash){bytes->shape, bytes->size};
}

static int survey_step(void *arg, const struct fs_sim_step *step)
{
    struct fs_sim_explorer *e = arg;
    struct fs_sim_hash content = {0, 0}, shape = {0, 0};

    if (!step->directory && e->replay.files[step->id].choice_count) {
        if (!e->slots[step->id] && add_file(e, step->id) < 0)
            return -ENOMEM;
        return add_occurrence(e, step->id, step->path_hash);
    }
    if (!step->directory) {
        content = fs_sim_bytes_hash(&e->replay.disk.nodes[step->id]->bytes);
        shape = shape_of(&e->replay.disk.nodes[step->id]->bytes);
    }
    fs_sim_hash_add(&e->sum, fs_sim_tree_mix(step->path_hash, step->directory, content));
    fs_sim_hash_add(&e->shape, fs_sim_tree_mix(step->path_hash, step->directory, shape));
    return 0;
}

/* Tables by id, for as many ids as there are now. */
static int reserve_ids(struct fs_sim_explorer *e)
{
    size_t count = e->replay.disk.count;
    size_t *slots;
    uint32_t *ids;

    if (count <= e->slot_count)
        return 0;
    count += count / 2;
    slots = realloc(e->slots, count * sizeof *slots);
    if (!slots)
        return -ENOMEM;
    e->slots = slots;
    memset(slots + e->slot_count, 0, (count - e->slot_count) * sizeof *slots);
    ids = realloc(e->made_ids, count * sizeof *ids);
    if (!ids)
        return -ENOMEM;
    e->made_ids = ids;
    e->slot_count = count;
    return 0;
}

int fs_sim_visit_survey(struct fs_sim_explorer *e, struct fs_sim_tree *names)
{
    int rc = reserve_ids(e);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < e->file_count; i++)
        e->slots[e->ids[i]] = 0;
    e->names = names;
    e->sum = e->shape = (struct fs_sim_hash){0, 0};
    e->file_count = e->occurrence_count = 0;
    return fs_sim_tree_walk(names, survey_step, e);
}

/* ---- One state ------------------------------------------------------------------------- */

static struct fs_sim_choice *picked(const struct fs_sim_explorer *e, size_t file)
{
    return &e->replay.files[e->ids[file]].choices[e->picks[file]];
}

static struct fs_sim_hash hash_picked(const struct fs_sim_explorer *e, struct fs_sim_hash *shape)
{
    struct fs_sim_hash sum = e->sum;

    *shape = e->shape;
    for (size_t i = 0; i < e->occurrence_count; i++) {
        const struct fs_sim_occurrence *o = &e->occurrences[i];
        struct fs_sim_bytes *bytes = &picked(e, o->file)->bytes;
        fs_sim_hash_add(&sum, fs_sim_tree_mix(o->path_hash, false, fs_sim_bytes_hash(bytes)));
        fs_sim_hash_add(shape, fs_sim_tree_mix(o->path_hash, false, shape_of(bytes)));
    }
    return sum;
}

static int build_step(void *arg, const struct fs_sim_step *step)
{
    struct fs_sim_explorer *e = arg;
    struct fs_sim_tree *tree = &e->made->tree;
    uint32_t *id = &e->made_ids[step->id];
    int rc = 0;

    if (*id == FS_SIM_NONE) {
        rc = fs_sim_tree_new(tree, step->directory, id);
        if (rc == 0 && !step->directory) {
            size_t slot = e->slots[step->id];
            const struct fs_sim_bytes *bytes =
                slot ? &picked(e, slot - 1)->bytes : &e->replay.disk.nodes[step->id]->bytes;
            tree->nodes[*id]->bytes = fs_sim_bytes_share(bytes);
            e->made->used_bytes += bytes->size;
        }
    }
    return rc < 0 ? rc : fs_sim_tree_set(tree, e->made_ids[step->dir], step->name, *id);
}

/* The file system of the namespace and the picked choices, or NULL. */
static struct strata_fs *build(struct fs_sim_explorer *e)
{
    struct strata_fs *fs = fs_sim_new();

    if (!fs)
        return NULL;
    e->made = fs_sim_from(fs);
    e->made->disk_bytes = e->disk_bytes;
    e->made->clock_ns = e->clock_ns;
    e->made->boot = e->boot + (e->plan.model != FS_SIM_KILL);
    for (size_t i = 0; i < e->replay.disk.count; i++)
        e->made_ids[i] = FS_SIM_NONE;
    e->made_ids[FS_SIM_ROOT] = FS_SIM_ROOT;
    if (fs_sim_tree_walk(e->names, build_step, e) < 0) {
        fs_free(fs);
        return NULL;
    }
    return fs;
}

const char *fs_sim_visit_base_name(const struct fs_sim_text *path)
{
    const char *slash = strrchr(path->string, '/');
    return slash && slash[1] ? slash + 1 : path->string;
}

static const char *file_name(const struct fs_sim_explorer *e, size_t file)
{
    return fs_sim_visit_base_name(e->replay.files[e->ids[file]].operations[0]->path);
}

void fs_sim_visit_text(char *to, size_t capacity, const char *format, ...)
{
    static const char more[] = "...";
    size_t length = strlen(to), room = capacity - length;
    va_list args;
    int size;

    if (length >= sizeof more - 1 && strcmp(to + length - (sizeof more - 1), more) == 0)
        return;
    va_start(args, format);
    size = vsnprintf(to + length, room, format, args);
    va_end(args);
    if (size < 0 || (size_t)size + sizeof more > room)
        snprintf(to + length, room, "%s", more);
}

/* How many files have the same choice, by its name, as number `file`. */
static size_t alike(const struct fs_sim_explorer *e, size_t file)
{
    size_t count = 0;
    for (size_t i = 0; i < e->file_count; i++)
        count += strcmp(picked(e, i)->name, picked(e, file)->name) == 0;
    return count;
}

/* "a.log: half; others: all": what most have is "others". */
static void describe(const struct fs_sim_explorer *e, char *text, size_t capacity)
{
    size_t most = 0;

    snprintf(text, capacity, "%s", e->prefix_text ? e->prefix_text : e->names_text);
    if (e->prefix_text || e->file_count == 0)
        return;
    for (size_t i = 1; i < e->file_count; i++)
        if (alike(e, i) > alike(e, most))
            most = i;
    for (size_t i = 0; i < e->file_count; i++)
        if (e->file_count == 1 || alike(e, most) == 1 ||
            strcmp(picked(e, i)->name, picked(e, most)->name) != 0)
            fs_sim_visit_text(text, capacity, "%s%s: %s", *text ? "; " : "", file_name(e, i),
                              picked(e, i)->name);
    if (e->file_count > 1 && alike(e, most) > 1)
        fs_sim_visit_text(text, capacity, "%s%s: %s", *text ? "; " : "",
                          alike(e, most) == e->file_count ? "unsynced files" : "others",
                          picked(e, most)->name);
}

static int build_and_visit(struct fs_sim_explorer *e, struct fs_sim_state *info)
{
    char text[FS_SIM_CHOICE_BYTES];
    struct strata_fs *state = build(e);
    int rc;

    if (!state)
        return -ENOMEM;
    describe(e, text, sizeof text);
    if (!*text)
        snprintf(text, sizeof text, "nothing was pending");
    info->choice = text;
    rc = e->visit(e->arg, state, info);
    fs_free(state);
    return rc;
}

void fs_sim_visit_count(struct fs_sim_explorer *e, uint64_t states, uint64_t distinct,
                        uint64_t fresh)
{
    e->totals->fresh += fresh;
    e->totals->states += states;
    e->totals->distinct += distinct;
    e->totals->duplicates += states - distinct;
    if (e->plan.cuts && e->call <= e->plan.cut_count) {
        e->plan.cuts[e->call - 1].states += states;
        e->plan.cuts[e->call - 1].distinct += distinct;
        e->plan.cuts[e->call - 1].fresh += fresh;
    }
}

/* Whether the sampling takes the state with this ordinal. */
static bool sampled(const struct fs_sim_explorer *e, uint64_t ordinal)
{
    uint64_t words[2] = {e->call, ordinal};
    return e->plan.stride < 2 ||
           XXH3_64bits_withSeed(words, sizeof words, e->plan.seed) % e->plan.stride == 0;
}

/* Looks at the state that the picks make. */
int fs_sim_visit_state(struct fs_sim_explorer *e)
{
    struct fs_sim_state info = {
        .call = e->call,
        .kind = e->cut ? e->cut->call : FS_CALL_COUNT,
        .path = e->cut && e->cut->path ? e->cut->path->string : "",
        .ordinal = e->ordinal++, /* I1 */
        .issued = e->replay.marks.issued,
        .acked = e->replay.marks.acked,
        .synced = e->replay.marks.synced,
    };
    struct fs_sim_hash shape;
    int rc, fresh = 0;

    if (!sampled(e, info.ordinal))
        return 0;
    info.hash = hash_picked(e, &shape);
    rc = seen_state(&e->seen, &info);
    if (rc == 1)
        fresh = meet(e->met ? e->met : &e->own, info.hash, shape);
    if (rc < 0 || fresh < 0)
        return -ENOMEM;
    info.fresh = fresh;
    fs_sim_visit_count(e, 1, (uint64_t)rc, (uint64_t)fresh);
    return rc ? build_and_visit(e, &info) : 0;
}

void fs_sim_visit_free(struct fs_sim_explorer *e)
{
    free(e->seen.keys);
    free(e->own.trees.keys);
    free(e->own.shapes.keys);
    free(e->ids);
    free(e->picks);
    free(e->occurrences);
    free(e->slots);
    free(e->made_ids);
}
