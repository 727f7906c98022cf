/* bits_loop.c: see bits_loop.h. */
#include "bits_loop.h"

#include "allocations.h"
#include "db/marker.h"
#include "crash/subject.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR ((size_t)512)

const char *bits_kind_name(enum bits_kind kind)
{
    static const char *const names[BITS_KINDS] = {
        "bits flipped",   "bits, while open", "cut at each byte", "removed",
        "older file",     "bytes appended",   "sectors zeroed",   "older sectors",
        "sectors copied", "sectors swapped",  "records misplaced"};
    return names[kind];
}

const char *bits_end_name(enum specimen_end end)
{
    static const char *const names[] = {"closed", "killed", "unsynced"};
    return names[end];
}

bool bits_is_log(const struct part *part)
{
    return fnmatch("*.log", part->name, 0) == 0;
}

bool bits_is_needed(const struct part *part)
{
    return bits_is_log(part) || strcmp(part->name, MARKER_NAME) == 0;
}

static void need(bool fine)
{
    if (!fine) {
        fputs("bits: out of memory\n", stderr);
        exit(7);
    }
}

/* ---- One damage ------------------------------------------------------------------------ */

struct damage {
    struct bits_loop *loop;
    const struct specimen *s;
    struct part *part;
    struct bits_row *row;
    enum bits_kind kind;
    size_t at;    /* where it begins, at most the file's size */
    bool to_end;  /* it reaches the end of the file: a tail that is not there */
    bool changes; /* the bytes are others than before */
    bool warned;  /* the database told its log of it */
    bool counted; /* what is allocated when a judgement is over: */
    int64_t living;
    bool bad;
};

