/* specimen.c: see specimen.h. */
#define _POSIX_C_SOURCE 200809L
#include "specimen.h"

#include "inspect/inspect.h"
#include "crash/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "specimen: %s\n", what);
        exit(7);
    }
}

/* ---- Dumps ----------------------------------------------------------------------------- */

/* Writes the annotated dump to `to`, if there is one. True: it tells of damage. */
static bool dump(const struct part *part, struct strata_fs *fs, FILE *to)
{
    struct inspect in;
    struct fs_file *file;
    struct strata_error err;

    inspect_init(&in, to);
    in.quiet = !to;
    need(fs_open(fs, part->path, FS_READ, &file, &err) == 0, "a file cannot be opened");
    need(part->format->inspect(file, &in, &err) == 0, "a file cannot be inspected");
    fs_close(file, NULL);
    return in.damaged || in.torn;
}

bool part_is_damaged(const struct part *part, struct strata_fs *fs)
{
    return !part->format->inspect || dump(part, fs, NULL);
}

/* Takes the offsets out of the text of a dump: "record 3 @67". */
static void take_sections(struct part *part, char *text)
{
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        const char *at = strstr(line, " @");
        if (line[0] == ' ' || !at || strchr(at, ':'))
            continue;
        part->sections =
            realloc(part->sections, (part->section_count + 2) * sizeof *part->sections);
        need(part->sections, "out of memory");
        part->sections[part->section_count++] = strtoull(at + 2, NULL, 10);
        part->sections[part->section_count] = part->bytes.size;
    }
}

/* Of a format that cannot be inspected nothing is known: it is one section. */
static void find_sections(struct part *part, struct strata_fs *fs)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);

    need(to, "out of memory");
    if (!part->format->inspect)
        fprintf(to, "all of it @0\n");
    else
        need(!dump(part, fs, to), "an undamaged file is damaged");
    fclose(to);
    take_sections(part, text);
    free(text);
    need(part->section_count && part->sections[0] == 0, "inspect tells of no sections");
}

uint64_t part_section_end(const struct part *part, uint64_t at)
{
    size_t i = 0;
    while (i + 1 < part->section_count && part->sections[i + 1] <= at)
        i++;
    return part->sections[i + 1];
}

/* ---- The database ---------------------------------------------------------------------- */

static void free_part(struct part *part)
{
    for (size_t i = 0; i < part->older_count; i++)
        strata_buffer_free(&part->older[i]);
    free(part->older);
    strata_buffer_free(&part->bytes);
    free(part->sections);
    free(part->path);
}

/* The files as they were after each step. */
struct past {
    struct strata_fs **states;
    size_t count;
};

static bool same(const struct strata_buffer *a, const struct strata_buffer *b)
{
    return strata_compare(strata_buffer_slice(a), strata_buffer_slice(b)) == 0;
}

/* Takes the file's content in `state`, if there is any that is not known yet. */
static void take_older(struct part *part, struct strata_fs *state)
{
    struct strata_buffer bytes = {0};
    bool known = fs_sim_get(state, part->path, &bytes) < 0 || same(&bytes, &part->bytes);

    for (size_t i = 0; i < part->older_count && !known; i++)
        known = same(&bytes, &part->older[i]);
    if (known) {
        strata_buffer_free(&bytes);
        return;
    }
    part->older = realloc(part->older, (part->older_count + 1) * sizeof *part->older);
    need(part->older, "out of memory");
    part->older[part->older_count++] = bytes;
}

/* What was being made when the process was killed: nothing names it, and the next open removes it.
 */
static bool is_unfinished(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, ".tmp") == 0;
}

