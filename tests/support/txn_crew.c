/* txn_crew.c: see txn_crew.h. A list is its numbers in text, each with a comma behind it and as
 * many dots as the number says: who reads it sees that it is whole, and one is appended by a merge
 * as it is by a put. */
#include "txn_crew.h"
#include "rng.h"

#include "crash/need.h"
#include "crash/sim/fs_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES 16
#define LIST_MOST 400u  /* that one is put */
#define READ_MOST 1200u /* with what is merged */
#define MERGED_MOST ((READ_MOST - LIST_MOST) / TXN_CREW_MOST)
#define LATER (UINT64_MAX / 2) /* no value expires while this runs, */
#define EARLIER 1              /* or it has expired */
#define LOTS 6u
#define OPEN_MOST 3u /* iterators of a transaction */
#define LAST_SESSION (CYCLES_SESSIONS - 1)

struct session {
    struct sync_thread thread;
    struct txn_crew *crew;
    unsigned number;
    struct rng rng;
    struct strata_buffer found;
    uint64_t list[READ_MOST]; /* the last one read */
    size_t count;
    uint64_t values;         /* appended so far */
    size_t merged;           /* of them, without a look at the list; also in vain */
    uint64_t own[LIST_MOST]; /* what its own key holds */
    size_t own_count;
    bool own_unknown; /* a plain put failed */
};

/* ---- Keys and lists ----------------------------------------------------------------------------
 */

static struct strata_slice key_of(unsigned key, char text[KEY_BYTES])
{
    snprintf(text, KEY_BYTES, "key%02u", key);
    return strata_string(text);
}

static void append_item(uint64_t number, struct strata_buffer *to)
{
    static const char dots[] = "................";
    char text[24];
    int size = snprintf(text, sizeof text, "%llu,", (unsigned long long)number);

    strata_buffer_append(to, text, (size_t)size);
    strata_buffer_append(to, dots, number * 2654435761u % sizeof dots);
    need(to->out_of_memory ? NULL : to);
}

static void write_list(const uint64_t *list, size_t count, struct strata_buffer *to)
{
    strata_buffer_clear(to);
    for (size_t i = 0; i < count; i++)
        append_item(list[i], to);
}

/* False: nobody writes such a value. */
static bool read_list(struct strata_slice value, uint64_t *list, size_t *count)
{
    struct strata_buffer again = {0};
    size_t at = 0;
    bool same;

    for (*count = 0; at < value.size && *count < READ_MOST; at++) {
        uint64_t number = 0;
        for (; at < value.size && value.data[at] >= '0' && value.data[at] <= '9'; at++)
            number = 10 * number + (uint64_t)(value.data[at] - '0');
        list[(*count)++] = number;
        while (at + 1 < value.size && value.data[at + 1] == '.')
            at++;
    }
    write_list(list, *count, &again);
    same = *count > 0 && strata_compare(value, strata_buffer_slice(&again)) == 0;
    strata_buffer_free(&again);
    return same;
}

/* ---- Recording ---------------------------------------------------------------------------------
 */

static void say(struct txn_crew *crew, const char *what, const struct strata_error *err)
{
    char text[300] = "";

    sync_lock(&crew->saying);
    if (!crew->wrong[0])
        snprintf(crew->wrong, sizeof crew->wrong, "%s: %s", what,
                 err ? strata_error_text(err, text, sizeof text) : "a list that nobody writes");
    sync_unlock(&crew->saying);
}

static bool went_well(struct session *session, int rc, const char *what,
                      const struct strata_error *err)
{
    if (rc < 0 && !session->crew->may_fail)
        say(session->crew, what, err);
    return rc >= 0;
}

static struct cycles_txn *begin(struct session *session)
{
    return cycles_begin(&session->crew->history, session->number);
}

/* The writes are asked for. The marks are in the order of their times. */
static void ask(struct session *session, struct cycles_txn *record)
{
    struct txn_crew *crew = session->crew;

    sync_lock(&crew->marking);
    record->asked = ++crew->history.clock;
    if (crew->sim)
        need(fs_sim_start(crew->sim, record->asked) == 0 ? crew : NULL);
    sync_unlock(&crew->marking);
}

static void end(struct session *session, struct cycles_txn *record, enum cycles_outcome outcome)
{
    struct txn_crew *crew = session->crew;
    bool acked = outcome == CYCLES_COMMITTED && record->asked;

    if (acked)
        sync_lock(&crew->marking);
    cycles_end(&crew->history, record, outcome);
    if (acked && crew->sim)
        need(fs_sim_ack(crew->sim, record->end, record->synced) == 0 ? crew : NULL);
    if (acked)
        sync_unlock(&crew->marking);
    crew->commits += outcome == CYCLES_COMMITTED;
}