static void refuse(struct damage *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void refuse(struct damage *d, const char *format, ...)
{
    char *to = d->loop->what;
    va_list args;

    d->row->bad += !d->bad;
    d->bad = true;
    if (to[0])
        return;
    snprintf(to, sizeof d->loop->what, "%s, %s, %s at %zu: ", bits_end_name(d->s->end),
             d->part->path, bits_kind_name(d->kind), d->at);
    va_start(args, format);
    vsnprintf(to + strlen(to), sizeof d->loop->what - strlen(to), format, args);
    va_end(args);
}

/* An error about damage at `at` names the file and an offset that is not behind its record. */
static void check_place(struct damage *d, const struct strata_error *err)
{
    char text[600];
    if (err->code != STRATA_ERR_CORRUPT || strcmp(err->file, d->part->path) != 0 ||
        err->offset >= part_section_end(d->part, d->at))
        refuse(d, "the error does not say where: %s", strata_error_text(err, text, sizeof text));
}

/* The log that was written last: its tail may be torn. */
static bool is_last_log(const struct damage *d)
{
    const struct part *last = NULL;
    for (size_t i = 0; i < d->s->count; i++)
        if (bits_is_log(&d->s->parts[i]))
            last = &d->s->parts[i];
    return d->part == last;
}

/* How many writes are left when the file is cut there: after a kill what stood behind that place
 * is the only record of how far the log reached. */
static size_t left_by_cut(const struct damage *d)
{
    struct strata_slice bytes = strata_bytes(d->part->bytes.data, d->at);
    struct strata_fs *copy = specimen_with(d->s, d->part, bytes);
    struct judgement j;

    judge_dir(copy, SPECIMEN_DIR, &d->s->script->history, &j);
    fs_free(copy);
    return j.outcome == OUTCOME_PREFIX ? j.n : 0;
}

/* Who was killed leaves a mark of the last sync, and of a write that was cut short the beginning,
 * which no flipped bit looks like. So do the stages that sync; an engine of one's own need not. */
static bool leaves_marks(void)
{
    return subject_info()->promises & STRATA_PROMISE_POWER_CUT && !subject_object();
}

/* May the database know less? A stage that records how far it synced tells a torn tail from
 * damage by that; the others only by a file that ends too early. */
static bool may_be_prefix(const struct damage *d, size_t n)
{
    bool records = subject_info()->promises & STRATA_PROMISE_POWER_CUT;

    if (d->kind == BITS_APPENDED || !is_last_log(d))
        return false;
    if (leaves_marks())
        return d->kind != BITS_FLIPPED && n >= d->s->floor;
    if (!records || (d->to_end && d->s->end != SPECIMEN_CLOSED))
        return d->to_end && (d->kind == BITS_CUT || d->kind == BITS_REMOVED || n >= left_by_cut(d));
    return n >= d->s->floor;
}

static void check_outcome(struct damage *d, const struct judgement *j)
{
    bool closed = d->s->end == SPECIMEN_CLOSED;

    if (j->outcome == OUTCOME_WRONG)
        refuse(d, "%s", j->answers.first_wrong);
    if (j->outcome == OUTCOME_PREFIX && !may_be_prefix(d, j->n))
        refuse(d, "as after %zu writes of %zu: %s", j->n, d->s->script->history.count,
               j->answers.first_wrong);
    if (j->outcome == OUTCOME_HARMLESS && d->changes && closed && bits_is_needed(d->part) &&
        !(d->to_end && may_be_prefix(d, j->n)) && /* a seal was cut off: all writes are there */
        d->kind != BITS_APPENDED && d->kind != BITS_OLD_FILE) /* no damage, if it is a whole one */
        refuse(d, "not seen");
    if (!d->changes && j->outcome != OUTCOME_HARMLESS)
        refuse(d, "%s, and nothing was changed", outcome_name(j->outcome));
}

static void count(struct damage *d, enum outcome outcome)
{
    d->row->tried++;
    d->row->outcomes[outcome]++;
}

/* No number in a file is worth memory before it has been checked: at most what is asked for to read
 * all files as they are, several times over. */
static void check_largest(struct damage *d, size_t largest)
{
    size_t most = (size_t)1 << 20;

    for (size_t i = 0; i < d->s->count; i++)
        most += 8 * d->s->parts[i].bytes.size;
    if (largest > most)
        refuse(d, "%zu bytes were allocated", largest);
}

/* What one damage has left must not be there after the next. */
static void check_freed(struct damage *d)
{
    if (d->counted && allocations.living > d->living)
        refuse(d, "%" PRId64 " allocations were not freed", allocations.living - d->living);
    d->counted = true;
    d->living = allocations.living;
}

/* Asks the database in `copy`, and frees it. */
static void judge_copy(struct damage *d, struct strata_fs *copy, struct judgement *j)
{
    unsigned long warnings = subject_warnings();

    allocations.largest = 0;
    judge_dir(copy, SPECIMEN_DIR, &d->s->script->history, j);
    check_largest(d, allocations.largest);
    d->warned = subject_warnings() != warnings;
    count(d, j->outcome);
    check_outcome(d, j);
    if (fs_sim_open_files(copy))
        refuse(d, "files are still open");
    fs_free(copy);
    check_freed(d);
}

/* Without the room that was made ahead of appends: what stands before it is the file's tail. */
static size_t used_bytes(const struct part *part)
{
    size_t used = part->bytes.size;
    while (used && part->bytes.data[used - 1] == 0)
        used--;
    return used;
}

/* The file has these bytes, others than its own from `at` up to `end`. */
static void judge_bytes(struct damage *d, struct strata_slice bytes, size_t at, size_t end,
                        struct judgement *j)
{
    const struct strata_buffer *own = &d->part->bytes;

    d->bad = false;
    d->at = at;
    d->to_end = end >= bytes.size || end >= used_bytes(d->part);
    d->changes = strata_compare(bytes, strata_buffer_slice(own)) != 0;
    judge_copy(d, specimen_with(d->s, d->part, bytes), j);
}

static void copy_part(struct strata_buffer *to, const struct part *part)
{
    need(strata_buffer_append(to, part->bytes.data, part->bytes.size) == 0);
}

static void show_progress(const struct damage *d, size_t done, size_t of)
{
    if (d->loop->progress && done % 256 == 0)
        fprintf(d->loop->progress, "\r%s, %s, %s: %zu of %zu \033[K", bits_end_name(d->s->end),
                d->part->name, bits_kind_name(d->kind), done, of);
}

/* ---- Bits ------------------------------------------------------------------------------ */

static void flip(struct damage *d, size_t bit)
{
    struct strata_slice bytes = strata_buffer_slice(&d->part->bytes);
    uint8_t *byte = &d->part->bytes.data[bit / 8], mask = (uint8_t)(1 << bit % 8);
    struct strata_fs *copy;
    struct judgement j;
    bool seen;

    *byte ^= mask;
    copy = specimen_with(d->s, d->part, bytes);
    *byte ^= mask;
    d->bad = false;
    d->at = bit / 8;
    d->to_end = false;
    d->changes = true;
    seen = part_is_damaged(d->part, copy);
    judge_copy(d, copy, &j);
    if (!seen && (j.outcome == OUTCOME_DETECTED || bits_is_needed(d->part)))
        refuse(d, "bit %zu: inspect does not see it", bit);
    if (j.outcome == OUTCOME_DETECTED)
        check_place(d, &j.answers.first_error);
}

void bits_flip(struct bits_loop *loop, const struct specimen *s, struct part *part, size_t bit,
               struct bits_row *row)
{
    struct damage d = {.loop = loop, .s = s, .part = part, .row = row, .kind = BITS_FLIPPED};
    flip(&d, bit);
}

static void flip_all(struct damage *d)
{
    size_t bits = 8 * d->part->bytes.size;
    for (size_t bit = 0; bit < bits; bit += d->loop->step ? d->loop->step : 1) {
        show_progress(d, bit, bits);
        flip(d, bit);
    }
}

/* ---- Bits under an open database ------------------------------------------------------- */

static void flip_in_place(struct strata_fs *fs, const struct part *part, size_t bit)
{
    uint8_t byte = (uint8_t)(part->bytes.data[bit / 8] ^ 1 << bit % 8);
    struct fs_file *file;
    need(fs_open(fs, part->path, FS_WRITE, &file, NULL) == 0);
    need(fs_write_at(file, bit / 8, &byte, 1, NULL) == 0);
    need(fs_close(file, NULL) == 0);
}

/* Rows of an iterator made before the damage: right, or an error. */
static void judge_old_iterator(struct strata_iter *iter, const struct model *model,
                               struct answers *answers)
{
    struct strata_slice value;
    struct strata_error err;
    size_t row = 0;
    int rc = strata_iter_first(iter, &err);

    for (; rc == 0 && row < model->count; row++) {
        const struct model_entry *want = &model->entries[row];
        answers->wrong += strata_compare(strata_iter_key(iter), want->key) != 0;
        rc = strata_iter_value(iter, &value, &err);
        if (rc == 0)
            answers->wrong += strata_compare(value, want->value) != 0;
        else
            judge_call(rc, &err, answers);
        rc = strata_iter_next(iter, &err);
    }
    if (rc < 0)
        judge_call(rc, &err, answers);
    else
        answers->wrong += rc == 0 || row != model->count;
}

static void flip_while_open(struct damage *d, size_t bit, const struct model *model)
{
    struct strata_fs *copy = fs_sim_copy(d->s->fs);
    struct answers answers = {0}, verified = {0};
    struct strata_iter *iter;
    struct strata *db = NULL;

    d->bad = false;
    d->at = bit / 8;
    need(copy && subject_open(copy, SPECIMEN_DIR, false, &db, NULL) == 0);
    need(strata_iter_new(db, &iter, NULL) == 0);
    flip_in_place(copy, d->part, bit);
    judge_old_iterator(iter, model, &answers);
    judge_all(db, &d->s->script->history, model, &answers);
    if (bits_is_log(d->part))
        judge_verify(db, false, &verified);
    strata_iter_free(iter);
    strata_close(db, NULL);
    if (fs_sim_open_files(copy))
        refuse(d, "bit %zu: files are still open", bit);
    fs_free(copy);
    count(d, answers.wrong ? OUTCOME_WRONG : answers.errors ? OUTCOME_DETECTED : OUTCOME_HARMLESS);
    if (answers.wrong)
        refuse(d, "bit %zu: %s", bit, answers.first_wrong);
    if (answers.errors)
        check_place(d, &answers.first_error);
    if (bits_is_log(d->part) && !verified.errors)
        refuse(d, "bit %zu: verify does not see it", bit);
}

static void flip_all_while_open(struct damage *d)
{
    size_t bits = 8 * d->part->bytes.size;
    struct model model = {0};

    history_model(&d->s->script->history, d->s->script->history.count, &model);
    for (size_t bit = 0; bit < bits; bit += d->loop->step ? d->loop->step : 1) {
        show_progress(d, bit, bits);
        flip_while_open(d, bit, &model);
    }
    model_free(&model);
}

/* ---- The whole file -------------------------------------------------------------------- */

/* Between two records a cut leaves nothing to tell of. Anywhere else it leaves a torn tail, and
 * that it is dropped is to be told: so of two neighbouring cuts one is, at least. */
static void cut_all(struct damage *d)
{
    size_t size = d->part->bytes.size, before = 0; /* n of a shorter cut */
    bool silent = false;

    for (size_t at = 0; at < size; at++) {
        struct judgement j;
        bool prefix;
        show_progress(d, at, size);
        judge_bytes(d, strata_bytes(d->part->bytes.data, at), at, size, &j);
        prefix = j.outcome == OUTCOME_PREFIX;
        if (prefix && j.n < before)
            refuse(d, "less than of a shorter file");
        if (prefix && silent && !d->warned)
            refuse(d, "what was dropped is told nowhere");
        before = prefix ? j.n : before;
        silent = prefix && !d->warned;
    }
}

static void remove_it(struct damage *d)
{
    struct strata_fs *copy = fs_sim_copy(d->s->fs);
    struct judgement j;

    need(copy && fs_remove(copy, d->part->path, NULL) == 0);
    d->bad = false;
    d->at = 0;
    d->to_end = d->changes = true;
    judge_copy(d, copy, &j);
    if (j.outcome == OUTCOME_DETECTED && j.answers.first_error.code != STRATA_ERR_CORRUPT)
        refuse(d, "it is not told as damage: %s", j.answers.first_error.message);
}

static void put_back_file(struct damage *d)
{
    const struct strata_buffer *own = &d->part->bytes;

    for (size_t i = 0; i < d->part->older_count; i++) {
        const struct strata_buffer *older = &d->part->older[i];
        struct judgement j;
        size_t at = 0;
        while (at < older->size && at < own->size && older->data[at] == own->data[at])
            at++;
        judge_bytes(d, strata_buffer_slice(older), at, SIZE_MAX, &j);
    }
}

/* What was appended may be told of or dropped as a torn tail; nothing else is to change. */
static void append(struct damage *d, const uint8_t *more, size_t size)
{
    const struct part *part = d->part;
    struct strata_buffer bytes = {0};
    struct judgement j;

    copy_part(&bytes, part);
    need(strata_buffer_append(&bytes, more, size) == 0);
    d->bad = false;
    d->at = part->bytes.size;
    d->to_end = false;
    d->changes = true;
    judge_copy(d, specimen_with(d->s, part, strata_buffer_slice(&bytes)), &j);
    strata_buffer_free(&bytes);
}

static void append_all(struct damage *d)
{
    static const size_t sizes[] = {1, 16, 17, 511, 4096};
    const struct strata_buffer *own = &d->part->bytes;
    uint8_t zeros[4096] = {0}, ones[4096];

    memset(ones, 0xff, sizeof ones);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        append(d, zeros, sizes[i]);
        append(d, ones, sizes[i]);
    }
    for (size_t i = 1; i < d->part->section_count; i++) /* what may be records */
        append(d, own->data + d->part->sections[i], own->size - (size_t)d->part->sections[i]);
}

