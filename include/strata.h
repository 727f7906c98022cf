/* strata.h: the public interface of Strata, a key-value storage engine in stages.
 *
 * A database is a directory. Keys and values are bytes; keys sort as unsigned bytes, a shorter
 * key before a longer one that it begins. Every stage answers the same calls with the same
 * meaning; what differs from stage to stage is cost and promise (enum strata_promise).
 *
 * Conventions, for every function below:
 *   - A function that can fail returns an enum strata_code: 0 done, > 0 a normal "no",
 *     < 0 failure. Test `rc < 0`.
 *   - `err`, always the last argument, may be NULL. It is written on failure only.
 *   - A slice passed in is borrowed for the call. What comes out says who owns it.
 *   - STRATA_ERR_INVALID (an argument breaks a rule stated here) and STRATA_ERR_NO_MEMORY may
 *     come from any function and are named below only where there is more to say.
 *   - Nothing here prints, exits or aborts.
 *
 * Threads: stages 1 and 2, one thread a handle at a time; from STRATA_PROMISE_THREADS on, any
 * thread may call anything on a handle. Iterators, batches and buffers are never shared without
 * the caller's own lock. A handle, and what was made from it, belongs to the process that opened
 * it: in a forked child every call on them fails with STRATA_ERR_INVALID, and the closing ones do
 * nothing; the parent's lock is not the child's.
 */
#ifndef STRATA_H
#define STRATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header: here and nowhere else. Until MAJOR is 1, MINOR grows when programs
 * have to be changed or built again, PATCH when they have not. */
#define STRATA_VERSION_MAJOR 0
#define STRATA_VERSION_MINOR 1
#define STRATA_VERSION_PATCH 0
#define STRATA_TEXT_OF(a, b, c) #a "." #b "." #c
#define STRATA_DOTTED(a, b, c) STRATA_TEXT_OF(a, b, c)
#define STRATA_VERSION                                                                             \
    STRATA_DOTTED(STRATA_VERSION_MAJOR, STRATA_VERSION_MINOR, STRATA_VERSION_PATCH) /* "0.1.0" */

/* STRATA_VERSION of the library that runs. Never NULL; borrowed, lives for ever. */
const char *strata_version(void);

/* Limits. A key may be empty and so may a value. */
#define STRATA_MAX_KEY ((size_t)65536)        /* bytes */
#define STRATA_MAX_VALUE ((size_t)1073741824) /* bytes: 1 GiB */

/* ---- Errors ---------------------------------------------------------------------------- */

enum strata_code {
    STRATA_OK = 0,
    STRATA_NOT_FOUND = 1, /* no such key; for an iterator: past the end */

    STRATA_ERR_INVALID = -1,       /* the caller broke a documented rule */
    STRATA_ERR_CORRUPT = -2,       /* bytes on disk break their format */
    STRATA_ERR_IO = -3,            /* the operating system said no; `sys` is its errno */
    STRATA_ERR_NOT_SUPPORTED = -4, /* the stage does not promise what was asked */
    STRATA_ERR_NO_MEMORY = -5,     /* an allocation failed; nothing was changed by the call */
    STRATA_ERR_LOCKED = -6,        /* another handle has the database open */
    STRATA_ERR_READ_ONLY = -7,     /* a write on a handle opened read-only */
    STRATA_ERR_ABSENT = -8,        /* there is no database there */
    STRATA_ERR_EXISTS = -9,        /* there is one, and `exclusive` was asked for */
    STRATA_ERR_WRONG_STAGE = -10,  /* another stage wrote the database; the message names both */
    STRATA_ERR_BUSY = -11          /* iterators or snapshots are still open */
};

#define STRATA_NO_OFFSET UINT64_MAX

/* What went wrong, where and why. Filled once, where the fault is detected; it holds no pointer
 * and needs no freeing, so it works when memory has run out. Texts that do not fit are cut (a
 * path at its front, a message at its end). */
struct strata_error {
    int code;          /* enum strata_code, < 0 */
    int sys;           /* errno, or 0 */
    uint64_t offset;   /* byte offset in `file`, or STRATA_NO_OFFSET */
    char file[200];    /* path, "" if none */
    char message[300]; /* cause: "record head check 5f00aa11, computed 90c3b2d4" */
};

/* The name of a code: "corrupt", "not supported". Never NULL; borrowed, lives for ever. */
const char *strata_code_name(int code);

