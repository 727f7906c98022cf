/* strata.h: the public interface of Strata, a key-value storage engine in stages.
 *
 * A database is a directory. Keys and values are bytes; keys sort as unsigned bytes, a shorter
 * key before a longer one that it begins. Every stage answers the same calls with the same
 * meaning; what differs from stage to stage is cost and promise (enum strata_promise).
 *
 * Conventions, for every function below:
 *   - A function that can fail returns an enum strata_code: 0 is success, > 0 a normal negative
 *     answer (not found), < 0 an error. Test `rc < 0`.
 *   - `err`, always the last argument, may be NULL. It is written on failure only.
 *   - Slices passed in are borrowed for the call. The comment of a function that returns bytes or
 *     an object says who owns it.
 *   - Each comment lists the errors of its function, without the prefix STRATA_ERR_. INVALID (an
 *     argument breaks a rule stated here) and NO_MEMORY may be returned by any function and are
 *     listed only where there is more to say.
 *   - The library never prints and never ends the process.
 *
 * Threads: with STRATA_PROMISE_THREADS (stage 3 on) any thread may make any call on a handle at any
 * time; without it (stages 1 and 2) a handle may be used by one thread at a time. Iterators, views,
 * transactions, batches and buffers need the caller's own lock if threads share them. A handle and
 * its iterators, snapshots and views belong to the process that opened it: in a forked child every
 * call on them fails with INVALID, and the functions that free them do nothing; the parent keeps
 * its lock.
 */
#ifndef STRATA_H
#define STRATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header. While MAJOR is 0, a new MINOR means that programs must be changed or
 * compiled again, a new PATCH that they need not be. */
#define STRATA_VERSION_MAJOR 0
#define STRATA_VERSION_MINOR 1
#define STRATA_VERSION_PATCH 0
#define STRATA_TEXT_OF(a, b, c) #a "." #b "." #c
#define STRATA_DOTTED(a, b, c) STRATA_TEXT_OF(a, b, c)
#define STRATA_VERSION                                                                             \
    STRATA_DOTTED(STRATA_VERSION_MAJOR, STRATA_VERSION_MINOR, STRATA_VERSION_PATCH) /* "0.1.0" */

/* STRATA_VERSION of the library that the program runs with. A static string. */
const char *strata_version(void);

/* Limits. A key may be empty and so may a value. */
#define STRATA_MAX_KEY ((size_t)65536)        /* bytes */
#define STRATA_MAX_VALUE ((size_t)1073741824) /* bytes: 1 GiB */

/* ---- Errors ---------------------------------------------------------------------------- */

enum strata_code {
    STRATA_OK = 0,
    STRATA_NOT_FOUND = 1, /* no such key; for an iterator: past the end */
    STRATA_CONFLICT = 2,  /* of a transaction: another write came in between; try again */
    STRATA_DEADLOCK = 3,  /* of a transaction: it was chosen to end a deadlock; try again */
    STRATA_TIMEOUT = 4,   /* of a transaction: a lock was not free in time */

    STRATA_ERR_INVALID = -1,       /* the caller broke a documented rule */
    STRATA_ERR_CORRUPT = -2,       /* bytes on disk break their format */
    STRATA_ERR_IO = -3,            /* a system call failed; `sys` is its errno */
    STRATA_ERR_NOT_SUPPORTED = -4, /* the stage does not promise what was asked */
    STRATA_ERR_NO_MEMORY = -5,     /* an allocation failed; nothing was changed by the call */
    STRATA_ERR_LOCKED = -6,        /* another handle has the database open */
    STRATA_ERR_READ_ONLY = -7,     /* a write on a handle opened read-only */
    STRATA_ERR_ABSENT = -8,        /* there is no database there */
    STRATA_ERR_EXISTS = -9,        /* there is one, and a new one was requested */
    STRATA_ERR_WRONG_STAGE = -10,  /* another stage wrote the database; the message names both */
    STRATA_ERR_BUSY = -11          /* iterators, snapshots, views or transactions are still open */
};

#define STRATA_NO_OFFSET UINT64_MAX

/* What went wrong, where and why; filled in where the error is detected. It holds no pointers: it
 * needs no freeing and can be copied. Texts that do not fit are cut (a path at its front, a message
 * at its end). */
struct strata_error {
    int code;          /* the enum strata_code < 0 that the function returned */
    int sys;           /* errno of the system call that failed, or 0 */
    uint64_t offset;   /* byte offset in `file`, or STRATA_NO_OFFSET */
    char file[200];    /* path, "" if none */
    char message[300]; /* cause: "record head check 5f00aa11, computed 90c3b2d4" */
};

/* The name of a code: "corrupt", "not supported". A static string, never NULL. */
const char *strata_code_name(int code);

/* The error as one line, "corrupt: db/000001.log @4096: record head check ...", written to `to`: at
 * most `capacity` bytes including the final NUL, nothing if it is 0. Returns `to`. */
char *strata_error_text(const struct strata_error *err, char *to, size_t capacity);

/* ---- Bytes ----------------------------------------------------------------------------- */

/* Borrowed bytes (LevelDB's Slice). `data` may be NULL when `size` is 0. */
struct strata_slice {
    const uint8_t *data;
    size_t size; /* bytes */
};

/* Bytes that the caller owns and that grow as needed. Initialize it with {0}; free it with
 * strata_buffer_free. After an append that failed for lack of memory, all later appends fail too,
 * until strata_buffer_clear. */
struct strata_buffer {
    uint8_t *data;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated */
    bool out_of_memory;
};

struct strata_slice strata_bytes(const void *data, size_t size);
struct strata_slice strata_string(const char *text); /* without the NUL; NULL: no bytes */

/* < 0, 0 or > 0 as `a` sorts before, equals or sorts after `b`. */
int strata_compare(struct strata_slice a, struct strata_slice b);

/* Appends `size` bytes. 0, or NO_MEMORY (the buffer keeps its contents). */
int strata_buffer_append(struct strata_buffer *buffer, const void *data, size_t size);
void strata_buffer_clear(struct strata_buffer *buffer); /* empties it; keeps the memory */
void strata_buffer_free(struct strata_buffer *buffer);  /* empties it; frees the memory */
/* The contents, borrowed until the buffer is changed or freed. */
struct strata_slice strata_buffer_slice(const struct strata_buffer *buffer);

/* ---- Stages and their promises --------------------------------------------------------- */

enum strata_promise {
    STRATA_PROMISE_EXIT = 1u << 0,        /* an acknowledged write survives a clean exit */
    STRATA_PROMISE_KILL = 1u << 1,        /* ... and kill -9 of the process */
    STRATA_PROMISE_POWER_CUT = 1u << 2,   /* ... and, when synced, a power cut */
    STRATA_PROMISE_BATCH = 1u << 3,       /* a batch is all or nothing */
    STRATA_PROMISE_DAMAGE = 1u << 4,      /* a flipped bit is reported, never served */
    STRATA_PROMISE_COMPACT = 1u << 5,     /* space of replaced and deleted entries is reclaimed */
    STRATA_PROMISE_THREADS = 1u << 6,     /* any thread may make any call at any time */
    STRATA_PROMISE_SNAPSHOT = 1u << 7,    /* snapshots */
    STRATA_PROMISE_TRANSACTION = 1u << 8, /* transactions */
    STRATA_PROMISE_READERS = 1u << 9, /* others may read while one handle writes: see read_only */
    STRATA_PROMISE_MERGE = 1u << 10,  /* merge operators */
    STRATA_PROMISE_EXPIRY = 1u << 11, /* values that expire: strata_put_until */
    STRATA_PROMISE_RANGE = 1u << 12   /* range deletes: strata_delete_range */
};

