/* tail.h: a small file that says how far the log reached. A log without its last segment looks like
 * a shorter log, and so does one that is cut short exactly between two records; only another file
 * can say so. It is a lower bound and stays true for as long as that segment is the last one. Stage
 * 2 writes it when a segment is begun: `end` and `last` are 0. */
#ifndef STRATA_02_TAIL_H
#define STRATA_02_TAIL_H

#include "fs/fs.h"
#include "strata_engine.h"

#define TAIL_NAME "TAIL"
#define TAIL_MAGIC "STRATEND"
#define TAIL_BYTES 40
#define TAIL_VERSION 1

struct tail {
    uint64_t segment; /* the last one's number; 0: nothing is known */
    uint64_t end;     /* so many of its bytes are on the device; 0: not known */
    uint64_t last; /* version 1: the next operation's number, 0: not known; else that version's */
    unsigned version; /* TAIL_VERSION; a later stage may have larger ones */
};

/* Replaces the file in one step; `durable` as in fs_replace. IO. */
int tail_write(const struct strata_env *env, const struct tail *tail, bool durable,
               struct strata_error *err);
/* STRATA_NOT_FOUND: there is none, or none that holds (then that is logged: it is a help against
 * damage, not data; a file of zeros is what a power cut leaves of one that was just made, and not
 * logged), and `*tail` is all zero. Versions up to max_version hold. CORRUPT: a
 * number in it is above CODING_NUMBER_MAX. IO: it is there and cannot be
 * read; so what it says is not known, and the log might be cut short. NO_MEMORY. */
int tail_read(const struct strata_env *env, unsigned max_version, struct tail *tail,
              struct strata_error *err);
/* CORRUPT: it names a segment behind number `last`, and that is missing. */
int tail_check_last(const struct tail *tail, const struct strata_env *env, uint64_t last,
                    struct strata_error *err);
/* The file's bytes, and whether these are a valid tail. */
void tail_encode(const struct tail *tail, uint8_t bytes[TAIL_BYTES]);
bool tail_decode(struct strata_slice bytes, unsigned max_version, struct tail *tail);
/* Are its numbers at most CODING_NUMBER_MAX? */
bool tail_in_range(const struct tail *tail);

extern const struct strata_format tail_format; /* inspect.c */

#endif
