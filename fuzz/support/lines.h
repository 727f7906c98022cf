/* lines.h: what must hold of entries as lines of text (entries.h), in any of the formats:
 *
 *   - cut into pieces anywhere, the lines hold the same entries, or have the same fault at the same
 *     line and column, which is a place in the text;
 *   - entries that were read, and any bytes, come back when they are written as lines;
 *   - an allocation that fails, or a line that is too long, is reported;
 *   - memory is bounded by the size of the text. */
#ifndef STRATA_FUZZ_LINES_H
#define STRATA_FUZZ_LINES_H

#include "text/entries.h"

void lines_check(enum entries_format format, enum text_form form, struct strata_slice text);

/* For feeding text in pieces: the size of the next one of 1 to 16 bytes, no two rounds alike.
 * `*turn` is 0 at the beginning. */
size_t lines_next_piece(size_t left, size_t *turn);

#endif