struct strata_stage_info {
    unsigned stage;       /* 1, 2, ... */
    const char *name;     /* "01_append_log"; a static string */
    unsigned promises;    /* bits of enum strata_promise */
    const char *survives; /* for people: "clean exit, kill -9"; a static string */
};

/* The stages in this build, in order; `index` counts from 0. NOT_FOUND after the last one. */
int strata_stage_at(size_t index, struct strata_stage_info *info);

/* ---- Opening --------------------------------------------------------------------------- */

enum strata_sync {
    STRATA_SYNC_DEFAULT = 0, /* the strongest that the stage promises */
    STRATA_SYNC_NEVER,       /* a write returns when the kernel has it: it survives kill -9 */
    STRATA_SYNC_INTERVAL,    /* as NEVER, but a write syncs if the last sync was sync_interval_ms
                              * ago, or sync_interval_bytes were written since */
    STRATA_SYNC_ALWAYS       /* a write returns when it is durable: it survives a power cut */
};
/* With a policy below ALWAYS the log is written through a memory mapping (from stage 3 on; not for
 * large values and batches), if the file system can reserve space for it (ext4, XFS, tmpfs). Then a
 * device that cannot read a page back, or a file system that became read-only after an error, can
 * raise SIGBUS; acknowledged writes are as safe as without a mapping. At stage 9 the log of a
 * killed process is made durable by the first write, sync or close; with ALWAYS, by strata_open,
 * unless it is opened read-only. */

/* How tables are merged (stage 7 on; stage 6 is always leveled). */
enum strata_compaction {
    STRATA_COMPACTION_LEVELED = 0, /* both are described below */
    STRATA_COMPACTION_TIERED
};

enum strata_filter { STRATA_FILTER_KEEP, STRATA_FILTER_DROP };

enum strata_log_level { STRATA_LOG_INFO, STRATA_LOG_WARNING };

/* Internal: a file layer (common/fs/fs.h) and a stage's table of functions (strata_engine.h), for
 * the tests and tools of Strata's own tree. Their headers are not installed. */
struct strata_fs;
struct strata_engine;

/* Call strata_options_init, which sets all defaults, then change what you need. (`size` lets a
 * program that was compiled with an older header run with a newer library.) An option that the
 * stage does not use has no effect. */
struct strata_options {
    size_t size;               /* sizeof(struct strata_options), by strata_options_init */
    unsigned stage;            /* 0: the one that wrote the directory; of a new one, the newest */
    bool create;               /* create the database if there is none; default: no */
    bool exclusive;            /* with create: STRATA_ERR_EXISTS if there is one; default: no */
    bool read_only;            /* see below; default: no */
    enum strata_sync sync;     /* when a write is acknowledged; default: the strongest promised */
    uint32_t sync_interval_ms; /* for STRATA_SYNC_INTERVAL; default: 1000 */
    uint64_t sync_interval_bytes; /* for STRATA_SYNC_INTERVAL; default: 1 MiB */
    uint64_t segment_bytes;       /* a log segment is closed at this size (stages 2 and 3); default:
                                   * 64 MiB; at least 64 bytes and at most 4 GiB */
    size_t memtable_bytes; /* a memtable of this size is flushed (stage 4 on); default: 64 MiB */
    size_t cache_bytes;    /* capacity of the block cache (stage 5 on); default: 256 MiB */
    /* Receives messages for people; NULL (the default): they are dropped. Called on a thread that
     * is in a call of the library, or on the background thread. It must not make calls on the same
     * handle: locks may be held. `message` is valid until it returns. */
    void (*log)(void *log_arg, enum strata_log_level level, const char *message);
    void *log_arg;        /* passed to `log` */
    struct strata_fs *fs; /* internal, borrowed until close; NULL: the real file system */
    const struct strata_engine *engine; /* internal; NULL: the built-in one of `stage` */
    size_t block_bytes;          /* size of a table's block before compression, about (stage 5 on);
                                  * default: 4 KiB; at least 256 bytes and at most 1 MiB */
    unsigned bloom_bits_per_key; /* of a table's Bloom filter (stage 5 on); default: 10; at most 64;
                                  * 0: no filter */
    bool plain_blocks;           /* blocks are not compressed (stage 5 on); default: no */
    uint64_t level_bytes; /* target size of the base level, at least; each deeper level has ten
                           * times the target (stage 6 on); default: 128 MiB; at least 1 KiB */
    uint64_t table_bytes; /* size of the tables that a compaction writes, about (stage 6 on);
                           * default: 8 MiB; at least 256 bytes and at most 4 GiB */
    bool mapped_reads;    /* see below (stage 9 on); default: no */
    enum strata_compaction compaction; /* see below (stage 7 on); default: LEVELED */
    uint64_t event_log_bytes;          /* most that the event log's files take (stage 7 on), see
                                        * strata_events; default: 1 MiB; at least 8 KiB; 0: none */
    bool dynamic_levels;               /* see below (stage 7 on, with LEVELED); default: yes */
    uint32_t background_threads;       /* see below (stage 10); 0 or 1; default: 1 */
    uint32_t background_seed;          /* internal, for tests (stage 10, without a thread): not 0:
                                        * steps of background work, drawn with this seed, are done
                                        * by the threads that call */
    /* The program's own merge operator, STRATA_OP_MERGE (stage 13): what the key's value becomes
     * of what it is (NULL: there is none) and the operand. It appends that to `result`, which is
     * empty, and returns 0; or anything else: the merge fails, with INVALID. The value is that of
     * the same inputs always. Called by a thread that is in a call of the library, while other
     * writers wait: it must not make calls on the same handle. NULL (the default): there is none.
     */
    int (*merge)(void *merge_arg, struct strata_slice key, const struct strata_slice *value,
                 struct strata_slice operand, struct strata_buffer *result);
    void *merge_arg; /* passed to `merge` */
    /* The program's filter (stage 13): may the entry go? (As RocksDB's compaction filter.) Flushes
     * and compactions ask it of the newest version of each key that they rewrite. What it drops is
     * deleted with one of the next writes, if it drops the value that is the newest then, too: the
     * delete is an operation with a number, so snapshots keep what they see, and a transaction that
     * has read the entry conflicts. No promise says when: until then the entry is there. The same
     * answer for the same key and value, or, after a while, DROP for what was kept. Called by
     * threads that are in a call of the library, and by the background thread: it must not make
     * calls on the same handle. NULL (the default): there is none. */
    enum strata_filter (*filter)(void *filter_arg, struct strata_slice key,
                                 struct strata_slice value);
    void *filter_arg; /* passed to `filter` */
    /* The time, in milliseconds since 1970 (stage 13, see strata_put_until). Called by any thread:
     * it must not make calls on the same handle. NULL (the default): the system's. */
    uint64_t (*clock)(void *clock_arg);
    void *clock_arg;        /* passed to `clock` */
    size_t value_bytes;     /* see below (stage 12); 0, the default: none is; at most 1 GiB */
    uint32_t value_garbage; /* see below (stage 12), percent; default: 50; from 1 to 100 */
};