static unsigned flags_of(struct session *session, struct cycles_txn *record)
{
    record->synced = !session->crew->unsynced || rng_below(&session->rng, 3) == 0;
    return record->synced ? 0 : STRATA_WRITE_NO_SYNC;
}

static uint64_t new_value(struct session *session)
{
    return ++session->values * TXN_CREW_MOST + session->number;
}

/* ---- In a transaction: each returns what the last call did --------------------------------------
 */

struct task {
    struct session *session;
    struct strata_txn *txn;
    struct cycles_txn *record;
    struct strata_error err;
    bool locks; /* it gets for update whatever it appends to */
    struct strata_iter *open[OPEN_MOST];
    unsigned open_count;
};

static int take_list(struct session *session, int rc, struct cycles_txn *record, unsigned key)
{
    session->count = 0;
    if (rc == 0 && !read_list(strata_buffer_slice(&session->found), session->list, &session->count))
        say(session->crew, "get", NULL);
    if (rc != 0 && rc != STRATA_NOT_FOUND)
        return rc;
    cycles_read(record, key, session->list, session->count, false);
    return 0;
}

static int get(struct task *task, unsigned key, bool for_update)
{
    struct session *session = task->session;
    char text[KEY_BYTES];
    int rc;

    strata_buffer_clear(&session->found);
    rc = for_update
             ? strata_txn_get_for_update(task->txn, key_of(key, text), &session->found, &task->err)
             : strata_txn_get(task->txn, key_of(key, text), &session->found, &task->err);
    return take_list(session, rc, task->record, key);
}

static int append(struct task *task, unsigned key, bool for_update)
{
    struct session *session = task->session;
    char text[KEY_BYTES];
    int rc = get(task, key, for_update);

    if (rc != 0 || session->count >= LIST_MOST - 1)
        return rc;
    session->list[session->count++] = new_value(session);
    write_list(session->list, session->count, &session->found);
    rc = session->crew->blind && rng_below(&session->rng, 2)
             ? strata_txn_put_until(task->txn, key_of(key, text),
                                    strata_buffer_slice(&session->found), LATER, &task->err)
             : strata_txn_put(task->txn, key_of(key, text), strata_buffer_slice(&session->found),
                              &task->err);
    if (rc == 0)
        cycles_append(task->record, key, session->list[session->count - 1]);
    return rc;
}

/* A session may merge so many. */
static bool may_merge(struct session *session)
{
    return session->merged < MERGED_MOST;
}

/* Without a look at what is there. */
static int append_by_merge(struct task *task, unsigned key)
{
    struct session *session = task->session;
    uint64_t value = new_value(session);
    char text[KEY_BYTES];
    int rc;

    session->merged++;
    write_list(&value, 1, &session->found);
    rc = strata_txn_merge(task->txn, STRATA_OP_APPEND, key_of(key, text),
                          strata_buffer_slice(&session->found), &task->err);
    if (rc == 0)
        cycles_append(task->record, key, value);
    return rc;
}

/* Keys [from, to) that an iterator reads, forwards or backwards; at most so many entries. */
struct range {
    unsigned from, to, most;
    bool back;
    bool found[TXN_CREW_KEYS];
};

/* Behind all keys that have lists are lots: some at once are put, with one value, which says which,
 * in place of all that were there; or all are deleted. Under snapshot isolation two could each put
 * what the other one does not, so there all are put. */
static struct strata_slice lot_of(unsigned lot, char text[KEY_BYTES])
{
    snprintf(text, KEY_BYTES, "lot%02u", lot);
    return strata_string(text);
}

static bool has_lot(const struct session *session, uint64_t value, unsigned lot)
{
    uint64_t some = value * 2654435761u >> 8 & ((1u << LOTS) - 1);
    return session->crew->isolation != STRATA_SERIALIZABLE || !some || some >> lot & 1;
}

static bool is_lot(struct strata_slice key)
{
    return key.size > 3 && memcmp(key.data, "lot", 3) == 0;
}

