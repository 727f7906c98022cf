/* tolerate.c: see tolerate.h. */
#include "tolerate.h"

#include <errno.h>
#include <string.h>

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The table that could not be read; NULL: it was something else. (An error has the end of a long
 * path.) */
static const struct sstable *blamed(const struct tree *tree, const struct strata_error *err)
{
    const struct version *v = tree->super->version;

    for (size_t i = 0; i < v->count; i++)
        if (strcmp(name_of(v->all[i]->path), name_of(err->file)) == 0)
            return v->all[i];
    return NULL;
}

static void warn(const struct tree *tree, const char *what, const struct strata_error *err)
{
    char text[600];
    strata_env_log(tree->env, STRATA_LOG_WARNING, "%s: %s", what,
                   strata_error_text(err, text, sizeof text));
}

/* Of memory, disk or descriptors: it may end. */
static bool is_shortage(int rc, int sys)
{
    return rc == STRATA_ERR_NO_MEMORY || sys == ENOSPC || sys == EDQUOT || sys == EMFILE ||
           sys == ENFILE || sys == ENOMEM;
}

static bool quarantine(struct tree *tree, const struct sstable *table)
{
    bool done;

    pthread_mutex_lock(&tree->group.mutex); /* tree_report_stats reads it */
    done = table && policy_quarantine_add(&tree->quarantined, table->number, NULL) == 0;
    pthread_mutex_unlock(&tree->group.mutex);
    return done;
}

int tolerate_error(struct tree *tree, int rc, const struct strata_error *err)
{
    bool shortage = is_shortage(rc, err->sys);
    const struct sstable *table;

    if (rc >= 0 || tree->edit_uncertain)
        return rc;
    table = shortage ? NULL : blamed(tree, err);
    if (rc == STRATA_ERR_IO && !shortage && !table)
        return rc;
    if (quarantine(tree, table)) {
        warn(tree, "this table is left alone by compactions", err);
        return 0;
    }
    tree->compaction_paused = true;
    warn(tree, "nothing is compacted before the next flush", err);
    return STRATA_NOT_FOUND;
}