/* read_only: writes fail, and no file is changed. Any number of such handles may be open. Where the
 * stage promises STRATA_PROMISE_READERS (stage 10), they may be open beside one that writes, of
 * this process or another, and be opened before it or after it; at other stages they and it exclude
 * each other (LOCKED). What such a handle sees is the database as it was at one time during
 * strata_open: all writes that were acknowledged before the call, durable or not; of a batch all or
 * nothing; and, for as long as it is open, nothing that was written after the call. To see that,
 * open another one. As long as any of them is open, files that compactions and flushes replace are
 * kept for it: the directory grows (the writer's statistics readers and obsolete_bytes), and
 * strata_destroy and strata_repair fail with LOCKED. They are removed with the next flush or
 * compaction, or when the writer closes or opens the database, at a time when there is no reader. A
 * process that ends, or is killed, has no handles any more. (The system's file locks are relied on,
 * so all processes must be on one machine, and the files on a local file system: not NFS.) */

/* mapped_reads: blocks of tables are read from memory-mapped files, if they can be mapped, not by
 * one system call each: a read that misses the cache takes about half the time. Every block is
 * checked as before, but some errors become signals: the process gets SIGBUS when the device fails
 * to read, or when a file of the open database is truncated. Pages that were read count as the
 * process's memory, in addition to cache_bytes; the kernel reclaims them when it needs memory. A
 * mapped table keeps no file descriptor. strata_open, strata_verify and the reading of a table's
 * index and filter use system calls and report errors. */

/* compaction: with LEVELED the tables of a level do not overlap (from level 1 on), each level has
 * ten times the target size of the one above it, and a compaction merges one table with the tables
 * that it overlaps on the next level. With TIERED (size-tiered) tables stay on level 0, ordered by
 * age, and four neighbours of similar size are merged into one; tables on deeper levels count as
 * the oldest. TIERED has lower write amplification and higher read and space amplification: a read
 * may have to look into three tables for each factor of four between the largest and the smallest
 * table, and the files may take twice the space of the live entries, three times while the largest
 * tables are merged. A merge may be as large as the database: the writes that it is spread over do
 * more work each, and the one that completes it writes the filter of all its keys. May be changed
 * between opens; the first writes after a change may wait for a merge of all of level 0. */

/* dynamic_levels (as RocksDB's level_compaction_dynamic_level_bytes): the target of each level is a
 * tenth of the next deeper one's, counted from the size of the deepest level. A level whose target
 * would be less than level_bytes is not used; tables of level 0 are merged into the first level
 * that is used, the base level. So replaced and deleted entries take at most about an eighth of the
 * files once no compaction is due. Without it the target of level 1 is level_bytes: compactions are
 * smaller while there is little data, and replaced entries may take as much space as live ones. May
 * be changed between opens: later compactions move the tables of levels that are no longer used
 * down. */

/* background_threads (as RocksDB's max_background_jobs): with 1, a thread of the handle flushes
 * memtables, compacts tables and removes obsolete files; writes are delayed when it falls behind.
 * It is started when there is such work for the first time, and ended by strata_close; if the
 * system has no thread, `log` is called, and writes do the work. With 0, writes do it, a little
 * each, as at stages 7 to 9. A program that was compiled with a header without this option gets 0:
 * it does not expect that another thread calls `log`.
 *
 * With a thread a shortage of disk space, memory or descriptors ends nothing. A flush or compaction
 * is tried again later, and `log` is called; until a flush succeeds, writes that find the memtable
 * full fail with IO or NO_MEMORY. So does a write that the log has no room for; what there is of it
 * in the log is cut off. Such writes change nothing, and later ones may succeed. After a failed
 * sync, also of a full disk, and after any other failure to write, all writes fail until the
 * database is opened again; if no call has reported that, strata_close does. */

/* value_bytes (as RocksDB's min_blob_size): a value of so many bytes or more is written once, to
 * the log, which becomes a value file when its memtable is flushed; tables hold where it is. So
 * merges do not rewrite large values, and a scan of keys alone does not read them; a get reads one
 * file more. Values that were read are in the block cache (cache_bytes), as blocks are. May be
 * changed between opens: what was written before is read as it is.
 *
 * value_garbage: value files of which so many percent are values that were replaced or deleted are
 * collected: compactions write what is left of them to another value file, and they are removed
 * when nobody reads them any more. A smaller number takes less space and writes more. 100: only
 * files without any value go. */

/* Sets all options to their defaults. Call the macro, which passes the size of the structure in the
 * header that the program was compiled with. */
void strata_options_init_sized(struct strata_options *options, size_t size);
#define strata_options_init(options)                                                               \
    strata_options_init_sized((options), sizeof(struct strata_options))

struct strata; /* an open database */

/* Opens the database in directory `dir`; with `create`, creates that directory if needed, but not
 * its parents. `options` may be NULL: all defaults. On success `*out` is the handle, to be closed
 * with strata_close; on failure it is NULL, and nothing stays open or locked.
 *
 * A torn tail of a log, which a crash can leave, is dropped and reported to `log`. Other damage in
 * what opening reads is an error. Blocks of tables, and at stage 9 also their indexes and filters,
 * are checked when they are read, by the call that needs them or by strata_verify.
 *
 *   ABSENT         there is no database and `create` is off, or its creation was cut short
 *   EXISTS         `create` and `exclusive` are on, and there is a database; or `create` is on, and
 *                  the directory has other files and no database
 *   LOCKED         it is open on another handle, in this process or another, for writing or (see
 *                  read_only) for reading; or it is being repaired or destroyed
 *   WRONG_STAGE    another stage than `stage` wrote it; an older build wrote it in a format that
 *                  this one cannot write; or this build does not have the stage
 *   CORRUPT        damage, data files without a marker, or an unknown format version
 *   NOT_SUPPORTED  `sync` asks for more than the stage promises
 *   IO             a system call failed; also: the parent directory does not exist */
int strata_open(const char *dir, const struct strata_options *options, struct strata **out,
                struct strata_error *err);

/* Closes and frees the handle, even if it fails, unless it returns BUSY: then the handle stays
 * open. `db` may be NULL.
 *
 *   BUSY  iterators, snapshots, views or transactions of the handle are still open
 *   IO    writes that were not synced before may not be durable; or the background thread failed
 *         to write, and no call has reported it */
int strata_close(struct strata *db, struct strata_error *err);

/* The stage of this handle's database. */
void strata_stage(const struct strata *db, struct strata_stage_info *info);

/* ---- Reading and writing one key ------------------------------------------------------- */

/* Stores `value` under `key`, replacing an older value. After it returned 0, the write survives
 * what the stage promises with the handle's sync policy. If it fails, the next open may find the
 * write or not, but never a part of it.
 *
 *   READ_ONLY  the handle was opened read-only
 *   NOT_SUPPORTED  from stage 3 on: the sequence numbers below 2^63 are used up
 *   IO         a system call failed (ENOSPC: the disk is full). After a write or sync failed with
 *              IO, all further ones on this handle fail: close it and open the database again. So
 *              it is after a flush or compaction, unless that changed nothing, as a table could not
 *              be read, or disk space or descriptors were short. With a background thread writes
 *              that fail for such a shortage change nothing, too (see background_threads)
 *   CORRUPT    from stage 4 on: a table that was made of a full memtable does not read back as it
 *              was written; the entries are still in memtable and log */