/* The whole record as one line, "corrupt: db/000001.log @4096: record head check ...", written
 * to `to` (at most `capacity` bytes with the final NUL; nothing if capacity is 0). Returns `to`. */
char *strata_error_text(const struct strata_error *err, char *to, size_t capacity);

/* ---- Bytes ----------------------------------------------------------------------------- */

/* Borrowed bytes: someone else owns them. `data` may be NULL when `size` is 0. */
struct strata_slice {
    const uint8_t *data;
    size_t size; /* bytes */
};

/* Owned bytes that grow. All zero is a valid empty buffer; strata_buffer_free ends it. Running
 * out of memory is sticky: later appends do nothing until strata_buffer_clear. */
struct strata_buffer {
    uint8_t *data;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated */
    bool out_of_memory;
};

struct strata_slice strata_bytes(const void *data, size_t size);
struct strata_slice strata_string(const char *text); /* without the NUL; NULL gives no bytes */

/* < 0, 0 or > 0 as `a` sorts before, equals or sorts after `b`. */
int strata_compare(struct strata_slice a, struct strata_slice b);

/* Appends `size` bytes. 0, or STRATA_ERR_NO_MEMORY (the buffer keeps what it had). */
int strata_buffer_append(struct strata_buffer *buffer, const void *data, size_t size);
void strata_buffer_clear(struct strata_buffer *buffer); /* empty; keeps the memory */
void strata_buffer_free(struct strata_buffer *buffer);  /* empty; gives the memory back */
struct strata_slice strata_buffer_slice(const struct strata_buffer *buffer); /* borrowed view */

/* ---- Stages and their promises --------------------------------------------------------- */

enum strata_promise {
    STRATA_PROMISE_EXIT = 1u << 0,       /* an acknowledged write survives a clean exit */
    STRATA_PROMISE_KILL = 1u << 1,       /* ... and kill -9 of the process */
    STRATA_PROMISE_POWER_CUT = 1u << 2,  /* ... and, when synced, a power cut */
    STRATA_PROMISE_BATCH = 1u << 3,      /* a batch is all or nothing */
    STRATA_PROMISE_DAMAGE = 1u << 4,     /* a flipped bit is reported, never served */
    STRATA_PROMISE_COMPACT = 1u << 5,    /* dead space comes back */
    STRATA_PROMISE_THREADS = 1u << 6,    /* any thread may call anything */
    STRATA_PROMISE_SNAPSHOT = 1u << 7,   /* snapshots */
    STRATA_PROMISE_TRANSACTION = 1u << 8 /* transactions */
};

struct strata_stage_info {
    unsigned stage;       /* 1, 2, ... */
    const char *name;     /* "01_append_log"; lives for ever */
    unsigned promises;    /* bits of enum strata_promise */
    const char *survives; /* one line for people: "clean exit, kill -9" */
};

/* The stages in this build, in order. `index` counts from 0. 0, or STRATA_NOT_FOUND past the
 * last one. */
int strata_stage_at(size_t index, struct strata_stage_info *info);

/* ---- Opening --------------------------------------------------------------------------- */

enum strata_sync {
    STRATA_SYNC_DEFAULT = 0, /* the strongest that the stage promises */
    STRATA_SYNC_NEVER,       /* a write is done when the kernel has it: survives kill -9 */
    STRATA_SYNC_INTERVAL,    /* synced by the first write after sync_interval_ms or _bytes */
    STRATA_SYNC_ALWAYS       /* a write is done when it is on the device */
};
/* With less than ALWAYS the log is written through a memory mapping (from stage 3 on; not for large
 * values and batches), if the file system can reserve space for it (ext4, XFS, tmpfs). Then a
 * device that cannot read a page back, or a file system that became read-only after an error, can
 * raise SIGBUS; acknowledged writes are as safe as without a mapping. At stage 9 the log of a
 * killed process is made durable by the first write, sync or close; with ALWAYS, by strata_open,
 * unless it is opened read-only. */

/* How tables are merged (stage 7 on; stage 6 is always leveled). */
enum strata_compaction {
    STRATA_COMPACTION_LEVELED = 0, /* both: see below */
    STRATA_COMPACTION_TIERED
};

enum strata_log_level { STRATA_LOG_INFO, STRATA_LOG_WARNING };

/* Internal: a file layer (common/fs/fs.h) and one stage's table of functions (strata_engine.h), for
 * the tests and tools of Strata's own tree. Their headers are not installed. */
