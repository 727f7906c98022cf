/* manifest_tail.h: what stands where the edits of a manifest end: nothing, a torn tail, or damage.
 */
#ifndef STRATA_06_MANIFEST_TAIL_H
#define STRATA_06_MANIFEST_TAIL_H

#include "01_append_log/record.h"
#include "manifest.h"

/* `reader` stands where it got `rc`, which is not 0, and `why`. 0: manifest->torn bytes are to be
 * dropped, if any. CORRUPT, IO, NO_MEMORY. */
int manifest_tail(struct manifest *manifest, struct record_reader *reader, int rc,
                  const struct strata_error *why, struct strata_error *err);

#endif