int strata_put(struct strata *db, struct strata_slice key, struct strata_slice value,
               struct strata_error *err);

/* Deletes `key`; 0 even if it did not exist. Errors as strata_put. */
int strata_delete(struct strata *db, struct strata_slice key, struct strata_error *err);

/* Flags of strata_put_with, strata_delete_with and strata_write: none or one. They override the
 * handle's sync policy for this write. SYNC: it returns when the write is durable. NO_SYNC: it
 * returns when the kernel has the write, which then survives kill -9; the next synced write, or
 * strata_sync, makes it durable. */
#define STRATA_WRITE_SYNC 1u
#define STRATA_WRITE_NO_SYNC 2u

/* strata_put and strata_delete with flags. Errors as strata_put, and:
 *
 *   NOT_SUPPORTED  STRATA_WRITE_SYNC on a stage without STRATA_PROMISE_POWER_CUT
 *   INVALID        unknown flags, or both flags */
int strata_put_with(struct strata *db, struct strata_slice key, struct strata_slice value,
                    unsigned flags, struct strata_error *err);
int strata_delete_with(struct strata *db, struct strata_slice key, unsigned flags,
                       struct strata_error *err);

enum strata_op_type {
    STRATA_OP_PUT = 1,
    STRATA_OP_DELETE = 2,
    /* Merges: see strata_merge. */
    STRATA_OP_ADD = 4,
    STRATA_OP_MAX = 5,
    STRATA_OP_APPEND = 6,
    STRATA_OP_MERGE = 7,
    STRATA_OP_PUT_UNTIL = 8,   /* see strata_batch_put_until */
    STRATA_OP_DELETE_RANGE = 9 /* the keys in [key, value): see strata_batch_delete_range */
};

/* Deletes all keys from `from` on and before `to`; before no key, if `to` has no bytes. What is
 * written is the delete of each key that is there (where RocksDB's DeleteRange writes one record,
 * whatever the range has): so it takes time and space for each, and reads cost no more than after
 * deletes. It is done in steps, in the order of the keys: up to 4096 keys, or about a MiB of them,
 * go at once, and a crash, or another reader, finds a step done or not. So a small range is deleted
 * atomically; of a larger one the first keys are gone before the last. A key that others write in
 * the meantime, before the step that it falls into, is deleted, too. `flags` as for
 * strata_put_with. If it fails, some steps may have been done. Errors as strata_put_with, and:
 *
 *   INVALID        `to` is before `from`
 *   CORRUPT, IO    the range could not be read; later writes may succeed
 *   NOT_SUPPORTED  on a stage without STRATA_PROMISE_RANGE */
int strata_delete_range(struct strata *db, struct strata_slice from, struct strata_slice to,
                        unsigned flags, struct strata_error *err);

/* As strata_put_with; from the time `until` on, in milliseconds since 1970 (options.clock), the
 * key is missing (time to live, as Redis' PEXPIREAT). 0: it is a put. The time is no version: when
 * it has come, snapshots, transactions and iterators that are open miss the key, too. No write is
 * made by it, so no transaction conflicts; but some time after a flush or compaction has met the
 * entry it is deleted, as what options.filter drops, and then one that has read the key does. A put
 * replaces value and time; of a merge the result keeps the time. Errors as strata_put_with, and:
 *
 *   INVALID        a value of more than STRATA_MAX_VALUE - 16 bytes
 *   NOT_SUPPORTED  on a stage without STRATA_PROMISE_EXPIRY */
int strata_put_until(struct strata *db, struct strata_slice key, struct strata_slice value,
                     uint64_t until, unsigned flags, struct strata_error *err);

/* Changes the value of `key` to what `how` makes of it and the operand (a merge operator, as
 * RocksDB's). The value is the newest one when the write gets its number, so of two merges at once
 * none is lost, and none conflicts with the other. What is stored is the result, as by a put.
 *
 *   STRATA_OP_ADD     both are numbers in decimal digits, "-12", from -2^63 to 2^63 - 1; their sum.
 *                     A missing key counts as 0. A sum beyond these bounds fails
 *   STRATA_OP_MAX     the larger of two such numbers; of a missing key the operand
 *   STRATA_OP_APPEND  the value with the operand behind it; of a missing key the operand
 *   STRATA_OP_MERGE   what options.merge says
 *
 * `flags` as for strata_put_with. If it fails, nothing is changed. Errors as strata_put_with, and:
 *
 *   INVALID        the value or the operand is no number, or the result would be too large; or
 *                  options.merge is NULL, or has refused
 *   CORRUPT, IO    the present value could not be read; later writes may succeed
 *   NOT_SUPPORTED  on a stage without STRATA_PROMISE_MERGE */
int strata_merge(struct strata *db, enum strata_op_type how, struct strata_slice key,
                 struct strata_slice operand, unsigned flags, struct strata_error *err);

/* Copies the value of `key` into `value`, replacing what the buffer held, which the key may be a
 * part of. If `value` is NULL, only reports whether the key exists. NOT_FOUND and errors leave the
 * buffer empty. CORRUPT, IO. */
int strata_get(struct strata *db, struct strata_slice key, struct strata_buffer *value,
               struct strata_error *err);
/* The same, and `*until` becomes the time from which on the key is missing, as strata_put_until got
 * it (as Redis' PEXPIRETIME); 0: never, or the key is not found. On a stage without
 * STRATA_PROMISE_EXPIRY it is 0. */
int strata_get_until(struct strata *db, struct strata_slice key, struct strata_buffer *value,
                     uint64_t *until, struct strata_error *err);

/* A value that is borrowed (as RocksDB's PinnableSlice). Initialize it with {0}; it must be freed
 * with strata_view_free before the database is closed. The structure may be moved, but of two
 * copies only one may be used. */
struct strata_view {
    struct strata_slice value; /* the bytes, not to be changed; none if nothing is held */
    /* The rest is the library's own. */
    struct strata *db;                         /* NULL: nothing is held */
    void (*release)(struct strata_view *view); /* ends the pin; NULL: the bytes are in `copy` */
    void *pinned[2];                           /* for `release` */
    struct strata_buffer copy;
};

/* As strata_get: `view->value` is what the key had when the call was made, checked, and stays as it
 * is until the view is freed or used again, whatever is written, flushed, compacted or removed
 * meanwhile. An engine may lend the bytes where they lie (strata_engine.h): stage 12 lends a value
 * of a value file where the block cache has it; any other is copied into the view. What the view
 * held before is given back; the key may be a part of it. NOT_FOUND and errors leave the view
 * without a value. A view may be freed by any thread.
 *
 *   INVALID      `view` is NULL; it and all others of this kind leave the view as it was
 *   CORRUPT, IO  as strata_get */
int strata_get_borrowed(struct strata *db, struct strata_slice key, struct strata_view *view,
                        struct strata_error *err);
/* Gives back what the view holds, and empties it. NULL, an empty view and one that was freed are
 * allowed. */
void strata_view_free(struct strata_view *view);

/* ---- Batches --------------------------------------------------------------------------- */