struct strata_fs;
struct strata_engine;

/* strata_options_init fills in every default; then change what you need. Never fill it by hand:
 * `size` lets a program built against an older header run with a newer library. */
struct strata_options {
    size_t size;                  /* sizeof(struct strata_options), by strata_options_init */
    unsigned stage;               /* 0: the one that wrote the directory, or the newest */
    bool create;                  /* make the database if there is none (default: no) */
    bool exclusive;               /* with create: STRATA_ERR_EXISTS if there is one */
    bool read_only;               /* no write, no repair of a torn tail, shared lock */
    enum strata_sync sync;        /* when a write may be acknowledged */
    uint32_t sync_interval_ms;    /* for STRATA_SYNC_INTERVAL; default 1000 */
    uint64_t sync_interval_bytes; /* for STRATA_SYNC_INTERVAL; default 1 MiB */
    uint64_t segment_bytes;       /* a log segment is closed at this size (stages 2, 3); 64 MiB */
    size_t memtable_bytes;        /* budget of writes kept in memory (stage 4 on); 64 MiB */
    size_t cache_bytes;           /* most that the block cache takes (stage 5 on); 256 MiB */
    /* May be NULL: silence. Called on any thread that calls the library; it must not call it on the
     * same handle: locks may be held. `message` lives until it returns. */
    void (*log)(void *log_arg, enum strata_log_level level, const char *message);
    void *log_arg;        /* handed to `log` */
    struct strata_fs *fs; /* internal, borrowed until close; NULL: the real file system */
    const struct strata_engine *engine; /* internal; NULL: the built-in one of `stage` */
    size_t block_bytes;                 /* a table is read in blocks of about this (stage 5 on);
                                         * 4 KiB; at least 256 and at most 1 MiB */
    unsigned bloom_bits_per_key;        /* of a table's filter (stage 5 on); 10; 0: no filter */
    bool plain_blocks;                  /* blocks are not compressed (stage 5 on); default: no */
    uint64_t level_bytes; /* target size of the base level, at least; each deeper level has ten
                           * times the target (stage 6 on); 128 MiB; at least 1 KiB */
    uint64_t table_bytes; /* a compaction writes tables of about this size (stage 6 on); 8 MiB; at
                           * least 256 */
    bool mapped_reads;    /* see below (stage 9 on); default: no */
    enum strata_compaction compaction; /* see below (stage 7 on) */
    uint64_t event_log_bytes; /* budget of the event log's files (stage 7 on): strata_events; 1 MiB;
                               * at least 8 KiB; 0: no event log */
    bool dynamic_levels;      /* see below (stage 7 on, with LEVELED); default: yes */
};

/* mapped_reads: blocks of tables are read from memory-mapped files, if they can be mapped, instead
 * of by one system call each: a read that misses the cache takes about half the time. Every block
 * is checked as before, but some errors become signals: the process gets SIGBUS when the device
 * fails to read, or when somebody truncates a file of an open database. Pages that were read count
 * as the process's memory, beyond its budgets; the kernel reclaims them as it needs. A mapped table
 * keeps no descriptor. strata_open, strata_verify and the reading of a table's index and filter use
 * system calls and report errors. */

/* compaction: LEVELED: from level 1 on, tables of a level do not overlap, each level has ten times
 * the target size of the one above it, and one table at a time is merged with the tables that it
 * overlaps on the next level. TIERED (size-tiered): tables stay on level 0, ordered by age; four
 * neighbours of similar size are merged into one. Tables on deeper levels count as the oldest.
 * TIERED writes each entry fewer times. A read asks more tables: up to three for each factor of
 * four between the largest and the smallest table. Replaced and deleted entries stay longer: the
 * files may take twice the space, and three times while the largest are merged. A merge may be as
 * large as the database: the writes that share it do more work each, and the one that ends it
 * writes the filter of all its keys. May be changed between opens; the first writes after a change
 * may wait for a merge of all of level 0. */

/* dynamic_levels (as RocksDB's level_compaction_dynamic_level_bytes): the deepest level has nearly
 * all data, each level above it a tenth of the next, and a level whose target would be less than
 * level_bytes is not used; tables of level 0 are merged into the first level that is. So replaced
 * and deleted entries take at most about an eighth of the files once no compaction is due. Without
 * it level 1 has level_bytes and levels are filled from there: compactions are smaller while there
 * is little data, and the content of a level may exist twice. May be changed between opens: tables
 * on levels that are no longer used are moved down by later compactions. */

