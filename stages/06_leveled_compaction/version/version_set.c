/* version_set.c: see version_set.h. */
#include "06_leveled_compaction/version/version_set.h"

#include <assert.h>
#include <inttypes.h>

/* ---- Reading --------------------------------------------------------------------------------- */

/* The manifest that CURRENT names, and what it says. */
static int read_manifest(struct version_set *set, struct strata_error *err)
{
    struct version_builder builder;
    struct strata_error why;
    int rc = version_builder_init(&builder, NULL, &why);

    if (rc == 0)
        rc = manifest_open(&set->manifest, set->env, version_builder_add, &builder, &why);
    if (rc == 0)
        rc = version_builder_finish(&builder, &set->current, &why);
    version_builder_free(&builder);
    if (rc == STRATA_ERR_CORRUPT && !why.file[0])
        return strata_fail(err, rc, set->manifest.path, why.offset, "%s", why.message);
    return strata_fail_with(rc, &why, err);
}

int version_set_recover(struct version_set *set, struct strata_error *err)
{
    int rc = read_manifest(set, err);

    if (rc < 0)
        return rc;
    set->next = set->current->next;
    if (set->manifest.torn)
        strata_env_log(set->env, STRATA_LOG_WARNING, "%s: %s a torn edit of %" PRIu64 " bytes",
                       set->manifest.path, set->env->options->read_only ? "ignored" : "dropped",
                       set->manifest.torn);
    return 0;
}

void version_set_free(struct version_set *set)
{
    version_unref(set->current);
    manifest_close(&set->manifest);
    set->current = NULL;
}

/* It is read as if nothing were to be written. (Of a reader, it may be a later one.) */
int version_set_verify(const struct version_set *set, struct strata_error *err)
{
    struct strata_options options = *set->env->options;
    struct strata_env env = *set->env;
    struct version_set again = {.env = &env, .uncertain = set->uncertain || options.read_only};
    int rc;

    options.read_only = true;
    env.options = &options;
    rc = read_manifest(&again, err);
    if (rc == 0 && !again.uncertain && !version_same(again.current, set->current))
        rc = strata_fail(err, STRATA_ERR_CORRUPT, again.manifest.path, STRATA_NO_OFFSET,
                         "it is whole, but does not say what was written last");
    version_set_free(&again);
    return rc;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void count(struct version_set *set)
{
    atomic_store_explicit(&set->written, set->earlier_bytes + set->manifest.written,
                          memory_order_relaxed);
}

int version_set_write_manifest(struct version_set *set, const struct version *version,
                               struct strata_error *err)
{
    struct manifest manifest = {0};
    struct edit whole;
    uint64_t number = set->next++;
    int rc = version_tell(version, &whole, err);

    assert(!set->uncertain && version->next <= number);
    whole.next = number + 1; /* its own number is given away with it */
    if (rc == 0)
        rc = manifest_create(&manifest, set->env, number, &whole, err);
    edit_free(&whole);
    if (rc < 0) {
        set->uncertain = manifest.known > 0;
        manifest_close(&manifest);
        return rc;
    }
    if (set->keep_replaced)
        set->replaced = set->manifest.number;
    else if (set->manifest.path) /* if it fails, the next open does it */
        fs_remove(set->env->fs, set->manifest.path, NULL);
    set->earlier_bytes += set->manifest.written;
    manifest_close(&set->manifest);
    set->manifest = manifest;
    count(set);
    return 0;
}

int version_set_prepare(const struct version_set *set, struct edit *edit, struct version **out,
                        struct strata_error *err)
{
    edit->next = set->next;
    return version_apply(set->current, edit, out, err);
}

int version_set_write(struct version_set *set, struct edit *edit, const struct version *version,
                      struct strata_error *err)
{
    int rc;

    assert(!set->uncertain && edit->next == version->next);
    if (!set->manifest.file || manifest_is_long(&set->manifest))
        return version_set_write_manifest(set, version, err);
    rc = manifest_append(&set->manifest, edit, err);
    set->uncertain = rc == STRATA_ERR_CORRUPT || (rc < 0 && set->manifest.file->failed);
    count(set);
    return rc;
}

int version_set_settle(struct version_set *set, struct strata_error *err)
{
    int rc = manifest_settle(&set->manifest, err);
    count(set);
    return rc;
}
