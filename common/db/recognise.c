/* recognise.c: see recognise.h.
 *
 * A file fits a stage iff its name is that of one of the stage's formats, its first bytes are not
 * the magic of another format, and the stage does not say that it cannot read it. Stages share
 * formats (the log of stage 3 is that of 4 and 5), so a directory may fit several. Most of these
 * stages can be ruled out: if a stage has a file that names the others (CURRENT), every database of
 * the stage has it. */
#define FS_NO_SITES /* it only reads, and no engine calls it */
#include "db/recognise.h"
#include "db/db.h"
#include "db/stages.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC 8 /* bytes */

struct seen {
    const char *name; /* borrowed */
    uint8_t magic[MAGIC];
    bool known;       /* it is the magic of some format */
    uint64_t refused; /* bits of the stages that say they cannot read it */
};

struct files {
    struct fs_names names;
    struct seen *seen; /* of the names that a stage claims */
    size_t count;
};

/* ---- Names and first bytes ------------------------------------------------------------- */

static bool has_name(const struct strata_format *format, const char *name)
{
    return fnmatch(format->glob, name, 0) == 0;
}

static bool has_file_named(const struct strata_engine *engine, const char *name)
{
    for (const struct strata_format *const *f = engine->formats; f && *f; f++)
        if (has_name(*f, name))
            return true;
    return false;
}

bool recognise_name(const struct strata_engine *asked, const char *name)
{
    for (size_t i = 0; strata_stages[i]; i++)
        if (has_file_named(strata_stages[i], name))
            return true;
    return asked && has_file_named(asked, name);
}

static uint64_t bit_of(const struct strata_engine *engine)
{
    return (uint64_t)1 << engine->stage % 64;
}

static bool fits(const struct strata_engine *engine, const struct seen *seen)
{
    if (seen->refused & bit_of(engine))
        return false;
    for (const struct strata_format *const *f = engine->formats; f && *f; f++)
        if (has_name(*f, seen->name) &&
            (!seen->known || memcmp((*f)->magic, seen->magic, MAGIC) == 0))
            return true;
    return false;
}

static bool knows_magic(const struct strata_engine *engine, const uint8_t magic[MAGIC])
{
    for (const struct strata_format *const *f = engine->formats; f && *f; f++)
        if (memcmp((*f)->magic, magic, MAGIC) == 0)
            return true;
    return false;
}

static bool is_known(const struct strata_engine *asked, const uint8_t magic[MAGIC])
{
    for (size_t i = 0; strata_stages[i]; i++)
        if (knows_magic(strata_stages[i], magic))
            return true;
    return asked && knows_magic(asked, magic);
}

/* ---- A directory ----------------------------------------------------------------------- */

static int read_magic(struct strata_fs *fs, const char *dir, struct seen *seen,
                      struct strata_error *err)
{
    char *path = fs_join(dir, seen->name);
    struct fs_file *file;
    size_t got;
    int rc = path ? fs_open(fs, path, FS_READ, &file, err) : strata_fail_memory(err, 64);

    if (rc == 0) {
        rc = fs_read_at(file, 0, seen->magic, MAGIC, &got, err);
        for (size_t i = 0; strata_stages[i]; i++)
            if (DB_SLOT(strata_stages[i], can_read) && !strata_stages[i]->can_read(file))
                seen->refused |= bit_of(strata_stages[i]);
        fs_close(file, NULL);
    }
    free(path);
    return rc;
}

static void files_free(struct files *files)
{
    fs_names_free(&files->names);
    free(files->seen);
}

static int look(struct strata_fs *fs, const char *dir, const struct strata_engine *asked,
                struct files *files, struct strata_error *err)
{
    int rc = fs_list(fs, dir, &files->names, err);

    if (rc < 0)
        return rc;
    files->seen = calloc(files->names.count + 1, sizeof *files->seen);
    if (!files->seen)
        return strata_fail_memory(err, (files->names.count + 1) * sizeof *files->seen);
    for (size_t i = 0; rc == 0 && i < files->names.count; i++) {
        struct seen *seen = &files->seen[files->count];
        if (!recognise_name(asked, files->names.names[i]))
            continue;
        seen->name = files->names.names[i];
        rc = read_magic(fs, dir, seen, err);
        seen->known = is_known(asked, seen->magic);
        files->count++;
    }
    return rc;
}

/* The first file that is not one of the engine; NULL: all are. */
static const struct seen *misfit(const struct files *files, const struct strata_engine *engine)
{
    for (size_t i = 0; i < files->count; i++)
        if (!fits(engine, &files->seen[i]))
            return &files->seen[i];
    return NULL;
}

/* The file that names the others, if the engine has one and it is not there; else NULL. */
static const char *missing_manifest(const struct files *files, const struct strata_engine *engine)
{
    const char *name = DB_SLOT(engine, manifest);

    for (size_t i = 0; name && i < files->count; i++)
        if (strcmp(files->seen[i].name, name) == 0)
            return NULL;
    return name;
}

static bool is_whole(const struct files *files, const struct strata_engine *engine)
{
    return files->count && !misfit(files, engine) && !missing_manifest(files, engine);
}

static const struct strata_engine *owner(const struct seen *seen)
{
    for (size_t i = 0; strata_stages[i]; i++)
        if (fits(strata_stages[i], seen))
            return strata_stages[i];
    return NULL;
}

static const struct strata_engine *whole_of(const struct files *files)
{
    for (size_t i = 0; strata_stages[i]; i++)
        if (is_whole(files, strata_stages[i]))
            return strata_stages[i];
    return NULL;
}

static int judge(const struct files *files, const char *dir, const struct strata_engine *engine,
                 struct strata_error *err)
{
    const struct seen *other = misfit(files, engine);
    const char *manifest = missing_manifest(files, engine);
    const struct strata_engine *whose = other ? owner(other) : manifest ? whole_of(files) : NULL;

    if (!files->count)
        return strata_fail(err, STRATA_ERR_ABSENT, dir, STRATA_NO_OFFSET,
                           "there are no files of any stage");
    if (other)
        return strata_fail(err, STRATA_ERR_WRONG_STAGE, dir, STRATA_NO_OFFSET,
                           "the files are not those of stage %u: %.60s is a file of %s",
                           engine->stage, other->name, whose ? whose->name : "another one");
    if (whose)
        return strata_fail(err, STRATA_ERR_WRONG_STAGE, dir, STRATA_NO_OFFSET,
                           "stage %u needs the file %s, which is missing, and %s does not: its "
                           "files are the same",
                           engine->stage, manifest, whose->name);
    return 0;
}

int recognise_check(struct strata_fs *fs, const char *dir, const struct strata_engine *engine,
                    struct strata_error *err)
{
    struct files files = {0};
    int rc = look(fs, dir, engine, &files, err);

    if (rc == 0)
        rc = judge(&files, dir, engine, err);
    files_free(&files);
    return rc;
}

uint64_t recognise_stages(struct strata_fs *fs, const char *dir, const struct strata_engine *asked)
{
    const struct strata_engine *const only[] = {asked, NULL};
    struct files files = {0};
    uint64_t stages = 0;

    if (look(fs, dir, asked, &files, NULL) == 0)
        for (const struct strata_engine *const *s = asked ? only : strata_stages; *s; s++)
            if (judge(&files, dir, *s, NULL) == 0)
                stages |= bit_of(*s);
    files_free(&files);
    return stages;
}
