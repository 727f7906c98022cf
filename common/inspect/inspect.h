/* inspect.h: prints an annotated dump of a file, field by field. The formats (in the stages'
 * directories, struct strata_format) report each field; this module lays out the text. */
#ifndef STRATA_COMMON_INSPECT_H
#define STRATA_COMMON_INSPECT_H

#include "fs/fs.h"
#include "strata.h"

#include <stdio.h>

struct inspect {
    FILE *to;
    uint64_t limit;    /* sections to print in full; 0: all */
    uint64_t sections; /* reported so far */
    bool damaged;      /* inspect_stop was called */
    bool torn;         /* inspect_torn was called */
    bool quiet;        /* nothing is printed: only `damaged` is wanted */
};

void inspect_init(struct inspect *in, FILE *to);

/* A new part of the file: "record 3". */
void inspect_section(struct inspect *in, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* One field: its bytes in hexadecimal (long ones cut, with their count), its name, and what it
 * means. `total` is the field's whole size when `bytes` holds only its beginning. */
void inspect_field(struct inspect *in, uint64_t offset, struct strata_slice bytes, uint64_t total,
                   const char *name, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* A field of a fixed layout: a number in little-endian order. */
struct inspect_number {
    const char *name;
    unsigned width;      /* bytes, 1 to 8 */
    const char *meaning; /* "" when the name says enough */
    /* Writes the number as text, at most `capacity` bytes, to `to`; NULL: decimal digits. */
    void (*tell)(uint64_t value, char *to, size_t capacity);
};
/* Prints no number: the meaning says everything (for a checksum). */
void inspect_opaque(uint64_t value, char *to, size_t capacity);
#define INSPECT_END 1
/* Shows `count` of them one after another from *offset, which they move. 0; INSPECT_END, after
 * inspect_stop: the file ends before the last; IO. */
int inspect_numbers(struct inspect *in, struct fs_file *file, uint64_t *offset,
                    const struct inspect_number *numbers, size_t count, struct strata_error *err);

/* The file is damaged at `offset`, for this reason. */
void inspect_stop(struct inspect *in, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The file ends inside a record that began at `offset`: a crash may do that; it is not damage. */
void inspect_torn(struct inspect *in, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The last line: how much of the file is valid. */
void inspect_end(struct inspect *in, uint64_t valid_bytes, uint64_t file_bytes);

/* Bytes as text for people: printable ones as they are, others as \xNN, at most `max` bytes of
 * them, then "...". Writes to `to` (capacity > 0) and returns it. */
char *inspect_text(struct strata_slice bytes, size_t max, char *to, size_t capacity);

#endif
