/* judge.h: reads everything from a database, in every way there is, and judges the answers.
 * An error is an honest answer; a wrong value, a missing or a foreign key, or a row served after
 * damage is not. Knows nothing of cmocka. */
#ifndef STRATA_COMMON_CRASH_JUDGE_H
#define STRATA_COMMON_CRASH_JUDGE_H

#include "fs/fs.h"
#include "crash/history.h"

/* All zero before the first question. */
struct answers {
    uint64_t right, errors, wrong;
    struct strata_error first_error; /* when errors > 0 */
    char first_wrong[300];           /* when wrong > 0, for people */
};

/* Gets every key that `history` ever names, scans both ways, verifies, and compares with `model`.
 * A scan counts as one answer; after an error in it no row may follow. */
void judge_all(struct strata *db, const struct history *history, const struct model *model,
               struct answers *answers);
/* The parts of it: all but verifying, and one by one. */
void judge_answers(struct strata *db, const struct history *history, const struct model *model,
                   struct answers *answers);
void judge_gets(struct strata *db, const struct history *history, const struct model *model,
                struct answers *answers);
void judge_scan(struct strata *db, const struct model *model, bool backwards,
                struct answers *answers);
/* The scan alone, of an iterator that the caller has and keeps. */
void judge_iter(struct strata_iter *iter, const struct model *model, bool backwards,
                struct answers *answers);
void judge_verify(struct strata *db, bool deep, struct answers *answers);
/* One answer more: `rc` of a call that should have returned 0, with its error. */
void judge_call(int rc, const struct strata_error *err, struct answers *answers);

/* ---- Damage ---------------------------------------------------------------------------- */

/* What a damaged database does. */
enum outcome {
    OUTCOME_DETECTED, /* an error, and no wrong answer */
    OUTCOME_HARMLESS, /* every answer is right */
    OUTCOME_PREFIX,   /* every answer is as it was after an earlier write */
    OUTCOME_WRONG,
    OUTCOMES
};
const char *outcome_name(enum outcome outcome);

struct judgement {
    enum outcome outcome;
    size_t n;               /* harmless, prefix: the state is that after `n` writes */
    struct answers answers; /* compared with the state after all writes */
};

/* Opens the database under test in `dir`, first read-only, then for writing, asks it everything
 * and closes it. What it must hold is the state after all of `history`. */
void judge_dir(struct strata_fs *fs, const char *dir, const struct history *history,
               struct judgement *judgement);

#endif
