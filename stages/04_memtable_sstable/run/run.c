/* run.c: a run's bytes. It is stage 1's log, sorted: a file header with the magic "STRATRUN" and
 * the run's number, and then records in stage 1's framing (01_append_log/record.c), little-endian:
 *
 *   +--------+--------------------------------+--------------------------------+---------+
 *   | header | put or delete, keys ascending  | index: places of 128 records   |  end    |
 *   |     24 | record | record | ...          | page (type 7) | page | ...     | (type 8)|
 *   +--------+--------------------------------+--------------------------------+---------+
 *            ^ 24                             ^ end.index                      ^ 65 before the end
 *
 *   value of a page: 1 to 128 offsets, 8 bytes each; all pages but the last have 128
 *   value of the end: | records 8 | tombstones 8 | index 8 | first 8 | last 8 | digest 8 |
 *
 * A run is valid iff every record is, the end is where the file ends, the pages hold the places
 * of all records in order and nothing else, keys ascend, and counts and digest add up. Every byte
 * lies in a record or in the header, so a check covers each.
 *
 * 4.I10: no byte is relied on before its check: for every step of a search a page and a record are
 *        read whole and checked.
 * 4.I11: no number of the file is used before it is known to lie within it; a wrong offset given by
 *        a page leads to a record that does not check there, as the offset seeds its checks.
 * 4.I12: each key is here once. Older versions are needed only by readers who came before the
 *        flush, and those hold the memtable. So the records need no sequence numbers: of two runs
 *        all of one are newer (sum.first, sum.last).
 *
 * A get costs log2(n) steps, each a page and a record: this stage's weakness. What would help is
 * a part of the index in memory, and that is stage 5's, whose blocks make it small. */
#include "04_memtable_sstable/run/run.h"
#include "01_append_log/record.h"
#include "02_hash_index/index.h"
#include "02_hash_index/segment.h"
#include "base/bytes.h"
#include "base/coding.h"
#include "base/cost.h"

#include <assert.h>
#include <stdlib.h>

#define END_VALUE 48
#define END_BYTES (RECORD_HEAD + END_VALUE)
#define PAGE_BYTES (RECORD_HEAD + 8 * RUN_PAGE)

struct run {
    struct sstable base;
    const struct strata_env *env;
    struct fs_file *file;
    uint64_t index; /* where its first page begins */
};

/* ---- Opening ----------------------------------------------------------------------------- */

static bool decode_end(struct strata_slice value, struct run *run)
{
    struct sstable_sum *sum = &run->base.sum;
    struct decoder d;

    decoder_init(&d, value);
    sum->records = get_u64(&d);
    sum->tombstones = get_u64(&d);
    run->index = get_u64(&d);
    sum->first = get_u64(&d);
    sum->last = get_u64(&d);
    sum->digest = get_u64(&d);
    return decoder_done(&d);
}

/* Do the parts fill the file? (4.I11) */
static bool adds_up(const struct run *run, uint64_t at)
{
    const struct sstable_sum *sum = &run->base.sum;
    uint64_t pages = sum->records / RUN_PAGE + (sum->records % RUN_PAGE != 0);

    return sum->records && sum->records <= at / RECORD_HEAD && sum->tombstones <= sum->records &&
           sum->first <= sum->last && sum->last <= CODING_NUMBER_MAX &&
           run->index >= RECORD_FILE_HEADER && run->index <= at &&
           at - run->index == pages * RECORD_HEAD + 8 * sum->records;
}

/* What the last record says of the others. */
static int read_end(struct run *run, struct strata_error *err)
{
    uint64_t size = run->file->end, at = size - END_BYTES;
    struct strata_buffer body = {0};
    struct record record;
    int rc;

    if (size < RECORD_FILE_HEADER + END_BYTES)
        return sstable_corrupt(&run->base, size, "the file ends before a run could", err);
    rc = record_at(run->file, run->base.number, at, size, RUN_END, &body, &record, err);
    if (rc == 0 && /* with so long a value there is no room for a key */
        (record.type != RUN_END || !decode_end(record.value, run) || !adds_up(run, at)))
        rc =
            sstable_corrupt(&run->base, at, "the run's end is none, or does not fit the file", err);
    strata_buffer_free(&body);
    return rc;
}