/* Writes `size` bytes, sizeof(struct strata_options) as the caller's header has it: the macro. */
void strata_options_init_sized(struct strata_options *options, size_t size);
#define strata_options_init(options)                                                               \
    strata_options_init_sized((options), sizeof(struct strata_options))

struct strata; /* an open database */

/* Opens the database in directory `dir` (with `create`, makes the directory too, but not its
 * parents). `options` may be NULL: all defaults. On success `*out` is the handle, ended by
 * strata_close; on failure it is NULL and nothing stays open or locked.
 *
 * A torn tail that a crash left is dropped and reported to `log`; other damage of what is read here
 * is an error. The rest is checked when it is read, by the call that needs it or by strata_verify:
 * the blocks of tables, and at stage 9 their indexes and filters too. ABSENT         there is no
 * database and `create` is off, or its creation was cut short EXISTS         `create` and
 * `exclusive`, and there is one LOCKED         open elsewhere, in this process or another
 *   WRONG_STAGE    `stage` is not the one that wrote it; or this build has no such stage
 *   CORRUPT        damage, files without a marker, a version this build does not read
 *   NOT_SUPPORTED  `sync` asks for more than the stage promises
 *   IO             as the operating system says, a missing parent directory among them */
int strata_open(const char *dir, const struct strata_options *options, struct strata **out,
                struct strata_error *err);

/* Closes and frees the handle, whatever it returns, but for BUSY: then it stays open. NULL is
 * fine.
 *   BUSY  iterators or snapshots of it are still open
 *   IO    writes that were not synced before may not be durable */
int strata_close(struct strata *db, struct strata_error *err);

/* The stage that answers on this handle. */
void strata_stage(const struct strata *db, struct strata_stage_info *info);

/* ---- Reading and writing one key ------------------------------------------------------- */

/* Stores `value` under `key`, replacing what was there. When it returns 0 the write survives
 * what the stage promises under the handle's sync option. When it fails it may or may not be
 * found after the next open, never half of it.
 *   READ_ONLY, IO (disk full among them; after a write, sync, flush or compaction that failed so,
 *   the handle refuses all further ones: close it and open again) */
int strata_put(struct strata *db, struct strata_slice key, struct strata_slice value,
               struct strata_error *err);

/* Removes `key`; 0 also when it was not there. Fails as strata_put. */
int strata_delete(struct strata *db, struct strata_slice key, struct strata_error *err);

/* Flags of strata_put_with, strata_delete_with and strata_write: at most one of them. */
#define STRATA_WRITE_SYNC 1u /* on the device before it returns, whatever the handle's sync is */
/* With STRATA_SYNC_ALWAYS, too, this write is done when the kernel has it: it survives kill -9. The
 * next synced write, or strata_sync, makes it durable. */
#define STRATA_WRITE_NO_SYNC 2u

/* strata_put and strata_delete with flags, for this one write. Without flags they are the same.
 *   NOT_SUPPORTED  STRATA_WRITE_SYNC on a stage without STRATA_PROMISE_POWER_CUT
 *   INVALID        unknown flags, or both
 *   otherwise as strata_put */
int strata_put_with(struct strata *db, struct strata_slice key, struct strata_slice value,
                    unsigned flags, struct strata_error *err);
int strata_delete_with(struct strata *db, struct strata_slice key, unsigned flags,
                       struct strata_error *err);

/* Copies the value of `key` into `value`, replacing what the buffer held (`value` NULL: only
 * asks whether the key is there). NOT_FOUND leaves the buffer empty.
 *   CORRUPT, IO */
int strata_get(struct strata *db, struct strata_slice key, struct strata_buffer *value,
               struct strata_error *err);

/* ---- Batches --------------------------------------------------------------------------- */

enum strata_op_type { STRATA_OP_PUT = 1, STRATA_OP_DELETE = 2 };

struct strata_op {
    enum strata_op_type type;
    struct strata_slice key, value; /* value: no bytes for a delete */
};

/* Operations to be applied in the order they were added, as one. Owns copies of its keys and
 * values. */
struct strata_batch;

