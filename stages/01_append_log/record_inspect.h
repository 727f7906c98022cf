/* record_inspect.h: the annotated dump of a file of records, for the inspectors of all stages. */
#ifndef STRATA_01_RECORD_INSPECT_H
#define STRATA_01_RECORD_INSPECT_H

#include "01_append_log/record.h"
#include "inspect/inspect.h"

/* What a stage says of its records. */
struct record_words {
    const char *name, *magic;
    unsigned max_type;
    const char *(*type_name)(unsigned type);
    /* How the file's number is shown (inspect.h); NULL: in decimal digits. */
    void (*tell_number)(uint64_t number, char *to, size_t capacity);
    /* The layout of the value of a record of this type; NULL: bytes of the user's. */
    const struct inspect_number *(*layout)(unsigned type, size_t *count);
    bool room;          /* zeros behind the last record are no damage */
    unsigned last_type; /* of the record that must be the last; 0: the file may end behind any */
};
int record_inspect_kind(struct fs_file *file, const struct record_words *words, struct inspect *to,
                        struct strata_error *err);

#endif