/* What a search holds: the page and the record that it has read last. */
struct probe {
    struct strata_buffer page, body;
    uint64_t page_number; /* in `page`, if that holds any bytes */
    struct record record; /* its key and value lie in body */
};

static void probe_free(struct probe *probe)
{
    strata_buffer_free(&probe->page);
    strata_buffer_free(&probe->body);
}

static int read_page(const struct run *run, struct probe *probe, uint64_t number,
                     struct strata_error *err)
{
    uint64_t at = run->index + number * PAGE_BYTES, left = run->base.sum.records;
    struct record record;
    int rc = record_at(run->file, run->base.number, at, run->file->end, RUN_END, &probe->page,
                       &record, err);

    left -= number * RUN_PAGE;
    if (rc == 0 && (record.type != RUN_INDEX || record.key.size ||
                    record.value_size != 8 * (left < RUN_PAGE ? left : RUN_PAGE)))
        rc = sstable_corrupt(&run->base, at, "no page of the index is here", err);
    if (rc < 0)
        strata_buffer_clear(&probe->page);
    probe->page_number = number;
    return rc;
}

/* The offset of record `n`, among the records (4.I11). */
static int offset_of(const struct run *run, struct probe *probe, uint64_t n, uint64_t *offset,
                     struct strata_error *err)
{
    uint64_t number = n / RUN_PAGE;
    struct decoder d;
    int rc = 0;

    assert(n < run->base.sum.records); /* 4.I11 */
    if (!probe->page.size || probe->page_number != number)
        rc = read_page(run, probe, number, err);
    if (rc < 0)
        return rc;
    decoder_init(&d, strata_buffer_slice(&probe->page));
    get_bytes(&d, n % RUN_PAGE * 8);
    *offset = get_u64(&d);
    return *offset >= RECORD_FILE_HEADER && *offset < run->index
               ? 0
               : sstable_corrupt(&run->base, run->index + number * PAGE_BYTES,
                                 "the index names an offset outside the records", err);
}

/* Reads record `n`, whole. */
static int read_record(const struct run *run, struct probe *probe, uint64_t n,
                       struct strata_error *err)
{
    uint64_t offset;
    int rc = offset_of(run, probe, n, &offset, err);

    return rc < 0 ? rc
                  : record_at(run->file, run->base.number, offset, run->index, STRATA_OP_DELETE,
                              &probe->body, &probe->record, err);
}

static int read_bounds(struct run *run, struct strata_error *err)
{
    struct strata_buffer *const to[] = {&run->base.smallest, &run->base.largest};
    struct probe probe = {0};
    int rc = 0;

    for (int i = 0; rc == 0 && i < 2; i++) {
        rc = read_record(run, &probe, i ? run->base.sum.records - 1 : 0, err);
        if (rc == 0)
            rc = buffer_set(to[i], probe.record.key, err);
    }
    if (rc == 0 && strata_compare(strata_buffer_slice(to[0]), strata_buffer_slice(to[1])) > 0)
        rc = sstable_corrupt(&run->base, run->index, "the first key is after the last", err);
    probe_free(&probe);
    return rc;
}

static void run_close(struct sstable *table)
{
    fs_close(((struct run *)table)->file, NULL); /* it was only read: nothing is lost */
    sstable_free(table);
}

static int run_open(const struct strata_env *env, void *common, uint64_t number,
                    struct sstable **out, struct strata_error *err)
{
    struct run *run = calloc(1, sizeof *run);
    struct strata_error why;
    int rc;

