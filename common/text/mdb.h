/* mdb.h: the text of LMDB's mdb_dump and Berkeley DB's db_dump, which mdb_load and db_load read
 * (docs.oracle.com/cd/E17275_01/html/programmer_reference/dumpload_format.html).
 *
 *     VERSION=3             the first line
 *     format=bytevalue      or print
 *     type=btree            or hash
 *     mapsize=274877906944  LMDB's; such lines of any other name are passed over
 *     HEADER=END
 *      6170706c65           a space and a key,
 *      726564               a space and its value, and so on
 *     DATA=END
 *
 * With bytevalue, which is also meant where no format is named, a byte is two hexadecimal digits.
 * With print a byte is written as it is, except \\ and \hh, two digits. (LMDB before 0.9.25 printed
 * a backslash as it is, ITS#9068: that cannot be distinguished from an escape.)
 *
 * What a database here would not hold is a fault, not dropped: more than one value a key
 * (duplicates, dupsort), records without keys (recno, queue, heap, keys=0), a second database
 * after the first (mdb_dump -a). VERSION=1, of Berkeley DB 1, has other lines. Input that ends
 * before DATA=END was cut short.
 *
 * Written is bytevalue, with a mapsize of 256 GiB: the most that mdb_load will let the database
 * grow to, address space and not disk. db_load wants that line taken out. LMDB has no empty key,
 * and none of more than 511 bytes as it is usually built: mdb_load refuses them. */
#ifndef STRATA_COMMON_MDB_H
#define STRATA_COMMON_MDB_H

#include "text/text.h"

#define MDB_HEAD 24 /* bytes of a line of the header that are looked at */

struct mdb {
    struct strata_buffer key,
        value;             /* of the entry that mdb_feed returned; valid until the next call */
    uint64_t line;         /* of the entry's key, or the fault's; from 1 */
    enum text_fault fault; /* set with MDB_FAULT */
    uint64_t column;       /* of the fault, in bytes from 1 */
    bool in_value;         /* the fault is in the value */

    int state, escape;                  /* private, like all below: of the line, of an escape */
    bool print;                         /* format=print */
    bool has_equals;                    /* the line of the header under way has an = */
    uint8_t head[MDB_HEAD];             /* what that line begins with */
    uint8_t high;                       /* the first digit of an escape */
    struct text_decoder text;           /* of hexadecimal digits */
    uint64_t now_line, now, escape_now; /* now: bytes of the line before the next one */
    bool returned;                      /* key and value are dropped at the next call */
};

enum mdb_result {
    MDB_MORE,  /* the input is used up: feed more, or finish */
    MDB_ENTRY, /* key and value hold an entry; feed what is left */
    MDB_FAULT  /* line, column and fault say what; nothing more may be fed */
};

void mdb_init(struct mdb *mdb);
void mdb_free(struct mdb *mdb);

/* Takes bytes off the front of *input up to the end of an entry, a fault, or their end. */
enum mdb_result mdb_feed(struct mdb *mdb, struct strata_slice *input);
/* The input is over: MDB_MORE, or the fault that it was cut short. */
enum mdb_result mdb_finish(struct mdb *mdb);

/* Write the header, one entry, the footer: what mdb_feed reads back. False as the sink. */
bool mdb_put_head(const struct text_sink *to);
bool mdb_put_entry(const struct text_sink *to, struct strata_slice key, struct strata_slice value);
bool mdb_put_tail(const struct text_sink *to);

#endif
