/* value_report.c: what is in value files, for those who look: of each file, and of all. */
#include "value_set.h"

#include <stdlib.h>

static bool is_reported(const struct value_file *file)
{
    return file->values > 0;
}

/* As they are at one time; the mutex is held. NULL: there are none, or there is no memory. */
static struct strata_value_file *copy_all(const struct value_set *set, size_t *count)
{
    struct strata_value_file *files = set->count ? malloc(set->count * sizeof *files) : NULL;

    *count = 0;
    for (size_t i = 0; files && i < set->count; i++) {
        const struct value_file *file = set->files[i];
        if (is_reported(file))
            files[(*count)++] =
                (struct strata_value_file){file->number, file->bytes, file->live, file->values};
    }
    return files;
}

int value_set_each(struct value_set *set,
                   void (*each)(void *arg, const struct strata_value_file *file), void *arg,
                   struct strata_error *err)
{
    struct strata_value_file *files;
    size_t count;
    bool any;

    sync_lock(&set->mutex);
    any = set->count > 0;
    files = copy_all(set, &count);
    sync_unlock(&set->mutex);
    if (any && !files)
        return strata_fail_memory(err, sizeof *files);
    for (size_t i = 0; i < count; i++)
        each(arg, &files[i]);
    free(files);
    return 0;
}

void value_set_stats(struct value_set *set, void (*each)(void *arg, const struct strata_stat *stat),
                     void *arg)
{
    uint64_t files = 0, bytes = 0, live = 0, values = 0;

    sync_lock(&set->mutex);
    for (size_t i = 0; i < set->count; i++) {
        const struct value_file *file = set->files[i];
        if (!is_reported(file))
            continue;
        files++;
        bytes += file->bytes;
        live += file->live;
        values += file->values;
    }
    sync_unlock(&set->mutex);
    const struct strata_stat list[] = {
        {"value_files", "files", "of values that tables refer to", files},
        {"value_file_bytes", "bytes", "of them all", bytes},
        {"value_live_bytes", "bytes", "of the records in them that tables refer to", live},
        {"value_garbage_bytes", "bytes", "of all others in them", bytes > live ? bytes - live : 0},
        {"values", "values", "that tables refer to", values},
        {"values_relocated", "values", "that compactions have relocated since open",
         atomic_load_explicit(&set->relocated, memory_order_relaxed)},
        {"values_relocated_bytes", "bytes", "of those",
         atomic_load_explicit(&set->relocated_bytes, memory_order_relaxed)},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        each(arg, &list[i]);
}