    (void)common;
    *out = NULL;
    if (!run)
        return strata_fail_memory(err, sizeof *run);
    run->env = env;
    rc = sstable_init(&run->base, &run_kind, env, number, err);
    if (rc == 0) {
        rc = fs_open(env->fs, run->base.path, FS_READ, &run->file, &why);
        rc = sstable_opened(&run->base, run->file, rc, &why, err);
    }
    if (rc == 0)
        rc = read_end(run, err);
    if (rc == 0)
        rc = read_bounds(run, err);
    if (rc < 0)
        run_close(&run->base);
    else
        *out = &run->base;
    return rc;
}

/* ---- Finding ----------------------------------------------------------------------------- */

/* The first record whose key is not before `key`: *at, which may be the number of records.
 * `found`: it has this key, and the probe holds it. */
static int search(const struct run *run, struct strata_slice key, struct probe *probe, uint64_t *at,
                  bool *found, struct strata_error *err)
{
    uint64_t low = 0, high = run->base.sum.records;

    *found = false;
    while (low < high && !*found) {
        uint64_t middle = low + (high - low) / 2;
        int order, rc = read_record(run, probe, middle, err);
        if (rc < 0)
            return rc;
        order = strata_compare(probe->record.key, key);
        *found = order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *at = high;
    return 0;
}

static int run_get(struct sstable *table, struct strata_slice key, unsigned *type,
                   struct strata_buffer *value, struct strata_error *err)
{
    const struct run *run = (struct run *)table;
    struct probe probe = {0};
    uint64_t at;
    bool found;
    int rc = search(run, key, &probe, &at, &found, err);

    cost_so_far.tables++;
    if (rc == 0 && found) {
        *type = probe.record.type;
        record_keep_value(&probe.record, &probe.body);
        strata_buffer_free(value);
        *value = probe.body;
        probe.body = (struct strata_buffer){0};
    }
    probe_free(&probe);
    return rc < 0 ? rc : found ? 0 : STRATA_NOT_FOUND;
}

/* ---- The cursor -------------------------------------------------------------------------- */

struct run_cursor {
    struct cursor base;
    const struct run *run;
    struct probe probe;
    struct record_reader reader; /* behind the record */
    struct record record;
    uint64_t n; /* which record that is */
};

static int show(struct run_cursor *c, uint64_t n)
{
    c->n = n;
    c->base.iter.key = c->record.key;
    c->base.iter.value = c->record.value;
    c->base.iter.has_value = true;
    c->base.type = c->record.type;
    return 0;
}

/* Reads the next record, which is record `n`. */
static int read_on(struct run_cursor *c, uint64_t n, struct strata_error *err)
{
    int rc = record_next(&c->reader, &c->record, err);

    if (rc > 0)
        rc = sstable_corrupt(&c->run->base, c->reader.at, "a record ends behind the last one's end",
                             err);
    return rc < 0 ? rc : show(c, n);
}

/* To record `n`, by its place. */
static int go_to(struct run_cursor *c, uint64_t n, struct strata_error *err)
{
    int rc = read_record(c->run, &c->probe, n, err);

    if (rc < 0)
        return rc;
    c->record = c->probe.record;
    c->reader.at = c->record.next;
    return show(c, n);
}

static int run_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    struct run_cursor *c = (struct run_cursor *)iter;
    uint64_t at = 0;
    bool found;
    int order = sstable_compare_key(&c->run->base, key);
    int rc = order == 0 ? search(c->run, key, &c->probe, &at, &found, err) : 0;

    if (order > 0)
        return STRATA_NOT_FOUND;
    return rc < 0 ? rc : go_to(c, at, err);
}

static int run_last(struct strata_iter *iter, struct strata_error *err)
{
    struct run_cursor *c = (struct run_cursor *)iter;
    return go_to(c, c->run->base.sum.records - 1, err);
}