/* All that one write has put are there, and no others; or none. */
static int look_at_lots(struct session *session, struct strata_iter *iter, struct strata_error *err)
{
    uint64_t of = 0, *list = session->list;
    struct strata_slice value;
    bool there[LOTS] = {false};
    char text[KEY_BYTES];
    int rc = strata_iter_seek(iter, strata_string("lot"), err);

    while (rc == 0 && (rc = strata_iter_value(iter, &value, err)) == 0) {
        for (unsigned lot = 0; lot < LOTS; lot++)
            there[lot] |= strata_compare(strata_iter_key(iter), lot_of(lot, text)) == 0;
        if (!read_list(value, list, &session->count) || (of && of != list[0]))
            say(session->crew, "lots of two writes", NULL);
        of = list[0];
        rc = strata_iter_next(iter, err);
    }
    for (unsigned lot = 0; rc == STRATA_NOT_FOUND && of && lot < LOTS; lot++)
        if (there[lot] != has_lot(session, of, lot))
            say(session->crew, "other lots than were put", NULL);
    return rc < 0 ? rc : 0;
}

/* TXN_CREW_KEYS: nobody writes such a key. */
static unsigned number_of(struct strata_slice key)
{
    char text[KEY_BYTES];
    unsigned number = 0;

    while (number < TXN_CREW_KEYS && strata_compare(key_of(number, text), key) != 0)
        number++;
    return number;
}

/* What the iterator is at. NOT_FOUND: it is over. */
static int take_entry(struct task *task, struct strata_iter *iter, struct range *range)
{
    struct session *session = task->session;
    unsigned key = number_of(strata_iter_key(iter));
    struct strata_slice value;
    int rc = strata_iter_value(iter, &value, &task->err);

    if (rc < 0)
        return rc;
    if (is_lot(strata_iter_key(iter)))
        return STRATA_NOT_FOUND;
    if (key == TXN_CREW_KEYS || range->found[key] ||
        !read_list(value, session->list, &session->count))
        say(session->crew, "scan", NULL);
    if (key < range->from || key >= range->to || range->found[key])
        return STRATA_NOT_FOUND;
    range->found[key] = true;
    cycles_read(task->record, key, session->list, session->count, true);
    if (--range->most > 0)
        return 0;
    if (range->back)
        range->from = key;
    else
        range->to = key + 1;
    return STRATA_NOT_FOUND;
}

static int enter_range(struct strata_iter *iter, const struct range *range,
                       struct strata_error *err)
{
    char text[KEY_BYTES];
    int rc;

    if (!range->back)
        return strata_iter_seek(iter, key_of(range->from, text), err);
    rc = strata_iter_seek(iter, key_of(range->to, text), err);
    return rc == STRATA_NOT_FOUND ? strata_iter_last(iter, err)
           : rc == 0              ? strata_iter_prev(iter, err)
                                  : rc;
}

/* Every key of the range is found or is not there. */
static int scan_with(struct task *task, struct strata_iter *iter, struct range *range)
{
    int rc = enter_range(iter, range, &task->err);

    while (rc == 0) {
        rc = take_entry(task, iter, range);
        if (rc == 0)
            rc = range->back ? strata_iter_prev(iter, &task->err)
                             : strata_iter_next(iter, &task->err);
    }
    for (unsigned key = range->from; rc >= 0 && key < range->to; key++)
        if (!range->found[key])
            cycles_read(task->record, key, NULL, 0, true);
    return rc < 0 ? rc : 0;
}

/* Some iterators stay open beyond the commit: what they have read counts. */
static int scan(struct task *task)
{
    struct rng *rng = &task->session->rng;
    struct range range = {.from = (unsigned)rng_below(rng, TXN_CREW_KEYS),
                          .most = 1 + (unsigned)rng_below(rng, TXN_CREW_KEYS),
                          .back = rng_below(rng, 2)};
    struct strata_iter *iter;
    int rc = strata_txn_iter(task->txn, &iter, &task->err);

    if (rc != 0)
        return rc;
    range.to = range.from + 1 + (unsigned)rng_below(rng, TXN_CREW_KEYS - range.from);
    rc = scan_with(task, iter, &range);
    if (task->open_count < OPEN_MOST && rng_below(rng, 3) == 0)
        task->open[task->open_count++] = iter;
    else
        strata_iter_free(iter);
    return rc;
}

static unsigned any_key(struct session *session)
{
    return (unsigned)rng_below(&session->rng, TXN_CREW_SHARED);
}