struct strata_op {
    enum strata_op_type type;
    struct strata_slice key, value; /* value: no bytes for a delete; a merge's operand */
};

/* Operations that are applied together, in the order in which they were added (LevelDB's
 * WriteBatch). A batch owns copies of its keys and values. */
struct strata_batch;

struct strata_batch *strata_batch_new(void);         /* NULL: out of memory */
void strata_batch_free(struct strata_batch *batch);  /* NULL is allowed */
void strata_batch_clear(struct strata_batch *batch); /* empties it; keeps the memory */
int strata_batch_put(struct strata_batch *batch, struct strata_slice key, struct strata_slice value,
                     struct strata_error *err);
int strata_batch_delete(struct strata_batch *batch, struct strata_slice key,
                        struct strata_error *err);
/* As strata_merge; of several merges of a key each sees what the one before made. If one fails, so
 * does the batch. */
int strata_batch_merge(struct strata_batch *batch, enum strata_op_type how, struct strata_slice key,
                       struct strata_slice operand, struct strata_error *err);
/* As strata_put_until. As an operation it has the 8 bytes of `until` behind its value,
 * little-endian. */
int strata_batch_put_until(struct strata_batch *batch, struct strata_slice key,
                           struct strata_slice value, uint64_t until, struct strata_error *err);
/* As strata_delete_range, of the keys that are there when the batch is written, those that it has
 * put before included; but all at once. A batch with more than 64 ranges, or whose ranges have more
 * than 65536 keys or 16 MiB of them, fails with INVALID when it is written: nothing is changed. */
int strata_batch_delete_range(struct strata_batch *batch, struct strata_slice from,
                              struct strata_slice to, struct strata_error *err);
/* Adds all operations of `from` to the end of `batch`. `from` is not changed; it may be `batch`
 * itself. After NO_MEMORY `batch` is unchanged. */
int strata_batch_append(struct strata_batch *batch, const struct strata_batch *from,
                        struct strata_error *err);
size_t strata_batch_count(const struct strata_batch *batch);
size_t strata_batch_bytes(const struct strata_batch *batch); /* of keys and values */
/* Operation number `index`, from 0 and below the count; its slices are valid until the batch is
 * cleared or freed. */
struct strata_op strata_batch_at(const struct strata_batch *batch, size_t index);

/* Applies the batch atomically: all of its operations or none. The batch is not changed and stays
 * the caller's. An empty batch does nothing. Errors as strata_put_with, and:
 *
 *   NOT_SUPPORTED  more than one operation on a stage without STRATA_PROMISE_BATCH */
int strata_write(struct strata *db, const struct strata_batch *batch, unsigned flags,
                 struct strata_error *err);

/* Makes all acknowledged writes durable. Errors as strata_put, and:
 *
 *   NOT_SUPPORTED  on a stage without STRATA_PROMISE_POWER_CUT */
int strata_sync(struct strata *db, struct strata_error *err);

/* ---- Iterating ------------------------------------------------------------------------- */

/* An iterator reads the state of the database at its creation; later writes, flushes and
 * compactions do not affect it. It is positioned on an entry if and only if the last call that
 * moved it returned 0; a new iterator is not positioned. The direction may change at any position.
 */
struct strata_iter;

/* `*out` must be freed with strata_iter_free before the database is closed. CORRUPT, IO. */
int strata_iter_new(struct strata *db, struct strata_iter **out, struct strata_error *err);
void strata_iter_free(struct strata_iter *iter); /* NULL is allowed */

/* These move the iterator. 0: it is positioned. NOT_FOUND: there is no such entry, and it is not
 * positioned. CORRUPT, IO: it is not positioned; a scan stops at damage. */
int strata_iter_first(struct strata_iter *iter, struct strata_error *err);
int strata_iter_last(struct strata_iter *iter, struct strata_error *err);
int strata_iter_seek(struct strata_iter *iter, struct strata_slice key,
                     struct strata_error *err); /* to the first key >= `key` */
int strata_iter_seek_before(struct strata_iter *iter, struct strata_slice key,
                            struct strata_error *err); /* to the last key < `key` */
/* INVALID: the iterator is not positioned. */
int strata_iter_next(struct strata_iter *iter, struct strata_error *err);
int strata_iter_prev(struct strata_iter *iter, struct strata_error *err);

bool strata_iter_positioned(const struct strata_iter *iter);
/* The key at the position, valid until the iterator moves or is freed; no bytes if it is not
 * positioned. */
struct strata_slice strata_iter_key(const struct strata_iter *iter);
/* The value at the position, valid as long as the key. Some stages read it only now. CORRUPT, IO;
 * INVALID: the iterator is not positioned. */
int strata_iter_value(struct strata_iter *iter, struct strata_slice *value,
                      struct strata_error *err);
/* When the entry at the position expires, as strata_get_until says it. 0: never, or the iterator is
 * not positioned. No errors. */
uint64_t strata_iter_until(const struct strata_iter *iter);

/* ---- Snapshots ------------------------------------------------------------------------- */

/* The state of the database at one point in time, for reading. NOT_SUPPORTED on a stage without
 * STRATA_PROMISE_SNAPSHOT. (An iterator reads such a state at every stage.) Otherwise
 * strata_snapshot_get is as strata_get, strata_snapshot_get_borrowed as strata_get_borrowed and
 * strata_snapshot_iter as strata_iter_new. A view may outlive its snapshot. */
struct strata_snapshot;

/* `*out` must be freed with strata_snapshot_free before the database is closed. */
int strata_snapshot_new(struct strata *db, struct strata_snapshot **out, struct strata_error *err);
void strata_snapshot_free(struct strata_snapshot *snapshot); /* NULL is allowed */
/* The number of the last operation that the snapshot sees. Each put and each delete has a number,
 * in the order in which they took effect, also over reopening. Snapshots with the same number show
 * the same; one with a larger number was taken after more writes. 0: nothing was ever written, or
 * `snapshot` is NULL, or an engine of your own has no numbers. No errors; any thread may call it.
 */
uint64_t strata_snapshot_number(const struct strata_snapshot *snapshot);
int strata_snapshot_get(struct strata_snapshot *snapshot, struct strata_slice key,
                        struct strata_buffer *value, struct strata_error *err);
int strata_snapshot_get_borrowed(struct strata_snapshot *snapshot, struct strata_slice key,
                                 struct strata_view *view, struct strata_error *err);
int strata_snapshot_iter(struct strata_snapshot *snapshot, struct strata_iter **out,
                         struct strata_error *err);

/* ---- Transactions ---------------------------------------------------------------------- */

/* Several reads and writes as one step: a transaction reads a snapshot, keeps its writes to itself,
 * and commits them as one batch, if nothing was written in between that would have changed it
 * (optimistic concurrency control: Kung and Robinson, 1981). NOT_SUPPORTED on a stage without
 * STRATA_PROMISE_TRANSACTION.
 *
 * A transaction and its iterators may be used by one thread at a time, and any number of
 * transactions at once; plain writes may be made at any time, too, and count as transactions of one
 * operation. STRATA_CONFLICT, STRATA_DEADLOCK and STRATA_TIMEOUT are normal answers: the
 * transaction is over then and has changed nothing. Begin a new one, or let strata_transact do so.
 * After that, and after strata_txn_commit, unless its flags were refused, a transaction can only be
 * freed; other calls fail with INVALID.
 *
 * A transaction is compared with what was written since its snapshot while other writers wait: its
 * keys are looked up, and ranges that it read are gone through, as far as they are in memory or
 * were written since. So read long ranges in a transaction that is read_only. */
