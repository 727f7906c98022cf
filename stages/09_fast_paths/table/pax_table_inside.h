/* pax_table_inside.h: what the parts of a table share: its layout (pax_table_layout.c), its blocks
 * (pax_table_read.c), its cursor, its verification, its writer. */
#ifndef STRATA_09_PAX_TABLE_INSIDE_H
#define STRATA_09_PAX_TABLE_INSIDE_H

#include "01_append_log/record.h"
#include "fs/fs_pool.h"
#include "09_fast_paths/block/pax_block.h"
#include "05_blocks_bloom/bloom.h"
#include "09_fast_paths/cache/clock_cache.h"
#include "base/cost.h"
#include "threads/striped.h"
#include "threads/sync.h"
#include "fence.h"
#include "05_blocks_bloom/block/stored_block.h"
#include "pax_table.h"

#include <assert.h>

/* ---- The layout (pax_table_layout.c) --------------------------------------------------------- */

#define PAX_TABLE_FOOTER 24

/* What a table's properties say of the rest. */
struct pax_table_properties {
    struct sstable_sum sum;
    uint64_t blocks;        /* how many */
    uint64_t block_bytes;   /* of them, uncompressed */
    uint64_t index, filter; /* where those begin; the filter's ends where the properties
                             * begin, and is not there when it begins there too */
    unsigned probes;        /* of the filter; 0: there is none */
    struct strata_slice smallest, largest; /* keys; borrowed, as the notes */
    struct strata_slice notes;             /* the writer's user's; or empty */
};

/* Appends them. NO_MEMORY. */
int pax_table_put_properties(struct strata_buffer *to,
                             const struct pax_table_properties *properties,
                             struct strata_error *err);
/* NULL: done. Else what is wrong: they are none, or cannot be those of a table whose properties
 * begin at `end`. `coded`: as the footer says. */
const char *pax_table_get_properties(struct strata_slice bytes, uint64_t end, bool coded,
                                     struct pax_table_properties *out);

/* The footer for `offset`: where the properties begin, and whether there are coded values. */
void pax_table_put_footer(uint64_t number, uint64_t offset, uint64_t properties, bool coded,
                          uint8_t to[PAX_TABLE_FOOTER]);
/* As pax_table_get_properties. */
const char *pax_table_get_footer(const uint8_t bytes[PAX_TABLE_FOOTER], uint64_t number,
                                 uint64_t offset, uint64_t *properties, bool *coded);

/* ---- A table --------------------------------------------------------------------------------- */

#define READAHEAD_BYTES ((size_t)64 << 10)

/* Of gets, of all tables of a store. */
enum pax_table_count {
    PAX_TABLE_FILTERED,        /* that a filter answered */
    PAX_TABLE_SEARCHED,        /* tables that fast_get searched */
    PAX_TABLE_FALSE_POSITIVES, /* that read a block for a key that is not there */
};

/* How the user of the tables codes values (SSTABLE_CODED). */
struct pax_table_coding {
    /* NULL: it is one, of a table whose last operation is `last`. Else what is wrong. Asked when a
     * block is read (9.I23). */
    const char *(*check)(struct strata_slice coded, uint64_t last);
    /* What a reader who came at `sequence` sees of a coded value: type and value, which is a part
     * of `coded`. 0: nothing, the search goes on in older tables. */
    unsigned (*read)(struct strata_slice coded, uint64_t sequence, struct strata_slice *value);
    /* What of it is not the newest version of the key (struct sstable_sum). */
    uint64_t (*old_bytes)(struct strata_slice coded);
};

/* What the tables of a store have in common. */
struct pax_table_common {
    const struct strata_env *env;
    const struct sstable_kind *kind;
    const struct pax_table_coding *coding; /* NULL: a coded value is damage */
    struct clock_cache *cache;
    struct fs_pool *files;     /* their descriptors */
    size_t readahead_bytes;    /* a scan reads ahead at most; 0: not at all */
    struct sync_mutex reading; /* held to make a table loaded */
    struct striped counts;     /* enum pax_table_count */
    void *user;                /* what the user of the tables has beside them */
};