/* By a range, or by a time that is over. */
static int delete_one(struct task *task, unsigned key)
{
    struct session *session = task->session;
    char text[KEY_BYTES], next[KEY_BYTES];

    switch (session->crew->blind ? rng_below(&session->rng, 3) : 0) {
    case 0:
        return strata_txn_delete(task->txn, key_of(key, text), &task->err);
    case 1:
        return strata_txn_delete_range(task->txn, key_of(key, text), key_of(key + 1, next),
                                       &task->err);
    default:
        return strata_txn_put_until(task->txn, key_of(key, text), strata_string("?"), EARLIER,
                                    &task->err);
    }
}

/* A key that it has deleted is not there, until that is rolled back. */
static int delete_behind_savepoint(struct task *task)
{
    unsigned key = any_key(task->session);
    struct strata_buffer found = {0};
    char text[KEY_BYTES];
    uint64_t mark;
    int rc = strata_txn_savepoint(task->txn, &mark, &task->err);

    if (rc == 0)
        rc = delete_one(task, key);
    if (rc == 0)
        rc = strata_txn_get(task->txn, key_of(key, text), &found, &task->err);
    if (rc == 0)
        say(task->session->crew, "what the transaction has deleted", NULL);
    strata_buffer_free(&found);
    return rc == STRATA_NOT_FOUND ? strata_txn_rollback_to(task->txn, mark, &task->err) : rc;
}

/* What has been there never: it expired before it was put. */
static struct strata_slice gone_key(struct session *session, char text[KEY_BYTES])
{
    snprintf(text, KEY_BYTES, "key%02u gone", (unsigned)rng_below(&session->rng, TXN_CREW_KEYS));
    return strata_string(text);
}

static int put_gone(struct task *task)
{
    char text[KEY_BYTES];

    return strata_txn_put_until(task->txn, gone_key(task->session, text), strata_string("?"),
                                EARLIER, &task->err);
}

static int append_behind_savepoint(struct task *task)
{
    size_t ops = task->record->count;
    uint64_t mark;
    int rc = strata_txn_savepoint(task->txn, &mark, &task->err);

    for (uint64_t i = 0; rc == 0 && i < 2; i++)
        rc = append(task, any_key(task->session), false);
    if (rc == 0)
        rc = strata_txn_rollback_to(task->txn, mark, &task->err);
    if (rc == 0)
        cycles_rollback(task->record, ops);
    return rc;
}

static int write_lots(struct task *task, bool puts)
{
    struct session *session = task->session;
    uint64_t value = new_value(session);
    struct strata_iter *iter;
    char text[KEY_BYTES];
    int rc = strata_txn_iter(task->txn, &iter, &task->err);

    if (rc < 0)
        return rc;
    rc = look_at_lots(session, iter, &task->err);
    strata_iter_free(iter);
    if (rc == 0)
        rc = strata_txn_delete_range(task->txn, strata_string("lot"), strata_string("lou"),
                                     &task->err);
    write_list(&value, 1, &session->found);
    for (unsigned lot = 0; rc == 0 && puts && lot < LOTS; lot++)
        if (has_lot(session, value, lot))
            rc = strata_txn_put(task->txn, lot_of(lot, text), strata_buffer_slice(&session->found),
                                &task->err);
    return rc;
}

/* Under snapshot isolation a merge reads nothing, so it comes behind what its transaction has not
 * seen: that is an anomaly of lists. */
static int do_blind(struct task *task, uint64_t what)
{
    struct session *session = task->session;

    if (what > 1)
        return write_lots(task, what == 2);
    if (what == 1 || !may_merge(session) || session->crew->isolation != STRATA_SERIALIZABLE)
        return put_gone(task);
    return append_by_merge(task, any_key(session));
}

static int do_one(struct task *task, bool writes)
{
    struct session *session = task->session;
    uint64_t what = rng_below(&session->rng, writes ? 16 : 6);

    if (writes && session->crew->blind && rng_below(&session->rng, 3) == 0)
        return do_blind(task, what % 4);
    if (what < 4)
        return get(task, any_key(session), false);
    if (what < 6)
        return scan(task);
    if (what < 11)
        return append(task, any_key(session), task->locks);
    if (what < 13)
        return append(task, any_key(session), true);
    if (what < 14)
        return append_behind_savepoint(task);
    return what < 15 ? delete_behind_savepoint(task) : get(task, any_key(session), true);
}

/* ---- Transactions ------------------------------------------------------------------------------
 */