/* ---- Sectors and records --------------------------------------------------------------- */

/* Puts other bytes at [at, at + size) of `bytes`. */
static void put(struct strata_buffer *bytes, size_t at, const uint8_t *with, size_t size)
{
    need(size <= bytes->size && at <= bytes->size - size);
    memcpy(bytes->data + at, with, size);
}

static void overwrite(struct damage *d, size_t at, const uint8_t *with, size_t size)
{
    struct strata_buffer bytes = {0};
    struct judgement j;

    copy_part(&bytes, d->part);
    put(&bytes, at, with, size);
    judge_bytes(d, strata_buffer_slice(&bytes), at, at + size, &j);
    strata_buffer_free(&bytes);
}

static void swap(struct damage *d, size_t a, size_t b, size_t size)
{
    struct strata_buffer bytes = {0};
    struct judgement j;

    copy_part(&bytes, d->part);
    put(&bytes, a, d->part->bytes.data + b, size);
    put(&bytes, b, d->part->bytes.data + a, size);
    judge_bytes(d, strata_buffer_slice(&bytes), a, b + size, &j);
    strata_buffer_free(&bytes);
}

static size_t sector_size(const struct part *part, size_t at)
{
    size_t left = part->bytes.size - at;
    return left < SECTOR ? left : SECTOR;
}