struct strata_txn;

enum strata_isolation {
    /* All reads are of one snapshot, and of two transactions that write the same key and overlap
     * one fails. Write skew is possible: two transactions each read what the other one writes. */
    STRATA_SNAPSHOT_ISOLATION = 1,
    /* As if transactions had run one after another, in the order of their commits. What was read is
     * checked too: keys and ranges, also those that were empty. */
    STRATA_SERIALIZABLE
};

/* Call strata_txn_options_init, then change what you need. */
struct strata_txn_options {
    size_t size;                     /* sizeof(struct strata_txn_options), by the call below */
    enum strata_isolation isolation; /* default: SERIALIZABLE */
    bool read_only;                  /* it cannot write, and never conflicts; default: no */
    uint32_t lock_timeout_ms;        /* a lock is waited for so long; default: 1000 */
    uint32_t tries;                  /* of strata_transact; default: 100; 0 counts as 1 */
    unsigned flags;                  /* of strata_transact's commit, as strata_write; default: 0 */
};

void strata_txn_options_init_sized(struct strata_txn_options *options, size_t size);
#define strata_txn_options_init(options)                                                           \
    strata_txn_options_init_sized((options), sizeof(struct strata_txn_options))

/* Begins a transaction. `options` may be NULL: all defaults. `*out` must be freed with
 * strata_txn_free before the database is closed. Its snapshot is taken by its first read, so what
 * is written before that does not disturb it.
 *
 *   READ_ONLY  the handle was opened read-only, and the transaction is not read_only */
int strata_begin(struct strata *db, const struct strata_txn_options *options,
                 struct strata_txn **out, struct strata_error *err);
/* Frees the transaction; one that has not been committed changes nothing and leaves its locks. NULL
 * is allowed. */
void strata_txn_free(struct strata_txn *txn);

/* As strata_get, of the transaction's snapshot and its own writes. */
int strata_txn_get(struct strata_txn *txn, struct strata_slice key, struct strata_buffer *value,
                   struct strata_error *err);
/* As strata_get_until, likewise. */
int strata_txn_get_until(struct strata_txn *txn, struct strata_slice key,
                         struct strata_buffer *value, uint64_t *until, struct strata_error *err);
/* As strata_txn_get, of a key that the transaction will write, or on which its writes depend. It
 * locks the key until the transaction's end, its commit included: others that ask for it this way
 * wait, so work is not done in vain. (Two transactions of one thread wait for each other until the
 * timeout.) Who writes without asking is not kept out, but found out at the commit. Under
 * SNAPSHOT_ISOLATION, too, the key counts as written: the commit fails if another transaction wrote
 * it. If all that was read can be proved unchanged, the snapshot moves to the present, so a
 * transaction that had to wait does not conflict with the one that it waited for.
 *
 *   CONFLICT  it was written since the snapshot was taken, and that cannot be moved
 *   DEADLOCK  transactions wait for each other in a circle, and this is the youngest of them
 *   TIMEOUT   another one has kept the key for lock_timeout_ms
 *   INVALID   the transaction is read_only */
int strata_txn_get_for_update(struct strata_txn *txn, struct strata_slice key,
                              struct strata_buffer *value, struct strata_error *err);
/* These are seen by the transaction alone until it is committed. INVALID: it is read_only. */
int strata_txn_put(struct strata_txn *txn, struct strata_slice key, struct strata_slice value,
                   struct strata_error *err);
int strata_txn_delete(struct strata_txn *txn, struct strata_slice key, struct strata_error *err);
/* As strata_merge, when the transaction is committed. It reads nothing: at no level does it
 * conflict with another merge of the key. That is over when the transaction reads the key, or makes
 * an iterator (which reads all keys that it has merged until then): it sees the result that the
 * merge would have on its snapshot, and from then on counts as having read and put the key, so that
 * its commit fails if another transaction has written it. INVALID: it is read_only; or as
 * strata_merge, of the operand now, of the value when it is read or committed. */
int strata_txn_merge(struct strata_txn *txn, enum strata_op_type how, struct strata_slice key,
                     struct strata_slice operand, struct strata_error *err);
/* As strata_put_until. INVALID: it is read_only. */
int strata_txn_put_until(struct strata_txn *txn, struct strata_slice key, struct strata_slice value,
                         uint64_t until, struct strata_error *err);
/* Deletes all keys in the range that the transaction sees now, its own included. That reads the
 * range: a serializable transaction conflicts with who puts a key there. If it fails, no key is
 * deleted. INVALID: it is read_only; or as strata_delete_range. */
int strata_txn_delete_range(struct strata_txn *txn, struct strata_slice from,
                            struct strata_slice to, struct strata_error *err);
/* As strata_iter_new, of the transaction's snapshot and the writes that it has made so far. It may
 * be used after the transaction's end, but what it reads then is not checked by any commit. */
int strata_txn_iter(struct strata_txn *txn, struct strata_iter **out, struct strata_error *err);

/* A point to return to: `*mark` says how many writes there are so far. */
int strata_txn_savepoint(struct strata_txn *txn, uint64_t *mark, struct strata_error *err);
/* Forgets the writes since then. What was read since then still counts (it may have decided what
 * the program did next), and so do, under SNAPSHOT_ISOLATION, the keys that were written; locks are
 * kept. INVALID: there are fewer writes. */
int strata_txn_rollback_to(struct strata_txn *txn, uint64_t mark, struct strata_error *err);

/* Makes the writes take effect, all or none, and ends the transaction. `flags` as for
 * strata_write. If `number` is not NULL, `*number` becomes the number of the last write (see
 * strata_snapshot_number), or of the snapshot if there is none. Errors as strata_write; after IO it
 * is not known whether the next open finds the writes: all or none. */
int strata_txn_commit(struct strata_txn *txn, unsigned flags, uint64_t *number,
                      struct strata_error *err);

/* Runs body(txn, arg, err) in a transaction and commits it; after CONFLICT or DEADLOCK, from
 * `body` or the commit, once more in a new one, after a short pause, up to options->tries times. So
 * `body` should do nothing but use the transaction. If `body` returns anything else but 0, its
 * writes are dropped. Returns what `body` or the commit returned last. */
int strata_transact(struct strata *db, const struct strata_txn_options *options,
                    int (*body)(struct strata_txn *, void *, struct strata_error *), void *arg,
                    struct strata_error *err);

/* ---- Maintenance ----------------------------------------------------------------------- */

/* Reports progress: `tick` is called now and then, on the calling thread. `total_bytes` is 0 if it
 * is unknown. `tick` must not make calls on the same handle: locks may be held. */
struct strata_progress {
    void (*tick)(void *arg, uint64_t done_bytes, uint64_t total_bytes);
    void *arg;
};

/* Writes the memtable to a sorted table. From stage 6 on it also does all compactions that are due;
 * from stage 7 on it compacts level 0 if that has at least an eighth of the bytes that it would be
 * merged with. Errors as strata_put, and:
 *
 *   NOT_SUPPORTED  the stage has no memtable (stages 1 to 3)
 *   CORRUPT        a table that it would merge is damaged */