struct strata_batch *strata_batch_new(void); /* NULL: out of memory */
void strata_batch_free(struct strata_batch *batch);
void strata_batch_clear(struct strata_batch *batch); /* empty; keeps the memory */
int strata_batch_put(struct strata_batch *batch, struct strata_slice key, struct strata_slice value,
                     struct strata_error *err);
int strata_batch_delete(struct strata_batch *batch, struct strata_slice key,
                        struct strata_error *err);
/* Adds all operations of `from` to the end of `batch`. `from` is not changed; it may be `batch`
 * itself. NO_MEMORY: `batch` is as it was. */
int strata_batch_append(struct strata_batch *batch, const struct strata_batch *from,
                        struct strata_error *err);
size_t strata_batch_count(const struct strata_batch *batch);
size_t strata_batch_bytes(const struct strata_batch *batch); /* of keys and values */
/* The operation at `index` < count; its slices live until the batch is cleared or freed. */
struct strata_op strata_batch_at(const struct strata_batch *batch, size_t index);

/* Applies the batch, which stays the caller's. An empty one does nothing. `flags` as for
 * strata_put_with.
 *   NOT_SUPPORTED  more than one operation on a stage without STRATA_PROMISE_BATCH, or
 *                  STRATA_WRITE_SYNC on one without STRATA_PROMISE_POWER_CUT: nothing is written
 *   otherwise as strata_put */
int strata_write(struct strata *db, const struct strata_batch *batch, unsigned flags,
                 struct strata_error *err);

/* Makes every write acknowledged so far survive a power cut.
 *   NOT_SUPPORTED  the stage does not promise STRATA_PROMISE_POWER_CUT
 *   READ_ONLY, IO */
int strata_sync(struct strata *db, struct strata_error *err);

/* ---- Iterating ------------------------------------------------------------------------- */

/* An iterator sees the database as it was when the iterator was made, through writes, merges,
 * flushes and compactions. It starts unpositioned; it is positioned exactly when the last
 * moving call returned 0. Direction may change at every position. */
struct strata_iter;

/* `*out` is ended by strata_iter_free, before the database is closed. CORRUPT, IO. */
int strata_iter_new(struct strata *db, struct strata_iter **out, struct strata_error *err);
void strata_iter_free(struct strata_iter *iter); /* NULL is fine */

/* Each of these moves and returns 0, NOT_FOUND when there is no such entry (then the iterator
 * is unpositioned), or CORRUPT or IO (unpositioned too: a scan stops at damage). */
int strata_iter_first(struct strata_iter *iter, struct strata_error *err);
int strata_iter_last(struct strata_iter *iter, struct strata_error *err);
int strata_iter_seek(struct strata_iter *iter, struct strata_slice key,
                     struct strata_error *err); /* to the first key >= `key` */
int strata_iter_seek_before(struct strata_iter *iter, struct strata_slice key,
                            struct strata_error *err); /* to the last key < `key` */
/* INVALID when the iterator is not positioned. */
int strata_iter_next(struct strata_iter *iter, struct strata_error *err);
int strata_iter_prev(struct strata_iter *iter, struct strata_error *err);

bool strata_iter_positioned(const struct strata_iter *iter);
/* The key at the position, borrowed until the iterator moves or is freed; no bytes when it is
 * not positioned. */
struct strata_slice strata_iter_key(const struct strata_iter *iter);
/* The value at the position, borrowed likewise. Some stages read it only now.
 *   INVALID  not positioned
 *   CORRUPT, IO */
int strata_iter_value(struct strata_iter *iter, struct strata_slice *value,
                      struct strata_error *err);

/* ---- Snapshots ------------------------------------------------------------------------- */

/* The database as it is now, to be read later. All three calls answer NOT_SUPPORTED on a stage
 * without STRATA_PROMISE_SNAPSHOT (an iterator is a snapshot at every stage). */
struct strata_snapshot;

int strata_snapshot_new(struct strata *db, struct strata_snapshot **out, struct strata_error *err);
void strata_snapshot_free(struct strata_snapshot *snapshot);
int strata_snapshot_get(struct strata_snapshot *snapshot, struct strata_slice key,
                        struct strata_buffer *value, struct strata_error *err);
int strata_snapshot_iter(struct strata_snapshot *snapshot, struct strata_iter **out,
                         struct strata_error *err);

/* ---- Upkeep ---------------------------------------------------------------------------- */

/* Called now and then with the progress, on the calling thread; `total` is 0 when it is not known.
 * It must not call the library on the same handle: locks may be held. */
