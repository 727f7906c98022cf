/* version_files.c: the files of a tree by their names: see version_set.h. */
#include "04_memtable_sstable/log.h"
#include "06_leveled_compaction/version/version_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_live_log(const struct version *v, uint64_t number)
{
    for (uint32_t i = 0; v && i < v->log_count; i++)
        if (v->logs[i].number == number)
            return true;
    return false;
}

bool version_set_is_obsolete(const struct version_set *set, const char *name)
{
    const char *suffix = set->kind->suffix;
    uint64_t number = strtoull(name, NULL, 10);
    char temporary[64];

    if (fs_is_name(name, number, ".log"))
        return !is_live_log(set->current, number);
    if (fs_is_name(name, number, ".manifest"))
        return number != set->manifest.number;
    if (fs_is_name(name, number, suffix))
        return !set->current || !version_table(set->current, number);
    snprintf(temporary, sizeof temporary, "%s.tmp", suffix);
    return fs_is_name(name, number, temporary) || strcmp(name, CURRENT_NAME ".tmp") == 0;
}

int version_set_remove_obsolete(const struct version_set *set, const struct fs_names *names,
                                struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < names->count; i++)
        if (version_set_is_obsolete(set, names->names[i]))
            rc = fs_remove_if_there(set->env->fs, set->env->dir, names->names[i], err);
    return rc;
}

void version_set_pass_numbers(struct version_set *set, const struct fs_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        uint64_t number = strtoull(names->names[i], NULL, 10);
        if (number >= set->next && number <= EDIT_NAME_MOST)
            set->next = number + 1;
    }
}

/* ---- Logs that no edit names (6.I26) --------------------------------------------------------- */

static int note_operations(void *arg, const struct wal_frame *frame, struct record_reader *reader,
                           struct strata_error *err)
{
    (void)reader;
    (void)err;
    *(bool *)arg |= frame->count > 0;
    return 0;
}

/* What is no log, or a torn one, holds none. */
static int check_unnamed_log(const struct version_set *set, const char *path, uint64_t number,
                             struct strata_error *err)
{
    bool holds = false;
    struct replay replay = {
        .number = number, .kind = set->log, .apply = note_operations, .arg = &holds};
    struct strata_error why;
    int rc = fs_open(set->env->fs, path, FS_READ, &replay.file, &why);

    if (rc == 0)
        rc = log_check_header(replay.file, number, &replay.kind, &why);
    if (rc == 0)
        rc = replay_log(&replay, &why);
    fs_close(replay.file, NULL);
    if (holds || replay.refused) /* by note_operations never: numbers too large */
        return strata_fail(err, STRATA_ERR_CORRUPT, path, STRATA_NO_OFFSET,
                           "the log holds operations, and the manifest does not name it: its end "
                           "is lost");
    if (rc < 0 && rc != STRATA_ERR_CORRUPT && err)
        *err = why;
    return rc == STRATA_ERR_CORRUPT ? 0 : rc;
}

int version_set_check_logs(const struct version_set *set, const struct fs_names *names,
                           struct strata_error *err)
{
    uint64_t last = set->current->logs[set->current->log_count - 1].number;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < names->count; i++) {
        uint64_t number = strtoull(names->names[i], NULL, 10);
        char *path;
        if (number <= last || !fs_is_name(names->names[i], number, ".log"))
            continue;
        path = fs_join(set->env->dir, names->names[i]);
        rc = path ? check_unnamed_log(set, path, number, err) : strata_fail_memory(err, 64);
        free(path);
    }
    return rc;
}
