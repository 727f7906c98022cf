/* lsm_tree_files.c: the files of a tree by their names, and what must be true of them. */
#include "lsm_tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Is it the name of file `number`, with this suffix and nothing or ".tmp" behind it? */
static bool is_name(const char *name, uint64_t number, const char *suffix, const char *behind)
{
    char again[64];
    snprintf(again, sizeof again, "%06" PRIu64 "%s%s", number, suffix, behind);
    return strcmp(again, name) == 0;
}

bool lsm_tree_is_name(const char *name, uint64_t number, const char *suffix)
{
    return is_name(name, number, suffix, "");
}

/* Is it the name of a file that this tree makes? Not CURRENT. */
static bool is_made_by_tree(const struct lsm_tree *tree, const char *name, uint64_t number)
{
    return is_name(name, number, ".log", "") || is_name(name, number, ".manifest", "") ||
           is_name(name, number, tree->kind->suffix, "") ||
           is_name(name, number, tree->kind->suffix, ".tmp");
}

/* Is it the name of a file that the manifest names, or the manifest's own? */
static bool is_live(const struct lsm_tree *tree, const char *name, uint64_t number)
{
    const struct version *v = tree->version;

    return (v && number == v->logs[0].number && is_name(name, number, ".log", "")) ||
           (number == tree->manifest.number && is_name(name, number, ".manifest", "")) ||
           (v && version_table(v, number) && is_name(name, number, tree->kind->suffix, ""));
}

static bool is_obsolete(const struct lsm_tree *tree, const char *name)
{
    uint64_t number = strtoull(name, NULL, 10);

    return (is_made_by_tree(tree, name, number) && !is_live(tree, name, number)) ||
           strcmp(name, CURRENT_NAME ".tmp") == 0;
}

int lsm_tree_remove_obsolete(const struct lsm_tree *tree, const struct fs_names *names,
                             struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < names->count; i++) {
        char *path;
        if (!is_obsolete(tree, names->names[i]))
            continue;
        path = fs_join(tree->env->dir, names->names[i]);
        rc = path ? fs_remove(tree->env->fs, path, err) : strata_fail_memory(err, 64);
        free(path);
    }
    return rc;
}

void lsm_tree_pass_numbers(struct lsm_tree *tree, const struct fs_names *names) /* 6.I11 */
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

/* `names` are sorted. */
static int expect_file(const struct lsm_tree *tree, const struct fs_names *names, uint64_t number,
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

static void warn_of_others(const struct lsm_tree *tree, const struct fs_names *names)
{
    const char *first = NULL;
    size_t count = 0;

    for (size_t i = 0; i < names->count; i++)
        if (is_obsolete(tree, names->names[i])) {
            first = first ? first : names->names[i];
            count++;
        }
    if (count)
        strata_env_log(tree->env, STRATA_LOG_WARNING,
                       "%s: %zu files that the manifest does not name, %s the first: the next open "
                       "for writing removes them",
                       tree->env->dir, count, first);
}

int lsm_tree_check_files(const struct lsm_tree *tree, struct strata_error *err)
{
    struct fs_names names;
    int rc = fs_list(tree->env->fs, tree->env->dir, &names, err);

    if (rc == 0)
        rc = expect_file(tree, &names, lsm_tree_entry(tree)->number, ".log", err);
    for (size_t i = 0; rc == 0 && i < tree->version->count; i++)
        rc = expect_file(tree, &names, tree->version->all[i]->number, tree->kind->suffix, err);
    if (rc == 0)
        warn_of_others(tree, &names);
    fs_names_free(&names);
    return rc;
}

/* ---- Does the manifest say what is in memory? --------------------------------------------------
 */

/* It is read as if nothing were to be written. */
int lsm_tree_check_manifest(const struct lsm_tree *tree, struct strata_error *err)
{
    struct strata_options options = *tree->env->options;
    struct strata_env env = *tree->env;
    struct manifest manifest;
    struct version *version;
    uint64_t torn;
    int rc;

    options.read_only = true;
    env.options = &options;
    rc = lsm_tree_read_version(&env, &manifest, &version, &torn, err);
    if (rc == 0 && !tree->failed && !version_same(version, tree->version))
        rc = strata_fail(err, STRATA_ERR_CORRUPT, manifest.path, STRATA_NO_OFFSET,
                         "it is whole, but does not say what was written last");
    manifest_close(&manifest);
    version_unref(version);
    return rc;
}

/* ---- Invariants ------------------------------------------------------------------------------ */

static int broken(const struct lsm_tree *tree, const char *what, uint64_t number,
                  struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, tree->env->dir, STRATA_NO_OFFSET,
                       "file %" PRIu64 ": %s", number, what);
}

/* 6.I3, 6.I4: `a` may be before `b`. */
static bool in_order(unsigned level, const struct sstable *a, const struct sstable *b)
{
    if (level == 0)
        return a->sum.first > b->sum.last;
    return strata_compare(strata_buffer_slice(&a->largest), strata_buffer_slice(&b->smallest)) < 0;
}

static int check_level(const struct lsm_tree *tree, unsigned level, struct strata_error *err)
{
    const struct version_level *l = &tree->version->levels[level];

    for (size_t i = 0; i < l->count; i++) {
        const struct sstable *t = l->tables[i];
        if (i && !in_order(level, l->tables[i - 1], t))
            return broken(tree, "it is out of order on its level", t->number, err);
        if (t->sum.last >= lsm_tree_entry(tree)->first)
            return broken(tree, "it holds operations of the log", t->number, err);
        if (t->number >= tree->next || version_table(tree->version, t->number) != t)
            return broken(tree, "its number is not its own", t->number, err);
        if (t->obsolete)
            return broken(tree, "it is named, and obsolete", t->number, err);
    }
    return 0;
}

int lsm_tree_check(struct lsm_tree *tree, struct strata_error *err)
{
    int rc = 0;

    pthread_mutex_lock(&tree->group.mutex);
    for (unsigned level = 0; rc == 0 && level < LEVELS; level++)
        rc = check_level(tree, level, err);
    if (rc == 0 && tree->log.number != lsm_tree_entry(tree)->number)
        rc = broken(tree, "it is not the log that the manifest names", tree->log.number, err);
    pthread_mutex_unlock(&tree->group.mutex);
    return rc < 0 ? rc : lsm_tree_check_manifest(tree, err);
}