struct strata_progress {
    void (*tick)(void *arg, uint64_t done_bytes, uint64_t total_bytes);
    void *arg;
};

/* Writes the memtable to a sorted table. NOT_SUPPORTED on stages without a memtable. From stage 6
 * on it also does all compactions that are due; from stage 7 on it compacts level 0 if that has at
 * least an eighth of the bytes that it would be merged with. */
int strata_flush(struct strata *db, struct strata_error *err);
/* Gives dead space back. `progress` may be NULL. From stage 7 on, tables without tombstones that
 * overlap no others have no dead space: they are not read, unless they are small and many.
 *   NOT_SUPPORTED without STRATA_PROMISE_COMPACT; CORRUPT; otherwise as strata_put */
int strata_compact(struct strata *db, const struct strata_progress *progress,
                   struct strata_error *err);
/* The same for the keys >= `from` and < `to`; an empty `from` or `to` is no bound. From stage 7 on
 * only the tables that hold keys of the range are rewritten, level by level, to the deepest level
 * that has any, with the tables that they overlap there (on level 0, all that overlap with one
 * another). Before stage 7 everything is rewritten. If `to` is before `from`, nothing is done.
 * Fails as strata_compact. */
int strata_compact_range(struct strata *db, struct strata_slice from, struct strata_slice to,
                         const struct strata_progress *progress, struct strata_error *err);
/* Reads and checks every byte that the database relies on. CORRUPT names the first damage. Damage
 * of the event log, on which nothing relies, is only reported to options.log. */
int strata_verify(struct strata *db, const struct strata_progress *progress,
                  struct strata_error *err);
/* As strata_verify, and then whether everything agrees: a scan meets each key once, in order, and a
 * scan backwards the same entries; a get finds each of them, so that no index and no filter hides
 * it; tables have the bounds and the order that their levels demand; and the engine's structures in
 * memory (memtables, the list of tables, the block cache) hold their invariants. It costs a get for
 * each key. Nobody may write to the handle meanwhile, as a get would not find what a scan began to
 * read. CORRUPT names the first thing that does not agree: damage, or a bug of ours. Otherwise as
 * strata_verify. */
int strata_verify_deep(struct strata *db, const struct strata_progress *progress,
                       struct strata_error *err);
/* Copies the database, as it is when this begins, into a new one of the same stage in directory
 * `to`, which must not exist, or be empty, and must not lie in the database. Other threads may go
 * on writing. When it returns 0 the copy is as safe as the stage promises. `progress` may be NULL.
 * From stage 8 on the files of sorted tables are shared as hard links if both are on one file
 * system; otherwise every entry or file is copied and read back. A copy that failed or was cut
 * short is called incomplete by strata_open: remove it.
 *   EXISTS   `to` is not empty
 *   LOCKED   `to` is an open database
 *   CORRUPT  what was read is damaged, or the copy differs
 *   IO */
int strata_backup(struct strata *db, const char *to, const struct strata_progress *progress,
                  struct strata_error *err);

/* One statistic. The strings live until `each` returns. */
struct strata_stat {
    const char *name; /* "fs_bytes_read" */
    const char *unit; /* "bytes", "calls", "records"; "" for a plain number */
    const char *help; /* one line for people */
    uint64_t value;
};

/* Calls `each` for every statistic: of the handle (puts, gets, ...), of the file layer since open,
 * and of the stage. */
int strata_stats(struct strata *db, void (*each)(void *arg, const struct strata_stat *stat),
                 void *arg, struct strata_error *err);
/* The value of the statistic called `name`: "cache_hits". NOT_FOUND: the stage has none of that
 * name. */
int strata_property(struct strata *db, const char *name, uint64_t *value, struct strata_error *err);

/* About how many bytes the entries with keys >= `from` and < `to` take; an empty `from` or `to` is
 * no bound.
 *   stage 4 on  bytes of the files of sorted tables. Entries that are only in the memtable do not
 *               count; deleted and replaced entries do, until they are merged away. Exact to a
 *               block of each table that holds `from` or `to`, of which at most the index is read
 *               (stage 4: exact to an entry). Without bounds: the size of all tables.
 *   before      bytes of keys and values of the range; each is read
 * CORRUPT, IO */
int strata_approximate_size(struct strata *db, struct strata_slice from, struct strata_slice to,
                            uint64_t *bytes, struct strata_error *err);