static void zero_sectors(struct damage *d)
{
    static const uint8_t zeros[SECTOR];
    for (size_t at = 0; at < d->part->bytes.size; at += SECTOR)
        overwrite(d, at, zeros, sector_size(d->part, at));
}

/* A write that the device took and never made: zeros where there was nothing yet. */
static void put_back_sector(struct damage *d, const struct strata_buffer *older, size_t at)
{
    uint8_t sector[SECTOR] = {0};
    size_t size = sector_size(d->part, at), old = 0;

    if (at < older->size)
        old = older->size - at < size ? older->size - at : size;
    if (old)
        memcpy(sector, older->data + at, old);
    if (memcmp(sector, d->part->bytes.data + at, size) != 0)
        overwrite(d, at, sector, size);
}

static void put_back_sectors(struct damage *d)
{
    static const struct strata_buffer nothing;
    for (size_t at = 0; at < d->part->bytes.size; at += SECTOR) {
        for (size_t i = 0; i < d->part->older_count; i++)
            put_back_sector(d, &d->part->older[i], at);
        if (!d->part->older_count)
            put_back_sector(d, &nothing, at);
    }
}

static void misplace_sectors(struct damage *d)
{
    const struct strata_buffer *own = &d->part->bytes;

    for (size_t a = 0; a + SECTOR <= own->size; a += SECTOR)
        for (size_t b = a + SECTOR; b + SECTOR <= own->size; b += SECTOR)
            if (d->kind == BITS_SWAPPED) {
                swap(d, a, b, SECTOR);
            } else {
                overwrite(d, a, own->data + b, SECTOR);
                overwrite(d, b, own->data + a, SECTOR);
            }
}

