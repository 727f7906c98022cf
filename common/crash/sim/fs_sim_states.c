/* fs_sim_states.c: every state that a crash may leave.
 *     for each crash point of the trace at which something may differ (fs_sim_replay.c)
 *         for each choice of pending names           -> a namespace
 *             for each choice of what is left of the files that can be reached in it
 *                 hash; seen before? else build the file system and visit it (fs_sim_visit.c)
 * A crash point is before a call or a START, or at the end. An ACK is no crash point of its own:
 * the states before and after it have the same trees, and after it the oracle is stricter. */
#include "crash/sim/fs_sim_inside.h"
#include "crash/sim/fs_sim_visit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL_SUBSETS_UP_TO 5
#define COMBINATIONS_MAX 4096
#define PREFIX_EDGE 64
#define NAMES_LISTED                                                                               \
    4 /* if more than these and more than half are there, the missing ones are listed */
#define COUNTS_ROOM 50 /* bytes: " (N of N)" */
#define NAMES_ROOM (sizeof((struct fs_sim_explorer *)NULL)->names_text - COUNTS_ROOM)

/* ---- What is left of the files --------------------------------------------------------- */

static const struct fs_sim_pending *pending_of(const struct fs_sim_explorer *e, size_t file)
{
    return &e->replay.files[e->ids[file]];
}

/* Each choice of each file with each of the others. */
static int all_combinations(struct fs_sim_explorer *e, size_t file)
{
    int rc = 0;

    if (file == e->file_count)
        return fs_sim_visit_state(e);
    for (size_t i = 0; i < pending_of(e, file)->choice_count && rc == 0; i++) {
        e->picks[file] = i;
        rc = all_combinations(e, file + 1);
    }
    return rc;
}

/* Up to `most` of the files from number `first` on have another choice than the picked one. */
static int deviate(struct fs_sim_explorer *e, size_t first, unsigned most)
{
    int rc = 0;

    for (size_t file = first; file < e->file_count && rc == 0; file++) {
        size_t common = e->picks[file];
        for (size_t i = 0; i < pending_of(e, file)->choice_count && rc == 0; i++) {
            e->picks[file] = i;
            if (i != common)
                rc = fs_sim_visit_state(e);
            if (i != common && rc == 0 && most > 1)
                rc = deviate(e, file + 1, most - 1);
        }
        e->picks[file] = common;
    }
    return rc;
}

static bool was_cut(const struct fs_sim_explorer *e)
{
    for (size_t file = 0; file < e->file_count; file++)
        if (pending_of(e, file)->left[FS_SIM_LEFT_UNCUT] !=
            pending_of(e, file)->left[FS_SIM_LEFT_ALL])
            return true;
    return false;
}

/* The same for all, then some deviate. */
static int common_choices(struct fs_sim_explorer *e)
{
    int rc = 0;

    for (int left = 0; left < FS_SIM_LEFT_COUNT && rc == 0; left++) {
        if (left == FS_SIM_LEFT_UNCUT && !was_cut(e))
            continue;
        for (size_t file = 0; file < e->file_count; file++)
            e->picks[file] = pending_of(e, file)->left[left];
        rc = fs_sim_visit_state(e);
        if (rc == 0 && e->file_count > 1)
            rc = deviate(e, 0, e->plan.deviating);
    }
    return rc;
}

static bool few_combinations(const struct fs_sim_explorer *e)
{
    size_t product = 1;
    for (size_t file = 0; file < e->file_count && product <= COMBINATIONS_MAX; file++)
        product *= pending_of(e, file)->choice_count;
    return product <= COMBINATIONS_MAX;
}

/* How many operations are pending, of names and bytes. */
static size_t pending_operations(const struct fs_sim_explorer *e)
{
    size_t count = e->replay.name_count;
    for (size_t i = 0; i < e->replay.disk.count; i++)
        count += e->replay.files[i].count;
    return count;
}

/* A file that has no name, durable or pending, never gets one again: forget its bytes. */
static void forget_nameless(struct fs_sim_explorer *e)
{
    struct fs_sim_replay *replay = &e->replay;

    for (size_t i = 0; i < replay->disk.count; i++)
        replay->files[i].named = replay->disk.nodes[i] && replay->disk.nodes[i]->links > 0;
    for (size_t i = 0; i < replay->name_count; i++)
        for (unsigned c = 0; c < replay->names[i].record->change_count; c++) {
            uint32_t id = replay->names[i].record->changes[c].id;
            if (id != FS_SIM_NONE)
                replay->files[id].named = true;
        }
    for (size_t i = 0; i < replay->disk.count; i++)
        if (!replay->files[i].named)
            replay->files[i].count = 0;
}

static int make_choices(struct fs_sim_explorer *e)
{
    bool tiny = pending_operations(e) <= FS_SIM_TINY;
    int rc = 0;

    for (size_t i = 0; i < e->replay.disk.count && rc == 0; i++) {
        struct fs_sim_pending *pending = &e->replay.files[i];
        if (pending->count)
            rc = fs_sim_choices_make(pending, &e->replay.disk.nodes[i]->bytes, tiny);
        else
            fs_sim_choices_clear(pending);
    }
    return rc;
}