/* One sorted table. The keys live until `each` returns. */
struct strata_table {
    unsigned level;                        /* 0: newest */
    uint64_t number;                       /* of its file */
    struct strata_slice smallest, largest; /* keys, both in it */
    uint64_t bytes;                        /* of its file */
    uint64_t records;
    uint64_t tombstones; /* of the records: keys that were deleted */
};

/* Calls `each` for every live table, level by level; within a level in key order, or, where tables
 * overlap, the newest first.
 *   NOT_SUPPORTED  the stage has no sorted tables */
int strata_tables(struct strata *db, void (*each)(void *arg, const struct strata_table *table),
                  void *arg, struct strata_error *err);

/* ---- Repair ---------------------------------------------------------------------------- */

/* What a repair did with a file. */
enum strata_fate {
    STRATA_FATE_KEPT,     /* whole, still in use */
    STRATA_FATE_SALVAGED, /* what can be read of it is in a new file; the rest is lost */
    STRATA_FATE_LOST,     /* nothing of it could be used */
    STRATA_FATE_UNUSED,   /* not needed: nothing relied on it, or all of it is elsewhere */
    STRATA_FATE_MADE      /* new */
};
const char *strata_fate_name(enum strata_fate fate); /* "salvaged"; never NULL */

/* Called with what was found and done; each may be NULL. The strings live until it returns. */
struct strata_repair {
    /* A file of the database, and why. */
    void (*file)(void *arg, const char *name, enum strata_fate fate, const char *why);
    /* A part that could not be read had keys between `after` and `before`, perhaps both included;
     * NULL: that bound is not known. */
    void (*range)(void *arg, const char *name, const struct strata_slice *after,
                  const struct strata_slice *before);
    void *arg;
};

/* The outcome of a repair. */
struct strata_repair_sum {
    bool healthy; /* nothing had to be repaired; nothing was changed */
    bool lost;    /* part of a table or log, or a whole file, is lost */
    bool guessed; /* deleted keys may be back: only the tables said which of them are live */
    bool marker;  /* the marker was missing or damaged, and there is a new one */
    uint64_t tables_kept, tables_salvaged, tables_lost, tables_unused;
    uint64_t ranges;     /* of keys that may be missing */
    uint64_t logs;       /* that were read */
    uint64_t operations; /* recovered from them */
    /* Sequence numbers of the operations that are missing in the logs, first and last; 0: none is
     * missing. UINT64_MAX: the last is not known. */
    uint64_t missing_first, missing_last;
};

#define STRATA_REPAIR_DRY_RUN 1u /* report the same, write nothing */

/* Repairs a database that strata_open refuses or strata_verify finds damaged, using everything that
 * can be read. Nobody may have it open. With options.stage a missing or damaged marker (the file
 * STRATA) is written anew, at every stage, if all files are of that stage; before stage 8 nothing
 * else is repaired, and strata_verify says whether the rest is whole. (Whether a copy was cut short
 * cannot be known when its marker is lost.) 0: `sum`, which may not be NULL, says whether anything
 * is lost. `options` and `to` may be NULL.
 *
 * Promise: a key that is in none of the reported ranges, and that none of the missing operations
 * wrote, has its old value, or is deleted as before, unless `guessed` is set. A key in a reported
 * range may have an earlier value, also if it was deleted: the unreadable part hid it. (That the
 * log's last bytes are missing cannot be detected: a crash can leave the same.) No value is
 * invented; everything kept was checked. Nothing is deleted: a file that is no longer used is moved
 * to DIR/lost. A repair that a power cut or an error interrupts leaves the database as it was or
 * repaired; run it again. A healthy database is not changed.
 *
 * How far it goes: every readable block of a damaged table is kept, and every readable batch of a
 * damaged log. If the manifest can be read, it says which files are live and in which order. If
 * not, the tables' notes about each other say so, and a table whose file is missing may go
 * unnoticed; `guessed` is set when they may be wrong: a replaced table whose file still existed may
 * be taken for a live one (not after a clean close). A read error of the device ends the repair:
 * first copy from the device what it still gives.
 *
 *   NOT_SUPPORTED  the marker is whole and the stage has no repair: those before 8
 *   CORRUPT        the marker is missing or damaged, and no stage was given, or it is of an
 *                  incomplete copy; or what was read contradicts itself
 *   WRONG_STAGE    as strata_open; or the marker is missing or damaged, and there is a file that
 *                  is not of the given stage: nothing is written
 *   ABSENT, LOCKED, IO as strata_open */
