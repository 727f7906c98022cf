/* value_live.c: what is live in the files that are known; which of them have much garbage, and
 * which go. */
#include "value_set_inside.h"
#include "01_append_log/record.h"
#include "12_value_log/values/live.h"

#include <stdlib.h>
#include <string.h>

static void count_table(struct value_set *set, const struct sstable *table)
{
    size_t count = live_count(&table->user);

    for (size_t i = 0; i < count; i++) {
        struct live live = live_at(&table->user, i);
        struct value_file *file = value_file_of(set, live.number);
        if (!file)
            continue;
        file->live += live.bytes;
        file->values += live.values;
        file->named = true;
    }
}

void value_set_count(struct value_set *set, const struct version *version)
{
    sync_lock(&set->mutex);
    for (size_t i = 0; i < set->count; i++)
        set->files[i]->live = set->files[i]->values = 0;
    for (size_t i = 0; i < version->count; i++)
        count_table(set, version->all[i]);
    for (size_t i = 0; i < set->count; i++)
        set->files[i]->gone = set->files[i]->named && !set->files[i]->values;
    sync_unlock(&set->mutex);
}

/* The mutex is held. */
static void drop(struct value_set *set, size_t at, struct obsolete_files *obsolete)
{
    struct value_file *file = set->files[at];

    obsolete_add(obsolete, set->env, strdup(file->path), file->bytes, NULL);
    value_file_del(file);
    memmove(set->files + at, set->files + at + 1, (--set->count - at) * sizeof *set->files);
}

void value_set_sweep(struct value_set *set, struct obsolete_files *obsolete)
{
    sync_lock(&set->mutex);
    for (size_t i = set->count; i--;)
        if (set->files[i]->gone && !set->files[i]->holders)
            drop(set, i, obsolete);
    sync_unlock(&set->mutex);
}

/* A file of whose records `value_garbage` percent are dead bytes. (Its header is not counted: else
 * one with little in it would be collected again and again.) */
static bool is_garbage(const struct value_set *set, const struct value_file *file)
{
    uint64_t most = 100 - set->env->options->value_garbage;
    uint64_t records = file->bytes - RECORD_FILE_HEADER;

    return file->values && !file->damaged && file->bytes > RECORD_FILE_HEADER &&
           file->live * 100 <= records * most;
}

int value_set_garbage(struct value_set *set, uint64_t **numbers, size_t *count,
                      struct strata_error *err)
{
    size_t room;

    *count = 0;
    sync_lock(&set->mutex);
    room = set->count * sizeof **numbers;
    *numbers = room ? malloc(room) : NULL;
    for (size_t i = 0; *numbers && i < set->count; i++)
        if (is_garbage(set, set->files[i]))
            (*numbers)[(*count)++] = set->files[i]->number;
    sync_unlock(&set->mutex);
    if (room && !*numbers)
        return strata_fail_memory(err, room);
    if (!*count) {
        free(*numbers);
        *numbers = NULL;
    }
    return 0;
}

bool value_set_has_garbage(struct value_set *set)
{
    bool has = false;

    sync_lock(&set->mutex);
    for (size_t i = 0; !has && i < set->count; i++)
        has = is_garbage(set, set->files[i]);
    sync_unlock(&set->mutex);
    return has;
}

void value_set_blame(struct value_set *set, uint64_t number)
{
    struct value_file *file;

    sync_lock(&set->mutex);
    file = value_file_of(set, number);
    if (file)
        file->damaged = true;
    sync_unlock(&set->mutex);
}

void value_set_ended(struct value_set *set, uint64_t number, uint64_t bytes)
{
    sync_lock(&set->mutex);
    value_file_of(set, number)->bytes = bytes;
    sync_unlock(&set->mutex);
}

void value_set_give_up(struct value_set *set, uint64_t number)
{
    struct value_file *file;

    sync_lock(&set->mutex);
    file = value_file_of(set, number);
    if (file && !file->named)
        file->named = file->gone = true;
    sync_unlock(&set->mutex);
}
