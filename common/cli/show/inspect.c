/* inspect.c: inspect: the annotated dump of one file. Reads without the database's lock, so it
 * works next to a writer, and on a file copied elsewhere.
 *
 * The format is the one whose magic the file begins with. When the magic is what is damaged, it is
 * the one that the file's name belongs to, of the stage that the marker beside it names, or else
 * of any. */
#include "inspect/inspect.h"
#include "cli/options.h"
#include "db/db.h"
#include "fs/fs_posix.h"
#include "db/marker.h"
#include "db/stages.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC_BYTES 8

/* ---- All formats: common's, then each stage's -------------------------------------------- */

static int lock_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    (void)err;
    inspect_section(to, 0,
                    "lock: held by the process that has the database open; it has no content");
    inspect_end(to, file->end, file->end);
    return 0;
}

static const struct strata_format lock_format = {"lock file", NULL, LOCK_NAME, lock_inspect};
static const struct strata_format *const common_formats[] = {&marker_format, &lock_format, NULL};

typedef bool (*format_test)(const struct strata_format *format, const void *arg);

static const struct strata_format *first_of(const struct strata_format *const *formats,
                                            format_test test, const void *arg)
{
    for (; formats && *formats; formats++)
        if (test(*formats, arg))
            return *formats;
    return NULL;
}

/* The first format for which `test` holds; those of `stage` first. NULL: none. */
static const struct strata_format *find_format(unsigned stage, format_test test, const void *arg)
{
    const struct strata_format *found = first_of(common_formats, test, arg);

    for (size_t i = 0; !found && strata_stages[i]; i++)
        if (strata_stages[i]->stage == stage)
            found = first_of(strata_stages[i]->formats, test, arg);
    for (size_t i = 0; !found && strata_stages[i]; i++)
        found = first_of(strata_stages[i]->formats, test, arg);
    return found;
}

static bool has_magic(const struct strata_format *format, const void *magic)
{
    return format->magic && memcmp(format->magic, magic, MAGIC_BYTES) == 0;
}

static bool has_name(const struct strata_format *format, const void *name)
{
    return fnmatch(format->glob, name, 0) == 0;
}

/* ---- The file's format ----------------------------------------------------------------- */

/* The stage that wrote the directory of `path`; 0: not known. */
static unsigned stage_beside(struct strata_fs *fs, const char *path)
{
    struct marker marker;
    char *dir = fs_parent(path);
    bool known = dir && marker_read(fs, dir, &marker, NULL) == 0;

    free(dir);
    return known ? marker.stage : 0;
}

static int format_of(struct fs_file *file, const struct strata_format **format,
                     struct strata_error *err)
{
    const char *slash = strrchr(file->path, '/'), *name = slash ? slash + 1 : file->path;
    unsigned stage = stage_beside(file->fs, file->path);
    char magic[MAGIC_BYTES], text[64];
    size_t got;
    int rc = fs_read_at(file, 0, magic, sizeof magic, &got, err);

    if (rc < 0)
        return rc;
    *format = got == sizeof magic ? find_format(stage, has_magic, magic) : NULL;
    if (!*format)
        *format = find_format(stage, has_name, name);
    if (*format)
        return 0;
    inspect_text(strata_bytes(magic, got), got, text, sizeof text);
    return strata_fail(
        err, STRATA_ERR_CORRUPT, file->path, 0,
        "no file of Strata: neither its first bytes \"%s\" nor its name fit a format", text);
}

/* ---- The command ----------------------------------------------------------------------- */

static int inspect(struct cli *cli, struct fs_file *file, uint64_t limit)
{
    const struct strata_format *format;
    struct strata_error err;
    struct inspect in;

    if (format_of(file, &format, &err) < 0)
        return cli_fail(cli, &err);
    inspect_init(&in, cli->out);
    in.limit = limit;
    fprintf(cli->out, "%s: %s, %llu bytes\n", file->path, format->name,
            (unsigned long long)file->end);
    if (format->inspect(file, &in, &err) < 0)
        return cli_fail(cli, &err);
    if (in.damaged)
        cli_say(cli, "%s is damaged", file->path);
    return in.damaged ? CLI_CORRUPT : CLI_OK;
}

/* A directory's files that can be inspected, in a message: the user has named their directory. */
static int name_the_files(struct cli *cli, const struct fs_names *names)
{
    char text[200] = "";
    size_t used = 0;

    for (size_t i = 0; i < names->count && used + 1 < sizeof text; i++)
        if (find_format(0, has_name, names->names[i]))
            used += (size_t)snprintf(text + used, sizeof text - used, " %s", names->names[i]);
    if (used >= sizeof text)
        strcpy(text + sizeof text - 4, "...");
    return cli_usage(cli, "%s is a directory: name one of its files%s%s", cli->operands[0],
                     used ? ":" : "", text);
}

static int inspect_path(struct cli *cli, struct strata_fs *fs, uint64_t limit)
{
    struct fs_names names = {0};
    struct fs_file *file;
    struct strata_error err;
    int code;

    if (fs_list(fs, cli->operands[0], &names, NULL) == 0) {
        code = name_the_files(cli, &names);
        fs_names_free(&names);
        return code;
    }
    if (fs_open(fs, cli->operands[0], FS_READ, &file, &err) < 0)
        return cli_fail(cli, &err);
    code = inspect(cli, file, limit);
    fs_close(file, NULL); /* it was only read */
    return code;
}

static int run_inspect(struct cli *cli)
{
    uint64_t limit = 0;
    int code = cli_number(cli, CLI_SECTIONS, 1, UINT64_MAX, &limit);
    struct strata_fs *fs = code == CLI_OK ? fs_posix_new() : NULL;

    if (code != CLI_OK)
        return code;
    if (!fs) {
        cli_say(cli, "out of memory");
        return CLI_OTHER;
    }
    code = inspect_path(cli, fs, limit);
    fs_free(fs);
    return code;
}

const struct cli_command cli_inspect_command = {
    .name = "inspect",
    .operands = {"FILE"},
    .required = 1,
    .options = OPTIONS(CLI_SECTIONS),
    .exits = O(CLI_OK) | O(CLI_USAGE) | O(CLI_CORRUPT) | O(CLI_IO) | O(CLI_OTHER),
    .summary = "annotate a file of a database, field by field",
    .about = "A line a field: offset, bytes, name, meaning; and where the file stops being\n"
             "valid, and why. Takes no lock: it works while another process writes, and on a\n"
             "file copied elsewhere. --limit only shortens what is shown: all is checked.",
    .example = "$ strata put db fruit apple\n"
               "$ strata inspect db/STRATA\n"
               "db/STRATA: marker, 32 bytes\n"
               "...\n"
               "valid: 32 of 32 bytes\n",
    .run = run_inspect,
};