int strata_repair(const char *dir, const struct strata_options *options, unsigned flags,
                  const struct strata_repair *to, struct strata_repair_sum *sum,
                  struct strata_error *err);
/* What happened to the tables (stage 7 on). */
enum strata_event_type {
    STRATA_EVENT_UNREADABLE,    /* a line of the log that is damaged, or that a crash cut */
    STRATA_EVENT_OPEN,          /* for writing; logged with the first event that follows */
    STRATA_EVENT_CLOSE,         /* cleanly */
    STRATA_EVENT_STANDS,        /* a table existed when this part of the log began */
    STRATA_EVENT_SEAL,          /* a full memtable became immutable and will be flushed */
    STRATA_EVENT_FLUSH_BEGIN,   /* of a memtable to a table of level 0 */
    STRATA_EVENT_FLUSH_END,     /* MADE follows */
    STRATA_EVENT_COMPACT_BEGIN, /* GONE of the inputs follows: they are read, and still exist */
    STRATA_EVENT_COMPACT_END,   /* MADE of the outputs follows; the inputs are obsolete */
    STRATA_EVENT_GIVEN_UP,      /* a flush or compaction failed, or the database was closed */
    STRATA_EVENT_MOVE,          /* a table moved to a deeper level unchanged (trivial move) */
    STRATA_EVENT_STALL,         /* a write was delayed by 10 ms or more */
    STRATA_EVENT_MADE,          /* an output of the flush or compaction that ended last */
    STRATA_EVENT_GONE,          /* an input of the compaction that began last */
    STRATA_EVENTS               /* how many there are */
};

#define STRATA_EVENT_LEVELS 7u

/* One event. A field that does not apply is 0. The keys live until `each` returns. */
struct strata_event {
    enum strata_event_type type;
    const char *name;  /* of the type: "flush begin"; lives for ever */
    uint64_t ns;       /* when: nanoseconds of a clock that starts with the system */
    uint64_t from;     /* level of the inputs, or of the table before it was moved */
    uint64_t level;    /* of the outputs, or of the table */
    uint64_t table;    /* number of its file */
    uint64_t inputs;   /* tables that are read */
    uint64_t outputs;  /* tables that were made */
    uint64_t bytes;    /* of the table, or the memtable, or in all inputs */
    uint64_t written;  /* bytes of all outputs */
    uint64_t records;  /* of the table, or the memtable, or in all inputs */
    uint64_t dropped;  /* of them: replaced by newer ones, or deletes of what is nowhere */
    uint64_t deletes;  /* of the table */
    uint64_t took_ns;  /* a stall, a flush or a compaction, from its beginning */
    uint64_t bytes_in; /* keys and values that were written since it was opened */
    uint64_t level_bytes[STRATA_EVENT_LEVELS]; /* of each level's tables, after it */
    struct strata_slice smallest, largest;     /* keys of the table: of long ones the beginning */
};

/* Calls `each` for every event in the event log, the oldest first. The log is bounded by
 * options.event_log_bytes, written without a sync, and never needed: events that a crash, a full
 * disk or damage took are missing or UNREADABLE. NOT_SUPPORTED  the stage keeps no event log IO,
 * NO_MEMORY */
int strata_events(struct strata *db, void (*each)(void *arg, const struct strata_event *event),
                  void *arg, struct strata_error *err);

/* ---- Removing a database ----------------------------------------------------------------- */

/* Removes the database in directory `dir`, whatever stage wrote it, or what a creation, a copy or a
 * removal that was cut short has left of one. It removes only files that have both the name and the
 * first bytes of a file of that stage. Everything else in the directory stays, and is reported to
 * `left` (may be NULL), name by name; so does the directory itself, empty or not. `options` may be
 * NULL.
 *
 * Cut short by a crash or an error, it leaves a directory that strata_open calls incomplete, never
 * one that opens: call it again.
 *   ABSENT       there is no marker: no database is there
 *   LOCKED       open elsewhere, in this process or another
 *   CORRUPT      the marker is damaged
 *   WRONG_STAGE  this build does not have the stage that wrote it
 *   IO           some of it may be removed */
int strata_destroy(const char *dir, const struct strata_options *options,
                   void (*left)(void *arg, const char *name), void *arg, struct strata_error *err);

#ifdef __cplusplus
}
#endif

#endif