struct pax_table {
    struct sstable base;
    struct pax_table_common *common;
    struct fs_pooled file;
    const uint8_t *mapped; /* the file, for its blocks; NULL: it is read by calls */
    uint64_t blocks;       /* how many */
    uint64_t block_bytes;  /* of them, uncompressed */
    uint64_t blocks_end;   /* where the index begins */
    uint64_t filter_offset;
    uint64_t properties; /* where they begin */
    unsigned probes;     /* of the filter; 0: there is none */
    bool coded;          /* it has coded values */
    _Atomic bool loaded; /* what follows has been read */
    struct fence fence;
    struct bloom bloom;
    uint8_t *filter; /* the bloom's bytes, with their trailer; NULL: there is none */
    struct clock_cache_directory directory;
};

/* The table as this kind's: the parts make sure that it is. */
static inline struct pax_table *pax_table_of(const struct sstable *table)
{
    struct pax_table *t = (struct pax_table *)(uintptr_t)table;

    assert(!t->common || t->common->kind == table->kind); /* a salvaged one has none */
    return t;
}

/* NULL: there is none; what is inspected or salvaged has none. */
static inline const struct pax_table_coding *pax_table_coding_of(const struct pax_table *table)
{
    return table->common ? table->common->coding : NULL;
}

static inline bool pax_table_is_loaded(const struct pax_table *table)
{
    return atomic_load_explicit(&table->loaded, memory_order_acquire);
}
/* Reads index and filter. Any thread. CORRUPT, IO, NO_MEMORY: then the next call tries again. */
int pax_table_load(struct pax_table *table, struct strata_error *err);
/* To be called before a key or block is looked for in it. As above. */
static inline int pax_table_need(const struct pax_table *table, struct strata_error *err)
{
    return pax_table_is_loaded(table) ? 0
                                      : pax_table_load((struct pax_table *)(uintptr_t)table, err);
}

/* Its filter says that no key has this hash. The caller counts it. */
static inline bool pax_table_filters_out(const struct pax_table *table, uint64_t hash)
{
    cost_so_far.filter_probes += table->filter != NULL;
    return table->filter && !bloom_may_contain(&table->bloom, hash);
}
/* A get that passed the filter: as the kind's, at a sequence number. */
int pax_table_find(struct pax_table *table, struct strata_slice key, uint64_t hash,
                   uint64_t sequence, unsigned *type, struct strata_buffer *value,
                   struct strata_error *err);

void pax_table_close(struct sstable *table);
/* As the kind's: the table is loaded. */
int pax_table_open(const struct strata_env *env, void *common, uint64_t number,
                   struct sstable **out, struct strata_error *err);
int pax_table_get(struct sstable *table, struct strata_slice key, unsigned *type,
                  struct strata_buffer *value, struct strata_error *err);
int pax_table_offset(struct sstable *table, struct strata_slice key, uint64_t *offset,
                     struct strata_error *err);
/* The properties, into a table whose path, number, bytes and file are set (pax_table_load.c). To be
 * freed in any case: the smallest and largest key, and the notes. CORRUPT, IO, NO_MEMORY. */
int pax_table_read_properties(struct pax_table *table, struct strata_error *err);
/* WRONG_STAGE: its database has no coding. */
int pax_table_refuse_coded(const struct sstable *table, struct strata_error *err);
/* False: the file is a table with coded values. (Also of a file that is no table: true.) */
bool pax_table_is_plain(struct fs_file *file);
/* The index; and both, index and filter, of a table whose properties were read. Freed by
 * pax_table_unload in any case. As above. */
int pax_table_read_index(struct pax_table *table, struct strata_error *err);
int pax_table_read_rest(struct pax_table *table, struct strata_error *err);
void pax_table_unload(struct pax_table *table);

/* `why` is of the part at `offset`: its message becomes `err`, with the file's name. */
int pax_table_blame(const struct pax_table *table, uint64_t offset, int rc,
                    const struct strata_error *why, struct strata_error *err);