/* CONFLICT, DEADLOCK and TIMEOUT are answers: it has changed nothing. */
static void count_refusal(struct txn_crew *crew, int rc)
{
    crew->conflicts += rc == STRATA_CONFLICT;
    crew->deadlocks += rc == STRATA_DEADLOCK;
    crew->timeouts += rc == STRATA_TIMEOUT;
}

static void commit(struct task *task)
{
    struct session *session = task->session;
    unsigned flags = flags_of(session, task->record);
    int rc;

    ask(session, task->record);
    rc = strata_txn_commit(task->txn, flags, &task->record->number, &task->err);
    went_well(session, rc, "commit", &task->err);
    count_refusal(session->crew, rc);
    end(session, task->record,
        rc == 0  ? CYCLES_COMMITTED
        : rc > 0 ? CYCLES_ABORTED
                 : CYCLES_UNKNOWN);
}

static void run_transaction(struct session *session, bool writes)
{
    struct task task = {.session = session, .record = begin(session)};
    struct strata_txn_options options;
    uint64_t operations = 1 + rng_below(&session->rng, 5);
    bool dropped = rng_below(&session->rng, 10) == 0;
    int rc;

    strata_txn_options_init(&options);
    options.isolation = session->crew->isolation;
    options.read_only = !writes;
    task.locks = rng_below(&session->rng, 4) == 0;
    rc = strata_begin(session->crew->db, &options, &task.txn, &task.err);
    if (!went_well(session, rc, "begin", &task.err)) {
        end(session, task.record, CYCLES_ABORTED);
        return;
    }
    for (uint64_t i = 0; rc == 0 && i < operations; i++) {
        rc = do_one(&task, writes);
        if (rng_below(&session->rng, 2))
            sync_yield(); /* most transactions overlap others */
    }
    went_well(session, rc, "transaction", &task.err);
    count_refusal(session->crew, rc);
    if (rc == 0 && !dropped)
        commit(&task);
    else
        end(session, task.record, CYCLES_ABORTED);
    while (task.open_count > 0)
        strata_iter_free(task.open[--task.open_count]);
    strata_txn_free(task.txn);
}

/* ---- Without a transaction ----------------------------------------------------------------------
 */

/* To the session's own key, of which it knows the list. */
static void put_own(struct session *session)
{
    struct cycles_txn *record = begin(session);
    unsigned key = TXN_CREW_SHARED + session->number, flags = flags_of(session, record);
    struct strata_error err = {0};
    char text[KEY_BYTES];
    int rc;

    session->own[session->own_count++] = new_value(session);
    write_list(session->own, session->own_count, &session->found);
    cycles_append(record, key, session->own[session->own_count - 1]);
    ask(session, record);
    rc = strata_put_with(session->crew->db, key_of(key, text), strata_buffer_slice(&session->found),
                         flags, &err);
    session->own_unknown = !went_well(session, rc, "put", &err);
    end(session, record, rc == 0 ? CYCLES_COMMITTED : CYCLES_UNKNOWN);
}

/* To one that all append to. */
static void merge_one(struct session *session)
{
    struct cycles_txn *record = begin(session);
    unsigned key = any_key(session), flags = flags_of(session, record);
    uint64_t value = new_value(session);
    struct strata_error err = {0};
    char text[KEY_BYTES];
    int rc;

    session->merged++;
    write_list(&value, 1, &session->found);
    cycles_append(record, key, value);
    ask(session, record);
    rc = strata_merge(session->crew->db, STRATA_OP_APPEND, key_of(key, text),
                      strata_buffer_slice(&session->found), flags, &err);
    went_well(session, rc, "merge", &err);
    end(session, record, rc == 0 ? CYCLES_COMMITTED : CYCLES_UNKNOWN);
}

/* Those that were there go first, by a range. */
static int put_lots(struct session *session, struct strata_error *err)
{
    struct strata_batch *batch = need(strata_batch_new());
    uint64_t value = new_value(session);
    char text[KEY_BYTES];
    int rc = strata_batch_delete_range(batch, strata_string("lot"), strata_string("lou"), err);

    write_list(&value, 1, &session->found);
    for (unsigned lot = 0; rc == 0 && lot < LOTS; lot++)
        if (has_lot(session, value, lot))
            rc = strata_batch_put(batch, lot_of(lot, text), strata_buffer_slice(&session->found),
                                  err);
    if (rc == 0)
        rc = strata_write(session->crew->db, batch, 0, err);
    strata_batch_free(batch);
    return rc;
}

