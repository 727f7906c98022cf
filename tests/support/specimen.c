/* specimen.c: see specimen.h. */
#define _POSIX_C_SOURCE 200809L
#include "specimen.h"

#include "inspect.h"
#include "subject.h"

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
    return dump(part, fs, NULL);
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

static void find_sections(struct part *part, struct strata_fs *fs)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);

    need(to, "out of memory");
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

/* Does the script's steps up to number `steps`, and closes. */
static void run_to(struct script_run *run, size_t steps)
{
    int rc = 0;
    while (rc == 0 && run->at < steps)
        rc = script_step(run);
    need(rc == 0, run->err.message);
    need(script_close(run) == 0, run->err.message);
    need(fs_sim_open_files(run->fs) == 0, "a closed database has open files");
}

static void free_part(struct part *part)
{
    strata_buffer_free(&part->bytes);
    strata_buffer_free(&part->older);
    free(part->sections);
    free(part->path);
}

static void add_part(struct specimen *specimen, struct strata_fs *older, const char *name)
{
    struct part *part = &specimen->parts[specimen->count];

    *part = (struct part){.path = fs_join(SPECIMEN_DIR, name)};
    need(part->path, "out of memory");
    part->name = part->path + strlen(SPECIMEN_DIR) + 1;
    need(fs_sim_get(specimen->fs, part->path, &part->bytes) == 0, "a file cannot be read");
    if (part->bytes.size == 0) {
        free_part(part);
        return;
    }
    if (fs_sim_get(older, part->path, &part->older) < 0)
        strata_buffer_clear(&part->older);
    part->format = subject_format(part->name);
    need(part->format, "a file has no format");
    find_sections(part, specimen->fs);
    specimen->count++;
}

void specimen_init(struct specimen *specimen, const struct script *script)
{
    struct strata_fs *older;
    struct script_run run;
    struct fs_names names;

    *specimen = (struct specimen){.fs = fs_sim_new(), .script = script};
    need(specimen->fs && fs_sim_put_directory(specimen->fs, "disk") == 0, "out of memory");
    script_run_init(&run, script, specimen->fs, SPECIMEN_DIR, true);
    run_to(&run, script->count / 2);
    older = fs_sim_copy(specimen->fs);
    need(older, "out of memory");
    run_to(&run, script->count);
    need(fs_sim_paths(specimen->fs, SPECIMEN_DIR, &names) == 0, "the directory cannot be listed");
    specimen->parts = calloc(names.count, sizeof *specimen->parts);
    need(specimen->parts, "out of memory");
    for (size_t i = 0; i < names.count; i++)
        if (!strchr(names.names[i], '/'))
            add_part(specimen, older, names.names[i]);
    fs_names_free(&names);
    fs_free(older);
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
