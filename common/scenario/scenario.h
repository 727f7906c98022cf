/* scenario.h: a schedule: what several sessions of one database do, step by step, as text. It is
 * what `strata schedule` runs, and the form of the tests of transactions. (In the code it is a
 * scenario: a schedule there is one of threads.) Nothing here does I/O.
 *
 *     # G-single: read skew
 *     s: put x 10
 *     a: begin
 *     b: begin snapshot
 *     a: get x                     = 10
 *     b: get-for-update x          = 10
 *     b: commit                    snapshot= ok serializable= ok
 *     a: commit                    anomaly= ok
 *
 * A line is a step: a session's name, a colon, a verb and its operands, and then what it shall
 * return. A session is made by its first step. Blanks separate words; quotes of either kind hold
 * them together, and \xNN, \t, \n, \r and \\ are bytes, inside of quotes and outside. A word that
 * begins with # begins a comment. Verbs:
 *
 *     begin [snapshot|serializable] [read-only]    without a level: the level of the run
 *     get KEY, get-for-update KEY, scan [FROM [TO]], put KEY VALUE, delete KEY
 *     merge KEY add|max|append OPERAND, delrange FROM TO
 *     savepoint [NAME], rollback-to [NAME], commit, abort
 *
 * Without a transaction get, scan, put, delete, merge and delrange are operations of their own.
 * What a step returns:
 *
 *     ok                     of what reads nothing
 *     VALUE, none            of a get; VALUE is in quotes where it could be taken for another word
 *     KEY=VALUE ..., empty   of a scan
 *     conflict, deadlock, timeout    the transaction is over
 *     over                   it was over already; the next commit or abort closes it
 *     waits                  for a lock; other sessions go on. `NAME: = RESULT` is what the step
 *                            returned in the end; if it still waits, time passes
 *
 * An expectation is for both levels (=), or for runs at one (snapshot=, serializable=). Where each
 * anomaly= holds, the anomaly happened. */
#ifndef STRATA_COMMON_SCENARIO_H
#define STRATA_COMMON_SCENARIO_H

#include "base/arena.h"

#define SCENARIO_BYTES_MOST ((size_t)1 << 20) /* of text */
#define SCENARIO_STEPS_MOST 1000u
#define SCENARIO_SESSIONS_MOST 16u
#define SCENARIO_NAME_MOST 16u /* bytes of the name of a session */

enum scenario_verb {
    SCENARIO_BEGIN,
    SCENARIO_GET,
    SCENARIO_GET_FOR_UPDATE,
    SCENARIO_SCAN,
    SCENARIO_PUT,
    SCENARIO_DELETE,
    SCENARIO_MERGE,
    SCENARIO_DELRANGE,
    SCENARIO_SAVEPOINT,
    SCENARIO_ROLLBACK_TO,
    SCENARIO_COMMIT,
    SCENARIO_ABORT,
    SCENARIO_RESULT /* of the session's step that waited: there is no verb on the line */
};

enum scenario_expectation {
    SCENARIO_ALWAYS,
    SCENARIO_AT_SNAPSHOT,
    SCENARIO_AT_SERIALIZABLE,
    SCENARIO_ANOMALY,
    SCENARIO_EXPECTATIONS
};

#define SCENARIO_OPERANDS 3

struct scenario_step {
    uint32_t line; /* from 1 */
    uint8_t session;
    uint8_t verb;      /* an enum scenario_verb */
    uint8_t isolation; /* of begin: an enum strata_isolation; 0: that of the run */
    bool read_only;    /* of begin */
    uint8_t count;     /* of operands */
    struct strata_slice operands[SCENARIO_OPERANDS]; /* bytes */
    const char *expected[SCENARIO_EXPECTATIONS];     /* as scenario_put_* write it; NULL: nothing */
};

/* All zero is empty. */
struct scenario {
    struct scenario_step *steps;
    size_t count, room;
    char names[SCENARIO_SESSIONS_MOST][SCENARIO_NAME_MOST + 1];
    size_t sessions;
    const char *title;  /* the first comment of the text; "": there is none */
    struct arena arena; /* has what the steps point to */
};

/* Why a text is no schedule. */
struct scenario_fault {
    uint64_t line; /* from 1 */
    char message[160];
};

/* Fills a zeroed *scenario. 0; or < 0: the fault is in *fault. In both cases it must be freed. */
int scenario_parse(struct scenario *scenario, struct strata_slice text,
                   struct scenario_fault *fault);
void scenario_free(struct scenario *scenario);

/* ---- Text (scenario_text.c): they append to `to`, whose flag out_of_memory says if they could
 * not.
 */

/* The bytes as a word, in quotes where it would be taken for another one. */
void scenario_put_word(struct strata_buffer *to, struct strata_slice bytes);
void scenario_put_entry(struct strata_buffer *to, struct strata_slice key,
                        struct strata_slice value); /* KEY=VALUE */
/* The step without the session's name and without what is expected: "get x". */
void scenario_put_step(struct strata_buffer *to, const struct scenario_step *step);
/* All of it, a line a step; parsed again it is the same, but for the numbers of lines. */
void scenario_put(struct strata_buffer *to, const struct scenario *scenario);

/* The merge operator of that name; 0: there is none. */
enum strata_op_type scenario_operator(struct strata_slice name);
const char *scenario_verb_name(enum scenario_verb verb);               /* "get-for-update" */
const char *scenario_expectation_name(enum scenario_expectation what); /* "snapshot=" */
/* Is the word one that a step returns, and no value: "ok"? */
bool scenario_is_outcome(struct strata_slice word);

#endif