static int files_of(struct fs_sim_explorer *e, struct fs_sim_tree *names)
{
    int rc = fs_sim_visit_survey(e, names);

    if (rc < 0)
        return rc;
    if (e->file_count && (!e->replay.files[e->ids[0]].tiny || !few_combinations(e)))
        return common_choices(e);
    return all_combinations(e, 0);
}

/* ---- Which pending names are there ----------------------------------------------------- */

static void describe_name(struct fs_sim_explorer *e, size_t index, const char *before)
{
    const struct fs_sim_pending_name *name = &e->replay.names[index];
    const struct fs_sim_record *record = name->record;
    const char *half = name->count == record->change_count ? ""
                       : name->first == 0                  ? " (the new name)"
                                                           : " (the old name)";

    fs_sim_visit_text(e->names_text, NAMES_ROOM, "%s%s %s%s%s%s", before,
                      record->makes_file ? "create" : fs_call_name(record->call),
                      fs_sim_visit_base_name(record->path), record->to ? " to " : "",
                      record->to ? fs_sim_visit_base_name(record->to) : "", record->to ? half : "");
}

/* "names: create a.log, rename b.tmp to b (2 of 5)", "names: all but create a.log (4 of 5)" */
static void describe_names(struct fs_sim_explorer *e, const bool *chosen)
{
    size_t total = e->replay.name_count, count = 0;
    bool missing, listed;

    e->names_text[0] = 0;
    for (size_t i = 0; i < total; i++)
        count += chosen[i];
    if (total == 0)
        return;
    missing = count > NAMES_LISTED && 2 * count > total;
    listed = count > 0 && !(missing && count == total);
    fs_sim_visit_text(e->names_text, NAMES_ROOM, "names: %s",
                      count == 0 ? "none"
                      : !missing ? ""
                      : listed   ? "all but "
                                 : "all");
    for (size_t i = 0, shown = 0; i < total && listed; i++)
        if (chosen[i] != missing)
            describe_name(e, i, shown++ ? ", " : "");
    if (listed)
        snprintf(e->names_text + strlen(e->names_text), COUNTS_ROOM, " (%zu of %zu)", count, total);
    else
        snprintf(e->names_text + strlen(e->names_text), COUNTS_ROOM, " of %zu", total);
}

/* The namespace with the chosen changes, and all that can be in it. */
static int with_names(struct fs_sim_explorer *e, const bool *chosen)
{
    struct fs_sim_tree names;
    int rc = fs_sim_tree_copy(&e->replay.disk, true, &names);

    for (size_t i = 0; i < e->replay.name_count && rc == 0; i++)
        if (chosen[i])
            rc = fs_sim_replay_apply_name(&e->replay, i, &names);
    if (rc == 0) {
        describe_names(e, chosen);
        rc = files_of(e, &names);
    }
    fs_sim_tree_free(&names);
    return rc;
}

static int all_subsets(struct fs_sim_explorer *e, bool *chosen, size_t count)
{
    int rc = 0;
    for (unsigned subset = 0; subset < 1u << count && rc == 0; subset++) {
        for (size_t i = 0; i < count; i++)
            chosen[i] = subset >> i & 1;
        rc = with_names(e, chosen);
    }
    return rc;
}

static int prefixes(struct fs_sim_explorer *e, bool *chosen, size_t count)
{
    int rc = 0;
    for (size_t prefix = 0; prefix <= count && rc == 0; prefix++) {
        for (size_t i = 0; i < count; i++)
            chosen[i] = i < prefix;
        rc = with_names(e, chosen);
    }
    return rc;
}

/* One alone (`one`), or all but one. */
static int singles(struct fs_sim_explorer *e, bool *chosen, size_t count, bool one)
{
    int rc = 0;
    for (size_t single = 0; single < count && rc == 0; single++) {
        for (size_t i = 0; i < count; i++)
            chosen[i] = (i == single) == one;
        rc = with_names(e, chosen);
    }
    return rc;
}

static int power_cut(struct fs_sim_explorer *e)
{
    size_t count = e->replay.name_count;
    bool *chosen = malloc(count + 1);
    int rc;

    forget_nameless(e);
    rc = chosen ? make_choices(e) : -ENOMEM;
    if (rc == 0 && e->plan.model == FS_SIM_POSIX && count <= ALL_SUBSETS_UP_TO)
        rc = all_subsets(e, chosen, count);
    else if (rc == 0)
        rc = prefixes(e, chosen, count);
    if (rc == 0 && e->plan.model == FS_SIM_POSIX && count > ALL_SUBSETS_UP_TO) {
        rc = singles(e, chosen, count, true);
        if (rc == 0)
            rc = singles(e, chosen, count, false);
    }
    free(chosen);
    return rc;
}

/* ---- Kill ------------------------------------------------------------------------------ */

static int kill_whole(struct fs_sim_explorer *e)
{
    e->prefix_text = e->cut ? "nothing of the call" : "every call done";
    return files_of(e, &e->replay.disk);
}

