/* tree_files.c: see tree_files.h.
 *
 * 7.I29: a number that any file has is not used again. */
#include "tree_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Is it the name of file `number`, with this suffix and nothing or ".tmp" behind it? */
static bool is_name(const char *name, uint64_t number, const char *suffix, bool temporary)
{
    char again[64];

    if (!strstr(name, suffix)) /* as a rule, and for a tenth of the cost */
        return false;
    snprintf(again, sizeof again, "%06" PRIu64 "%s%s", number, suffix, temporary ? ".tmp" : "");
    return strcmp(again, name) == 0;
}

bool tree_is_name(const char *name, uint64_t number, const char *suffix)
{
    return is_name(name, number, suffix, false);
}

static bool is_live_log(const struct version *v, uint64_t number)
{
    for (uint32_t i = 0; v && i < v->log_count; i++)
        if (v->logs[i].number == number)
            return true;
    return false;
}

/* Is it a name that this tree makes, and of no file that is live? */
static bool is_dead(const struct tree *tree, const char *name)
{
    const char *suffix = tree->kind->suffix;
    uint64_t number = strtoull(name, NULL, 10);

    if (is_name(name, number, ".log", false))
        return !is_live_log(tree->version, number);
    if (is_name(name, number, ".manifest", false))
        return number != tree->manifest.number;
    if (is_name(name, number, suffix, false))
        return !(tree->version && version_table(tree->version, number));
    return is_name(name, number, suffix, true) || strcmp(name, CURRENT_NAME ".tmp") == 0;
}

static bool is_made_by_tree(const struct tree *tree, const char *name, uint64_t number)
{
    return is_name(name, number, ".log", false) || is_name(name, number, ".manifest", false) ||
           is_name(name, number, tree->kind->suffix, false) ||
           is_name(name, number, tree->kind->suffix, true);
}

int tree_remove_dead(struct tree *tree, const struct fs_names *names, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < names->count; i++) {
        char *path;
        if (!is_dead(tree, names->names[i]))
            continue;
        if (tree->names_unsynced)
            rc = tree_sync_names(tree, err); /* 7.I9 */
        if (rc < 0)
            break;
        path = fs_join(tree->env->dir, names->names[i]);
        rc = path ? fs_remove(tree->env->fs, path, err) : strata_fail_memory(err, 64);
        free(path);
    }
    return rc;
}

int tree_remove_all_dead(struct tree *tree, struct strata_error *err)
{
    struct fs_names names;
    int rc = fs_list(tree->env->fs, tree->env->dir, &names, err);

    if (rc == 0)
        rc = tree_remove_dead(tree, &names, err);
    fs_names_free(&names);
    return rc;
}

/* 7.I29. */
void tree_pass_numbers(struct tree *tree, const struct fs_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        uint64_t number = strtoull(names->names[i], NULL, 10);
        if (number >= tree->next && number < UINT64_MAX / 2 &&
            is_made_by_tree(tree, names->names[i], number))
            tree->next = number + 1;
    }
}

/* ---- Are they all there, and no others? ------------------------------------------------------ */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int expect(const struct tree *tree, const struct fs_names *names, uint64_t number,
                  const char *suffix, struct strata_error *err)
{
    char name[64], *key = name, *path;
    int rc;

    snprintf(name, sizeof name, "%06" PRIu64 "%s", number, suffix);
    if (names->count &&
        bsearch(&key, names->names, names->count, sizeof *names->names, compare_names))
        return 0;
    path = fs_join(tree->env->dir, name);
    rc = path ? strata_fail(err, STRATA_ERR_CORRUPT, path, STRATA_NO_OFFSET,
                            "the file is missing: the manifest names it")
              : strata_fail_memory(err, sizeof name);
    free(path);
    return rc;
}

static int expect_live(const struct tree *tree, const struct fs_names *names,
                       struct strata_error *err)
{
    const struct version *v = tree->version;
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < v->log_count; i++)
        rc = expect(tree, names, v->logs[i].number, ".log", err);
    for (size_t i = 0; rc == 0 && i < v->count; i++)
        rc = expect(tree, names, v->all[i]->number, tree->kind->suffix, err);
    return rc;
}

static bool makes(const struct compact *work, uint64_t number)
{
    if (work && work->writer && work->writer->number == number)
        return true;
    for (size_t i = 0; work && i < work->output_count; i++)
        if (work->outputs[i]->number == number)
            return true;
    return false;
}

/* Of work in progress; or a log that is not named yet; or an obsolete file. */
static bool is_known(const struct tree *tree, const char *name)
{
    uint64_t number = strtoull(name, NULL, 10);

    for (size_t i = 0; i < tree->obsolete.count; i++) {
        const char *path = tree->obsolete.files[i].path, *slash = strrchr(path, '/');
        if (strcmp(slash ? slash + 1 : path, name) == 0)
            return true;
    }
    return number == tree->live.log.number || makes(tree->flush, number) ||
           makes(tree->compaction, number);
}

int tree_check_files(const struct tree *tree, struct strata_error *err)
{
    const char *first = "";
    size_t others = 0;
    struct fs_names names;
    int rc = fs_list(tree->env->fs, tree->env->dir, &names, err);

    if (rc == 0)
        rc = expect_live(tree, &names, err);
    for (size_t i = 0; rc == 0 && i < names.count; i++)
        if (is_dead(tree, names.names[i]) && !is_known(tree, names.names[i]) && !others++)
            first = names.names[i];
    if (others)
        strata_env_log(tree->env, STRATA_LOG_WARNING,
                       "%s: %zu files that the manifest does not name, %s the first: the next open "
                       "for writing removes them",
                       tree->env->dir, others, first);
    fs_names_free(&names);
    return rc;
}
