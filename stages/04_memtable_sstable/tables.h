/* tables.h: which files a database consists of: the log, and the runs. The list is one small file
 * that is replaced whole; what it does not name is not there. */
#ifndef STRATA_04_TABLES_H
#define STRATA_04_TABLES_H

#include "fs/fs.h"
#include "strata_engine.h"

#define TABLES_NAME "TABLES"
#define TABLES_MAGIC "STRATTBL"
#define TABLES_HEAD 56 /* bytes before the runs */

struct tables_run {
    uint64_t number; /* of its file */
    uint64_t bytes;  /* of its file */
    uint64_t digest; /* of its records */
};

/* A log that is live: not all of it is in tables. */
struct live_log {
    uint64_t number;   /* of its file */
    uint64_t first;    /* sequence number of its first operation */
    uint64_t end;      /* so many of its bytes are known to be on the device */
    uint64_t sequence; /* of the first operation behind those */
};

/* All zero is a valid empty list. */
struct tables {
    uint64_t next; /* file numbers from here on were never given away */
    struct live_log log;
    struct tables_run *runs; /* the newest first */
    uint32_t count;
};

void tables_free(struct tables *tables);

/* Do they say the same? `next` is not compared: numbers in use may not be in the file yet. */
bool tables_same(const struct tables *a, const struct tables *b);

/* Replaces the file, durably. IO, NO_MEMORY: then the old one is still there. */
int tables_write(const struct strata_env *env, const struct tables *tables,
                 struct strata_error *err);
/* To be freed when it returned 0. CORRUPT, also when it is missing; IO, NO_MEMORY. */
int tables_read(const struct strata_env *env, struct tables *tables, struct strata_error *err);
/* The same of any such file, for its annotated dump. */
int tables_check(struct strata_fs *fs, const char *path, struct tables *tables,
                 struct strata_error *err);

extern const struct strata_format tables_format; /* inspect.c */

#endif
