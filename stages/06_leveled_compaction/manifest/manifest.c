/* manifest.c: a log of edits, in the record framing of stage 1 (01_append_log/record.c), with a
 * magic of its own, "STRATMAN":
 *
 *   [file header][edit 1: the whole state][edit 2][edit 3] ...
 *
 * An edit is a record of type 9 without a key; its value is drawn in edit.c. Their ordinals are 1,
 * 2, 3, ...
 *
 * 6.I4: the first edit is durable, and the file's name, before CURRENT names it.
 * 6.I5: an edit is appended by one call, after the one before it has been synced; so only the last
 *     can be torn. It is synced before anybody relies on what it says.
 * 6.I6: nothing is appended behind a torn tail: a new manifest is made.
 * 6.I7: a file that an edit takes away is removed after the edit is durable. So a manifest that
 * lost its last edit says an earlier version, all of whose files are there, or names one that is
 *     missing, which open reports. */
#include "manifest.h"
#include "01_append_log/record.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define LONG ((uint64_t)64 * 1024) /* bytes of edits that are not worth a new manifest */

char *manifest_path(const struct strata_env *env, uint64_t number)
{
    return fs_join_number(env->dir, number, ".manifest");
}

static int begin(struct manifest *m, const struct strata_env *env, uint64_t number,
                 struct strata_error *err)
{
    *m = (struct manifest){.env = env, .number = number, .path = manifest_path(env, number)};
    return m->path ? 0 : strata_fail_memory(err, 32);
}

void manifest_close(struct manifest *m)
{
    fs_close(m->file, NULL); /* all of it was synced */
    strata_buffer_free(&m->bytes);
    free(m->path);
    *m = (struct manifest){0};
}

/* ---- Writing ------------------------------------------------------------------------------- */

int manifest_append(struct manifest *m, struct edit *edit, struct strata_error *err)
{
    uint64_t end = m->file->end;
    struct strata_error why;
    int rc;

    if (m->torn) /* 6.I6 */
        return strata_fail(err, STRATA_ERR_CORRUPT, m->path, end - m->torn,
                           "nothing is written behind a cut edit");
    edit->ordinal = m->ordinal + 1;
    strata_buffer_clear(&m->bytes);
    rc = edit_encode(edit, &m->bytes, &why);
    if (rc == STRATA_ERR_INVALID)
        return strata_fail_sys(err, EOVERFLOW, m->path, end, why.message);
    if (rc < 0)
        return strata_fail_with(rc, &why, err);
    if (m->bytes.size > STRATA_MAX_VALUE) /* it could not be read again */
        return strata_fail_sys(err, EFBIG, m->path, end, "write so large an edit");
    rc = record_append_typed(m->file, m->number, MANIFEST_EDIT, strata_bytes(NULL, 0),
                             strata_buffer_slice(&m->bytes), err);
    m->written += m->file->end - end;
    if (rc < 0)
        fs_cut_back(m->file, NULL); /* if it cannot be, the file takes no more */
    else
        rc = fs_sync(m->file, err);
    if (rc == 0)
        m->ordinal = edit->ordinal;
    return rc;
}

/* The file with its first edit (6.I4). */
static int create_file(struct manifest *m, struct edit *state, struct strata_error *err)
{
    int rc = fs_open(m->env->fs, m->path, FS_WRITE | FS_CREATE | FS_TRUNCATE, &m->file, err);

    if (rc == 0)
        rc = record_start_kind(m->file, MANIFEST_MAGIC, m->number, err);
    if (rc == 0)
        m->written = m->file->end;
    if (rc == 0)
        rc = manifest_append(m, state, err);
    return rc < 0 ? rc : fs_sync_dir(m->env->fs, m->env->dir, err);
}

int manifest_settle(struct manifest *m, struct strata_error *err)
{
    struct current current = {m->number, m->file->end};

    assert(current.known >= m->known); /* 6.I2 */
    if (m->known == current.known)
        return 0;
    m->known = current.known;
    m->written += CURRENT_BYTES;
    return current_write(m->env, &current, err);
}

int manifest_create(struct manifest *m, const struct strata_env *env, uint64_t number,
                    struct edit *state, struct strata_error *err)
{
    int rc = begin(m, env, number, err);

    if (rc < 0)
        return rc;
    rc = create_file(m, state, err);
    if (rc < 0) {
        fs_remove(env->fs, m->path, NULL);
        return rc;
    }
    m->snapshot_bytes = m->file->end;
    return manifest_settle(m, err);
}

bool manifest_is_long(const struct manifest *m)
{
    uint64_t edits = m->file->end - m->snapshot_bytes;
    return edits > LONG && edits > 2 * m->snapshot_bytes;
}

bool manifest_is_settled(const struct manifest *m)
{
    return m->known == m->file->end;
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* An error without a file is about the edit: it gets this file's name and the place there. */
static int read_edit(struct manifest *m, const struct record *record, manifest_apply *apply,
                     void *arg, struct strata_error *err)
{
    uint64_t at = record->offset;
    struct strata_error why = {0};
    struct edit edit;
    int rc;

    if (record->type != MANIFEST_EDIT || record->key.size)
        return strata_fail(err, STRATA_ERR_CORRUPT, m->file->path, at + 4,
                           "this record is no edit");
    rc = edit_decode(record->value, &edit, &why);
    edit.offset = at;
    if (rc == 0 && edit.ordinal != m->ordinal + 1)
        rc = strata_fail(&why, STRATA_ERR_CORRUPT, NULL, 0,
                         "edit %" PRIu64 " is here where %" PRIu64 " should be", edit.ordinal,
                         m->ordinal + 1);
    if (rc < 0) {
        at += RECORD_HEAD + why.offset; /* within its bytes */
    } else {
        rc = apply(arg, &edit, &why);
        if (rc == 0 && ++m->ordinal == 1)
            m->snapshot_bytes = record->next;
    }
    edit_free(&edit);
    return rc == STRATA_ERR_CORRUPT && !why.file[0]
               ? strata_fail(err, rc, m->file->path, at, "%s", why.message)
               : strata_fail_with(rc, &why, err);
}

int manifest_check(struct manifest *m, manifest_apply *apply, void *arg, struct strata_error *err)
{
    int rc = record_check_kind(m->file, MANIFEST_MAGIC, m->number, err), ended = 0;
    struct record_reader reader;
    struct strata_error why;
    struct record record;

    if (rc < 0)
        return rc;
    record_reader_init(&reader, m->file, m->number, m->file->end);
    reader.max_type = MANIFEST_EDIT;
    while (rc == 0 && (ended = record_next(&reader, &record, &why)) == 0)
        rc = read_edit(m, &record, apply, arg, err);
    if (rc == 0)
        rc = manifest_tail(m, &reader, ended, &why, err);
    record_reader_free(&reader);
    return rc;
}

int manifest_open(struct manifest *m, const struct strata_env *env, manifest_apply *apply,
                  void *arg, struct strata_error *err)
{
    struct current current;
    int rc;

    *m = (struct manifest){0};
    rc = current_read(env, &current, err);
    if (rc == 0)
        rc = begin(m, env, current.number, err);
    if (rc == 0)
        rc = fs_open_named(env->fs, m->path, env->options->read_only ? FS_READ : FS_WRITE,
                           "the manifest is missing: " CURRENT_NAME " names it", &m->file, err);
    if (rc < 0)
        return rc;
    m->known = current.known;
    return manifest_check(m, apply, arg, err);
}