/* A whole record, valid as it is, in the place of another of the same size. */
static void misplace_records(struct damage *d)
{
    const uint64_t *at = d->part->sections;
    size_t count_of = d->part->section_count;

    for (size_t to = 0; to < count_of; to++)
        for (size_t from = 0; from < count_of; from++)
            if (from != to && at[from + 1] - at[from] == at[to + 1] - at[to])
                overwrite(d, (size_t)at[to], d->part->bytes.data + at[from],
                          (size_t)(at[to + 1] - at[to]));
}

/* ---------------------------------------------------------------------------------------- */

static void add(struct bits_row *to, const struct bits_row *more)
{
    to->tried += more->tried;
    to->bad += more->bad;
    for (int i = 0; i < OUTCOMES; i++)
        to->outcomes[i] += more->outcomes[i];
}

void bits_run(struct bits_loop *loop, const struct specimen *s, struct part *part,
              enum bits_kind kind, struct bits_row *row)
{
    static void (*const all[BITS_KINDS])(struct damage * d) = {
        [BITS_FLIPPED] = flip_all,
        [BITS_WHILE_OPEN] = flip_all_while_open,
        [BITS_CUT] = cut_all,
        [BITS_REMOVED] = remove_it,
        [BITS_OLD_FILE] = put_back_file,
        [BITS_APPENDED] = append_all,
        [BITS_ZEROED] = zero_sectors,
        [BITS_OLD_SECTOR] = put_back_sectors,
        [BITS_COPIED] = misplace_sectors,
        [BITS_SWAPPED] = misplace_sectors,
        [BITS_RECORDS] = misplace_records,
    };
    struct damage d = {.loop = loop, .s = s, .part = part, .row = row, .kind = kind};

    *row = (struct bits_row){0};
    allocations_reach(subject_object());
    subject_leave_unsynced(s->end == SPECIMEN_UNSYNCED);
    all[kind](&d);
    subject_leave_unsynced(false);
    add(&loop->totals, row);
    if (loop->progress)
        fprintf(loop->progress, "\r\033[K");
}