static void add_part(struct specimen *specimen, const struct past *past, const char *name)
{
    struct part *part = &specimen->parts[specimen->count];

    if (is_unfinished(name))
        return;
    *part = (struct part){.path = fs_join(SPECIMEN_DIR, name)};
    need(part->path, "out of memory");
    part->name = part->path + strlen(SPECIMEN_DIR) + 1;
    need(fs_sim_get(specimen->fs, part->path, &part->bytes) == 0, "a file cannot be read");
    if (part->bytes.size == 0) {
        free_part(part);
        return;
    }
    for (size_t i = 0; i < past->count; i++)
        take_older(part, past->states[i]);
    part->format = subject_format(part->name);
    if (!part->format) {
        fprintf(stderr, "specimen: the file %s has a name of no format in the engine's table\n",
                name);
        exit(7);
    }
    find_sections(part, specimen->fs);
    specimen->count++;
}

/* Does all steps; `past` is filled. */
static void run_all(struct script_run *run, struct past *past)
{
    const struct script *script = run->script;

    past->states = calloc(script->count + 1, sizeof *past->states);
    need(past->states, "out of memory");
    while (run->at < script->count) {
        need(script_step(run) == 0, run->err.message);
        past->states[past->count] = fs_sim_copy(run->fs);
        need(past->states[past->count++], "out of memory");
    }
}

static void past_free(struct past *past)
{
    for (size_t i = 0; i < past->count; i++)
        fs_free(past->states[i]);
    free(past->states);
}

/* What a stage that syncs has recorded: the close, all; the mark, what was synced; an engine of
 * one's own that leaves none, by each write, that those before it are safe. */
static uint64_t recorded(const struct script_run *run, enum specimen_end end)
{
    if (!(subject_info()->promises & STRATA_PROMISE_POWER_CUT))
        return 0;
    if (end == SPECIMEN_CLOSED)
        return run->acknowledged;
    if (!subject_object())
        return run->synced;
    return run->synced < run->acknowledged ? run->synced : run->acknowledged - 1;
}

static void list_parts(struct specimen *specimen, const struct past *past)
{
    struct fs_names names;

    need(fs_sim_paths(specimen->fs, SPECIMEN_DIR, &names) == 0, "the directory cannot be listed");
    specimen->parts = calloc(names.count, sizeof *specimen->parts);
    need(specimen->parts, "out of memory");
    for (size_t i = 0; i < names.count; i++)
        if (!strchr(names.names[i], '/'))
            add_part(specimen, past, names.names[i]);
    fs_names_free(&names);
}

void specimen_init(struct specimen *specimen, const struct script *script, enum specimen_end end)
{
    struct strata_fs *fs = fs_sim_new();
    struct past past = {0};
    struct script_run run;

    *specimen = (struct specimen){.script = script, .end = end};
    need(fs && fs_sim_put_directory(fs, "disk") == 0, "out of memory");
    subject_leave_unsynced(end == SPECIMEN_UNSYNCED);
    script_run_init(&run, script, fs, SPECIMEN_DIR, true);
    run_all(&run, &past);
    specimen->floor = recorded(&run, end);
    if (end != SPECIMEN_CLOSED)
        specimen->fs = fs_sim_copy(fs);
    need(script_close(&run) == 0, run.err.message);
    need(fs_sim_open_files(fs) == 0, "a closed database has open files");
    if (end == SPECIMEN_CLOSED)
        specimen->fs = fs_sim_copy(fs);
    need(specimen->fs, "out of memory");
    list_parts(specimen, &past);
    subject_leave_unsynced(false);
    past_free(&past);
    fs_free(fs);
}

void specimen_free(struct specimen *specimen)
{
    for (size_t i = 0; i < specimen->count; i++)
        free_part(&specimen->parts[i]);
    free(specimen->parts);
    fs_free(specimen->fs);
    *specimen = (struct specimen){0};
}

struct strata_fs *specimen_with(const struct specimen *specimen, const struct part *part,
                                struct strata_slice bytes)
{
    struct strata_fs *copy = fs_sim_copy(specimen->fs);
    need(copy && fs_sim_put(copy, part->path, bytes) == 0, "out of memory");
    return copy;
}