static int run_next(struct strata_iter *iter, struct strata_error *err)
{
    struct run_cursor *c = (struct run_cursor *)iter;
    return c->n + 1 < c->run->base.sum.records ? read_on(c, c->n + 1, err) : STRATA_NOT_FOUND;
}

static int run_prev(struct strata_iter *iter, struct strata_error *err)
{
    struct run_cursor *c = (struct run_cursor *)iter;
    return c->n ? go_to(c, c->n - 1, err) : STRATA_NOT_FOUND;
}

static void run_cursor_free(struct strata_iter *iter)
{
    struct run_cursor *c = (struct run_cursor *)iter;
    probe_free(&c->probe);
    record_reader_free(&c->reader);
    free(c);
}

static void cursor_init(struct run_cursor *c, const struct run *run)
{
    static const struct strata_iter_ops ops = {run_seek, run_last,         run_next,
                                               run_prev, cursor_has_value, run_cursor_free};
    *c =
        (struct run_cursor){.base = {.iter.ops = &ops, .sequence = run->base.sum.last}, .run = run};
    record_reader_init(&c->reader, run->file, run->base.number, run->index);
}

static struct cursor *run_cursor(struct sstable *table, bool once)
{
    struct run_cursor *c = malloc(sizeof *c);

    (void)once; /* nothing is kept in any case */
    if (!c)
        return NULL;
    cursor_init(c, (struct run *)table);
    return &c->base;
}

/* ---- Verifying --------------------------------------------------------------------------- */

/* Is the cursor's record in order, and where the index says? `before`: the last key. */
static int verify_record(struct run_cursor *c, struct strata_buffer *before,
                         struct strata_error *err)
{
    struct strata_slice key = c->base.iter.key;
    uint64_t at;
    int rc = offset_of(c->run, &c->probe, c->n, &at, err);

    if (rc == 0 && at != c->record.offset)
        rc = sstable_corrupt(&c->run->base, c->record.offset,
                             "the index has another offset for this record", err);
    if (rc == 0 && c->n && strata_compare(strata_buffer_slice(before), key) >= 0)
        rc = sstable_corrupt(&c->run->base, c->record.offset,
                             "this key is not behind the one before it", err);
    return rc == 0 ? buffer_set(before, key, err) : rc;
}

static int verify_records(struct sstable *table, struct strata_error *err)
{
    const struct run *run = (struct run *)table;
    struct strata_buffer before = {0};
    struct sstable_sum sum = {0};
    struct run_cursor c;
    int rc;

    cursor_init(&c, run);
    for (rc = go_to(&c, 0, err); rc == 0; rc = run_next(&c.base.iter, err)) {
        rc = verify_record(&c, &before, err);
        if (rc < 0)
            break;
        sum.records++;
        sum.digest += segment_digest(index_hash(c.record.key), c.record.offset, c.record.type);
        sum.tombstones += c.record.type == STRATA_OP_DELETE;
    }
    if (rc > 0 && (sum.records != table->sum.records || c.reader.at != run->index ||
                   sum.tombstones != table->sum.tombstones || sum.digest != table->sum.digest))
        rc = sstable_corrupt(table, run->index,
                             "the records are not those that the run's end describes", err);
    strata_buffer_free(&before);
    probe_free(&c.probe);
    record_reader_free(&c.reader);
    return rc < 0 ? rc : 0;
}

static int run_verify(struct sstable *table, struct strata_error *err)
{
    return sstable_verify_anew(table, ((struct run *)table)->env, NULL, verify_records, err);
}

const struct sstable_kind run_kind = {
    .suffix = RUN_SUFFIX,
    .magic = RUN_MAGIC,
    .open = run_open,
    .close = run_close,
    .get = run_get,
    .cursor = run_cursor,
    .verify = run_verify,
    .writer_new = run_writer_new,
    .writer_add = run_writer_add,
    .writer_finish = run_writer_finish,
    .writer_del = run_writer_del,
};