/* The prefix after `prefix` that is looked at. */
static uint64_t next_prefix(const struct fs_sim_explorer *e, uint64_t prefix, uint64_t size)
{
    uint64_t limit = e->plan.prefix_limit, last = size - PREFIX_EDGE, next;

    if (limit == 0 || size <= limit || size <= 3 * PREFIX_EDGE || prefix < PREFIX_EDGE ||
        prefix >= last)
        return prefix + 1;
    next = prefix + (size - 2 * PREFIX_EDGE) / PREFIX_EDGE;
    return next < last ? next : last;
}

/* Of the write being made, each prefix but none (that was kill_whole) and all (that is the next
 * crash point). The file has one choice, which is that prefix. */
static int kill_prefixes(struct fs_sim_explorer *e)
{
    const struct fs_sim_bytes *before = &e->replay.disk.nodes[e->cut->id]->bytes;
    struct fs_sim_choice choice = {.name = ""};
    struct fs_sim_pending *pending = &e->replay.files[e->cut->id];
    char text[64];
    int rc;

    pending->choices = &choice;
    pending->choice_count = 1;
    rc = fs_sim_visit_survey(e, &e->replay.disk);
    e->prefix_text = text;
    for (uint64_t prefix = 1; prefix < e->cut->size && rc == 0;
         prefix = next_prefix(e, prefix, e->cut->size)) {
        snprintf(text, sizeof text, "%" PRIu64 " of %" PRIu64 " bytes", prefix, e->cut->size);
        choice.bytes = fs_sim_bytes_share(before);
        rc = fs_sim_record_apply(e->cut, prefix, &choice.bytes);
        if (rc == 0)
            rc = fs_sim_visit_state(e);
        fs_sim_bytes_free(&choice.bytes);
    }
    pending->choices = NULL;
    pending->choice_count = 0;
    e->prefix_text = NULL;
    return rc;
}

/* ---- Along the trace ------------------------------------------------------------------- */

/* All states of this crash point; or, if nothing can differ from the last one, their number again.
 */
static int crash_point(struct fs_sim_explorer *e)
{
    uint64_t ordinal = e->ordinal, states = e->totals->states;
    int rc;

    if (!e->changed) {
        e->ordinal += e->last_made;
        fs_sim_visit_count(e, e->last_states, 0, 0);
        return 0;
    }
    rc = e->plan.model == FS_SIM_KILL ? kill_whole(e) : power_cut(e);
    e->last_made = e->ordinal - ordinal;
    e->last_states = e->totals->states - states;
    e->changed = false;
    return rc;
}

static const struct fs_sim_record *next_call(const struct fs_sim_trace *trace, size_t index)
{
    while (index < trace->count && trace->records[index].kind != FS_SIM_CALL)
        index++;
    return index < trace->count ? &trace->records[index] : NULL;
}

/* What there is to look at before record `index` happens; the number of records: at the end. */
static int look_before(struct fs_sim_explorer *e, size_t index)
{
    const struct fs_sim_trace *trace = e->replay.trace;
    const struct fs_sim_record *record = index < trace->count ? &trace->records[index] : NULL;
    uint64_t call = record ? record->call_number : trace->calls + 1;
    int rc;

    if (call != e->call)
        e->ordinal = 0;
    e->call = call;
    e->cut = next_call(trace, index);
    if (call < e->plan.from || (record && record->kind == FS_SIM_ACK))
        return 0;
    if (e->plan.to && call > e->plan.to) {
        e->finished = true;
        return 0;
    }
    rc = crash_point(e);
    if (rc == 0 && e->plan.model == FS_SIM_KILL && record && record->effect == FS_SIM_WRITES)
        rc = kill_prefixes(e);
    return rc;
}

static int along(struct fs_sim_explorer *e)
{
    const struct fs_sim_trace *trace = e->replay.trace;
    int rc = 0;

    for (size_t i = 0; i <= trace->count && rc == 0 && !e->finished; i++) {
        rc = look_before(e, i);
        if (rc == 0 && i < trace->count)
            rc = fs_sim_replay_step(&e->replay, &trace->records[i], &e->changed);
    }
    return rc;
}

int fs_sim_states(struct strata_fs *fs, const struct fs_sim_plan *plan,
                  int (*visit)(void *arg, struct strata_fs *state, const struct fs_sim_state *info),
                  void *arg, struct fs_sim_totals *totals)
{
    struct fs_sim *sim = fs_sim_from(fs);
    struct fs_sim_explorer e = {
        .plan = *plan, .met = plan->met, .visit = visit, .arg = arg, .totals = totals};
    int rc;

    *totals = (struct fs_sim_totals){0};
    if (!sim->has_trace)
        return -EINVAL;
    if (e.plan.deviating == 0)
        e.plan.deviating = 1;
    e.changed = true;
    e.disk_bytes = sim->disk_bytes;
    e.clock_ns = sim->clock_ns;
    e.boot = sim->boot;
    rc = fs_sim_replay_init(&e.replay, &sim->trace, plan->model);
    if (rc == 0)
        rc = along(&e);
    fs_sim_replay_free(&e.replay);
    fs_sim_visit_free(&e);
    return rc;
}