/* ---- Its blocks (pax_table_read.c) ----------------------------------------------------------- */

/* Reads the stored block there to `to`, uncompressed; `at_hand`: its bytes, if they were read.
 * CORRUPT, IO, NO_MEMORY. */
int pax_table_read_section(const struct pax_table *table, uint64_t offset, uint64_t end,
                           const uint8_t *at_hand, struct strata_buffer *to,
                           struct strata_error *err);

/* A block in memory of its own. All zero is a valid empty one. */
struct pax_table_block {
    struct strata_buffer stored, bytes;
    struct pax_block block;
    uint32_t check; /* of its section */
};
void pax_table_block_free(struct pax_table_block *block);
/* Reads block `n` past the cache. `stored`: its bytes, as they are in the file, not checked yet; or
 * NULL: they are read first. */
int pax_table_open_block(const struct pax_table *table, uint32_t n, const uint8_t *stored,
                         struct pax_table_block *to, struct strata_error *err);

/* The same from the cache or through it, to be released. */
int pax_table_pin(const struct pax_table *table, uint32_t n, const uint8_t *stored,
                  struct clock_cache_frame **frame, struct strata_error *err);
static inline const struct pax_block *pax_table_block_of(const struct clock_cache_frame *frame)
{
    return (const struct pax_block *)(const void *)frame->data;
}

/* < 0, 0, > 0: entry `at` of the block is before, at, after `key`. */
int pax_table_compare_at(const struct pax_block *block, uint32_t at, struct strata_slice key);

/* The rest of the kind (pax_table_kind.c). */
int pax_table_common_new(const struct strata_env *env, void **common, struct strata_error *err);
void pax_table_common_del(void *common);
bool pax_table_common_check(void *common);
void pax_table_stats(void *common, void (*each)(void *arg, const struct strata_stat *stat),
                     void *arg);

/* read/run_cursor.c: the kind's cursor. */
struct cursor *pax_table_cursor(struct sstable *table, bool once);
int pax_table_verify(struct sstable *table, struct strata_error *err);
/* All blocks are what index, filter and properties say. */
int pax_table_verify_blocks(struct sstable *table, struct strata_error *err);

/* Writes what a coded value holds to `to`, cut at `capacity` bytes. NULL; or what is wrong. */
typedef const char *pax_table_tell(struct strata_slice coded, uint64_t last, char *to,
                                   size_t capacity);
/* As the format's inspect. (pax_inspect.c) */
int pax_table_inspect(struct fs_file *file, pax_table_tell *tell, struct inspect *to,
                      struct strata_error *err);

/* ---- Writing (pax_table_write.c) ------------------------------------------------------------- */

int pax_table_writer_new(const struct strata_env *env, uint64_t number, struct sstable_writer **out,
                         struct strata_error *err);
int pax_table_writer_add(struct sstable_writer *writer, unsigned type, struct strata_slice key,
                         struct strata_slice value, struct strata_error *err);
int pax_table_writer_finish(struct sstable_writer *writer, uint64_t first, uint64_t last,
                            struct strata_error *err);
void pax_table_writer_del(struct sstable_writer *writer, bool keep);

/* ---- The kind -------------------------------------------------------------------------------- */

/* The slots of a kind whose tables are these; its own are common_new, which sets `kind`, and
 * writer_add. */
#define PAX_TABLE_SLOTS                                                                            \
    .suffix = PAX_TABLE_SUFFIX, .magic = PAX_TABLE_MAGIC, .common_del = pax_table_common_del,      \
    .common_check = pax_table_common_check, .stats = pax_table_stats, .open = pax_table_open,      \
    .close = pax_table_close, .get = pax_table_get, .offset = pax_table_offset,                    \
    .cursor = pax_table_cursor, .verify = pax_table_verify, .writer_new = pax_table_writer_new,    \
    .writer_finish = pax_table_writer_finish, .writer_del = pax_table_writer_del

#endif