int strata_flush(struct strata *db, struct strata_error *err);
/* Compacts the whole database: reclaims the space of replaced and deleted entries. `progress` may
 * be NULL. From stage 7 on, tables without tombstones that overlap no others are not rewritten,
 * unless they are small and many. Errors as strata_put, and:
 *
 *   NOT_SUPPORTED  on a stage without STRATA_PROMISE_COMPACT
 *   CORRUPT        what it reads is damaged */
int strata_compact(struct strata *db, const struct strata_progress *progress,
                   struct strata_error *err);
/* Compacts the keys >= `from` and < `to`; if `from` or `to` is empty, the range has no such bound.
 * If `to` is not after `from`, nothing is done. From stage 7 on only the tables that may hold keys
 * of the range are rewritten, level by level down to the deepest level that has any, together with
 * the tables that they overlap there (on level 0, all that overlap with one another). Before stage
 * 7 it is strata_compact. Errors as strata_compact. */
int strata_compact_range(struct strata *db, struct strata_slice from, struct strata_slice to,
                         const struct strata_progress *progress, struct strata_error *err);
/* Reads and checks every byte that the database relies on. `progress` may be NULL. Damage of the
 * event log, which no data depends on, is only reported to options.log.
 *
 *   CORRUPT  `err` names the first damage by file and offset
 *   IO */
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
/* Copies the database, as it is when the call begins, into a new one of the same stage in directory
 * `to`, which must not exist or must be empty, and must not lie in the database. Other threads may
 * write meanwhile. When it returns 0, the copy survives what the stage promises. `progress` may be
 * NULL. From stage 8 on the copy shares the files of sorted tables as hard links if both
 * directories are on one file system; otherwise every entry or file is copied and read back. If it
 * fails or is cut short, strata_open reports the copy as incomplete: remove it.
 *
 *   EXISTS   `to` is not empty
 *   LOCKED   `to` is an open database
 *   CORRUPT  what was read is damaged, or the copy differs from it
 *   IO */
int strata_backup(struct strata *db, const char *to, const struct strata_progress *progress,
                  struct strata_error *err);

/* One statistic. The strings are valid until `each` returns. */
struct strata_stat {
    const char *name; /* "fs_bytes_read" */
    const char *unit; /* "bytes", "calls", "records"; "" for a plain number */
    const char *help; /* a short description */
    uint64_t value;
};

/* Calls `each` with `arg` for every statistic: of this handle since it was opened (puts, gets,
 * calls of the file layer), and of the stage. IO. */
int strata_stats(struct strata *db, void (*each)(void *arg, const struct strata_stat *stat),
                 void *arg, struct strata_error *err);
/* The value of the statistic `name`, such as "cache_hits". NOT_FOUND: there is none of that name.
 */
int strata_property(struct strata *db, const char *name, uint64_t *value, struct strata_error *err);

/* What the calls of one thread have cost so far, over all handles, in steps that do not depend on
 * the machine. The cost of one call is the difference of two readings (as RocksDB's perf context).
 * What other threads do for a call is in their counters. */
struct strata_counters {
    uint64_t comparisons;   /* of keys, or of their first bytes as numbers */
    uint64_t tables;        /* sorted tables that gets asked: their range of keys had the key */
    uint64_t filter_probes; /* Bloom filters that were asked */
    uint64_t blocks;        /* of tables, that were looked at, in the cache or not */
    uint64_t blocks_loaded; /* of these: read, checked and uncompressed */
    uint64_t bytes_read;    /* from files; not from mapped ones (mapped_reads) */
};

/* Reads the calling thread's counters. `size` is sizeof *out: a program with an older header gets
 * the counters that it knows, one with a newer header 0 for those that this library does not. */
void strata_counters(struct strata_counters *out, size_t size);

/* The approximate number of bytes that the entries with keys >= `from` and < `to` take; if `from`
 * or `to` is empty, the range has no such bound. CORRUPT, IO.
 *
 *   stage 6 on  bytes in the files of sorted tables. Entries that are only in the memtable do not
 *               count; replaced and deleted entries do, until a compaction drops them. The error is
 *               at most a block for each table that holds `from` or `to`; at most the indexes of
 *               these tables are read. Without bounds: the size of all tables.
 *   before      bytes of the range's keys and values, each of which is read */
int strata_approximate_size(struct strata *db, struct strata_slice from, struct strata_slice to,
                            uint64_t *bytes, struct strata_error *err);

/* One sorted table. The keys are valid until `each` returns. */
struct strata_table {
    unsigned level;                        /* 0: where flushes write */
    uint64_t number;                       /* of its file */
    struct strata_slice smallest, largest; /* its first and its last key */
    uint64_t bytes;                        /* size of its file */
    uint64_t records;                      /* puts and deletes in it */
    uint64_t tombstones;                   /* deletes among them */
    uint64_t versioned; /* and keys of which it has other versions than the newest, or one that not
                         * every snapshot sees (stage 10) */
};

/* Calls `each` with `arg` for every live table, level by level; within a level in key order, or,
 * where tables of a level overlap, the newest first. NOT_SUPPORTED: the stage has no sorted tables.
 */
int strata_tables(struct strata *db, void (*each)(void *arg, const struct strata_table *table),
                  void *arg, struct strata_error *err);

/* A file of values that are kept apart from their keys (options.value_bytes). What is not live in
 * it is garbage: values that were replaced or deleted, and records that are no values. */
struct strata_value_file {
    uint64_t number;     /* of the file */
    uint64_t bytes;      /* size of it */
    uint64_t live_bytes; /* of the records whose values tables refer to */
    uint64_t values;     /* how many those are */
};

/* Calls `each` with `arg` for every value file, by ascending numbers. Values that are only in the
 * log do not count, and the log is none of them. NOT_SUPPORTED: the stage has no value files. */
int strata_value_files(struct strata *db,
                       void (*each)(void *arg, const struct strata_value_file *file), void *arg,
                       struct strata_error *err);

/* ---- Repair ---------------------------------------------------------------------------- */

/* What a repair did with a file. */
enum strata_fate {
    STRATA_FATE_KEPT,     /* undamaged, still in use */
    STRATA_FATE_SALVAGED, /* its readable part was written to a new file; the rest is lost */
    STRATA_FATE_LOST,     /* nothing of it could be used */
    STRATA_FATE_UNUSED,   /* obsolete: not live, or all of it is in other files */
    STRATA_FATE_MADE      /* written by the repair */
};
const char *strata_fate_name(enum strata_fate fate); /* "salvaged"; a static string, never NULL */

/* Callbacks of a repair, any of which may be NULL. The strings and slices are valid until they
 * return. */
struct strata_repair {
    /* A file of the database, what was done with it, and why. */
    void (*file)(void *arg, const char *name, enum strata_fate fate, const char *why);
    /* A range of keys that may be lost: an unreadable part of the file `name` had keys from `after`
     * to `before`, perhaps both included. NULL: that bound is unknown. */
    void (*range)(void *arg, const char *name, const struct strata_slice *after,
                  const struct strata_slice *before);
    void *arg;
};