static void write_blind(struct session *session)
{
    struct strata *db = session->crew->db;
    struct strata_error err = {0};
    char text[KEY_BYTES];
    int rc;

    switch (rng_below(&session->rng, 4)) {
    case 0:
        rc = strata_put_until(db, gone_key(session, text), strata_string("?"), EARLIER, 0, &err);
        break;
    case 1:
        rc = put_lots(session, &err);
        break;
    case 2:
        rc = strata_delete_range(db, strata_string("lot"), strata_string("lou"), 0, &err);
        break;
    default:
        if (may_merge(session))
            merge_one(session);
        return;
    }
    went_well(session, rc, "a blind write", &err);
}

static void get_one(struct session *session)
{
    struct cycles_txn *record = begin(session);
    unsigned key = (unsigned)rng_below(&session->rng, TXN_CREW_KEYS);
    struct strata_error err = {0};
    char text[KEY_BYTES];
    int rc;

    strata_buffer_clear(&session->found);
    rc = strata_get(session->crew->db, key_of(key, text), &session->found, &err);
    went_well(session, rc, "get", &err);
    rc = take_list(session, rc, record, key);
    end(session, record, rc == 0 ? CYCLES_COMMITTED : CYCLES_ABORTED);
}

static void scan_all(struct session *session, struct strata *db)
{
    struct task task = {.session = session, .record = begin(session)};
    struct range range = {
        .to = TXN_CREW_KEYS, .most = TXN_CREW_KEYS + 1, .back = rng_below(&session->rng, 2)};
    struct strata_iter *iter;
    int rc = strata_iter_new(db, &iter, &task.err);

    if (rc == 0) {
        rc = scan_with(&task, iter, &range);
        if (rc == 0)
            rc = look_at_lots(session, iter, &task.err);
        strata_iter_free(iter);
    }
    went_well(session, rc, "scan", &task.err);
    end(session, task.record, rc == 0 ? CYCLES_COMMITTED : CYCLES_ABORTED);
}

static void keep_up(struct session *session)
{
    struct strata_error err = {0};
    int rc = rng_below(&session->rng, 2) ? strata_flush(session->crew->db, &err)
                                         : strata_compact(session->crew->db, NULL, &err);

    if (rc != STRATA_ERR_NOT_SUPPORTED)
        went_well(session, rc, "upkeep", &err);
}

/* ---- Running -----------------------------------------------------------------------------------
 */

static void *work(void *arg)
{
    struct session *session = arg;
    struct txn_crew *crew = session->crew;

    for (unsigned i = 0; i < crew->transactions; i++) {
        uint64_t what = rng_below(&session->rng, 16);
        if (what < 10)
            run_transaction(session, true);
        else if (what < 12)
            run_transaction(session, false);
        else if (what < 14 && crew->plain && !session->own_unknown)
            put_own(session);
        else if (what < 15)
            get_one(session);
        else
            scan_all(session, crew->db);
        if (crew->blind && crew->plain && rng_below(&session->rng, 4) == 0)
            write_blind(session);
        if (crew->upkeep && rng_below(&session->rng, 8) == 0)
            keep_up(session);
    }
    return NULL;
}

void txn_crew_init(struct txn_crew *crew)
{
    need(sync_mutex_init(&crew->marking) == 0 && sync_mutex_init(&crew->saying) == 0 ? crew : NULL);
}

void txn_crew_free(struct txn_crew *crew)
{
    sync_mutex_free(&crew->marking);
    sync_mutex_free(&crew->saying);
    cycles_free(&crew->history);
}

bool txn_crew_read_all(struct txn_crew *crew, struct strata *db)
{
    struct session *session = need(calloc(1, sizeof *session));

    session->crew = crew;
    session->number = LAST_SESSION;
    scan_all(session, db);
    strata_buffer_free(&session->found);
    free(session);
    return !crew->wrong[0];
}

void txn_crew_run(struct txn_crew *crew)
{
    struct session *sessions = need(calloc(TXN_CREW_MOST, sizeof *sessions));

    for (unsigned i = 0; i < crew->sessions; i++) {
        sessions[i].crew = crew;
        sessions[i].number = i;
        rng_init(&sessions[i].rng, crew->seed * TXN_CREW_MOST + i);
        need(sync_start(&sessions[i].thread, work, &sessions[i]) == 0 ? crew : NULL);
    }
    for (unsigned i = 0; i < crew->sessions; i++) {
        sync_join(&sessions[i].thread);
        strata_buffer_free(&sessions[i].found);
    }
    free(sessions);
    txn_crew_read_all(crew, crew->db);
}