/* The outcome of a repair. */
struct strata_repair_sum {
    bool healthy; /* there was no damage; nothing was changed */
    bool lost;    /* a table or log, or a part of one, is lost */
    bool guessed; /* which tables are live had to be derived: deleted keys may exist again */
    bool marker;  /* the marker was missing or damaged and was written anew */
    uint64_t tables_kept, tables_salvaged, tables_lost, tables_unused;
    uint64_t ranges;     /* calls of `range` */
    uint64_t logs;       /* logs that were read */
    uint64_t operations; /* operations recovered from the logs */
    /* First and last sequence number of the operations that are missing in the logs; 0: none is
     * missing. A last one of UINT64_MAX: it is unknown. With `guessed` they may be of deleted
     * keys: these leave nothing in the tables, and only the manifest says that they are not lost.
     */
    uint64_t missing_first, missing_last;
};

#define STRATA_REPAIR_DRY_RUN 1u /* a flag: report what would be done, and write nothing */

/* Repairs a database that strata_open refuses or in which strata_verify finds damage, using
 * everything that can be read. The database must not be open. `options`, `to` and its members may
 * be NULL; `sum` may not. 0: the database is repaired, and `sum` says what was lost.
 *
 * The marker: with options.stage a missing or damaged marker (the file STRATA) is written anew, at
 * every stage, if all files are of that stage. (Whether a copy was cut short is unknown if its
 * marker is lost.) Before stage 8 nothing else is repaired; use strata_verify to check the rest.
 *
 * Promise: a key that is in none of the reported ranges, and that none of the missing operations
 * wrote, has its value, or is deleted, as before, unless `guessed` is set. A key in a reported
 * range may have an earlier value, even if it was deleted, because the unreadable part hid it. (It
 * cannot be detected that the last bytes of the log are missing: a crash can leave the same.) No
 * value is invented: everything kept was checked. No file is deleted: files that are no longer used
 * are moved to DIR/lost. If a repair is interrupted by a power cut or fails, the database is as it
 * was or repaired; run it again. An undamaged database is not changed.
 *
 * What is recovered: every readable block of a damaged table and every readable batch of a damaged
 * log. Which tables are live, and in which order, is read from the manifest or, if that is
 * unreadable, from the notes that tables hold about each other. With the notes a missing table may
 * go unnoticed, and an obsolete table whose file still existed may be taken for a live one (not
 * after a clean close); `guessed` says that this is possible. A read error of the device ends the
 * repair: copy the readable files to another device first.
 *
 *   NOT_SUPPORTED  the marker is undamaged, and the stage has no repair: stages 1 to 7
 *   CORRUPT        the marker is missing or damaged, and no stage was given, or it is that of an
 *                  incomplete copy; or the files contradict each other
 *   WRONG_STAGE    as strata_open; or the marker is missing or damaged, and there is a file that
 *                  is not of the given stage: nothing is written
 *   ABSENT, LOCKED, IO  as strata_open */
int strata_repair(const char *dir, const struct strata_options *options, unsigned flags,
                  const struct strata_repair *to, struct strata_repair_sum *sum,
                  struct strata_error *err);

/* ---- The event log --------------------------------------------------------------------- */

/* What happened to the tables (stage 7 on). */
enum strata_event_type {
    STRATA_EVENT_UNREADABLE,    /* a line of the log that is damaged or that a crash cut off */
    STRATA_EVENT_OPEN,          /* opened for writing; logged with the first event after it */
    STRATA_EVENT_CLOSE,         /* closed cleanly */
    STRATA_EVENT_STANDS,        /* a table that existed when this part of the log began */
    STRATA_EVENT_SEAL,          /* a full memtable became immutable and will be flushed */
    STRATA_EVENT_FLUSH_BEGIN,   /* of a memtable to a table of level 0 */
    STRATA_EVENT_FLUSH_END,     /* followed by MADE for the table */
    STRATA_EVENT_COMPACT_BEGIN, /* followed by GONE for each input; the inputs still exist */
    STRATA_EVENT_COMPACT_END,   /* followed by MADE for each output; the inputs are obsolete */
    STRATA_EVENT_GIVEN_UP,      /* a flush or compaction failed, or was ended by strata_close */
    STRATA_EVENT_MOVE,          /* a table moved to a deeper level unchanged (trivial move) */
    STRATA_EVENT_STALL,         /* a write was delayed by 10 ms or more */
    STRATA_EVENT_MADE,          /* an output of the flush or compaction that ended last */
    STRATA_EVENT_GONE,          /* an input of the compaction that began last */
    STRATA_EVENTS               /* number of types */
};

#define STRATA_EVENT_LEVELS 7u

/* One event. A field that does not apply is 0. The keys are valid until `each` returns. */
struct strata_event {
    enum strata_event_type type;
    const char *name; /* of the type: "flush begin"; a static string */
    uint64_t ns;      /* time on the monotonic clock, nanoseconds */
    uint64_t from;    /* level of the inputs, or of a table before it was moved */
    uint64_t level;   /* level of the outputs, or of the table */
    uint64_t table;   /* number of the table's file */
    uint64_t inputs;  /* number of input tables */
    uint64_t outputs; /* number of output tables */
    uint64_t bytes;   /* size of the table, of the memtable, or of all inputs */
    uint64_t written; /* bytes of all outputs */
    uint64_t records; /* in the table, in the memtable, or in all inputs */
    uint64_t
        dropped; /* records that were dropped: replaced ones, and tombstones no longer needed */
    uint64_t deletes;  /* tombstones in the table */
    uint64_t took_ns;  /* duration of a stall, flush or compaction, in nanoseconds */
    uint64_t bytes_in; /* bytes of keys and values written since the database was opened */
    uint64_t level_bytes[STRATA_EVENT_LEVELS]; /* bytes of each level's tables after the event */
    struct strata_slice smallest, largest; /* first and last key of the table, or their prefixes */
    uint64_t error; /* of GIVEN_UP: the errno of the failure, ENOMEM for memory, EIO for damage; 0:
                     * a call ended it */
};

/* Calls `each` with `arg` for every event in the event log, the oldest first. The log's size is
 * bounded by options.event_log_bytes. It is not synced, and no data depends on it: events that a
 * crash, a full disk or damage destroyed are missing or UNREADABLE. IO; NOT_SUPPORTED: the stage
 * has no event log. */
int strata_events(struct strata *db, void (*each)(void *arg, const struct strata_event *event),
                  void *arg, struct strata_error *err);

/* ---- Removing a database ----------------------------------------------------------------- */

/* Removes the database in directory `dir`, of whatever stage, or what an interrupted creation, copy
 * or removal has left of one. Only files that have both the name and the first bytes of a file of
 * that stage are removed. The names of all others are passed to `left` (may be NULL), with `arg`;
 * they stay, and so does the directory itself, even if it is empty. `options` may be NULL. If it is
 * interrupted or fails, strata_open calls the directory incomplete: call strata_destroy again.
 *
 *   ABSENT       there is no marker, so no database
 *   LOCKED       it is open, in this process or another
 *   CORRUPT      the marker is damaged
 *   WRONG_STAGE  this build does not have the stage that wrote it
 *   IO           some files may be removed already */
int strata_destroy(const char *dir, const struct strata_options *options,
                   void (*left)(void *arg, const char *name), void *arg, struct strata_error *err);

#ifdef __cplusplus
}
#endif

#endif
