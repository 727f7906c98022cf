/* fs_output.h: a file that is written once, from its beginning to its end, through a buffer, under
 * a temporary name: NAME.tmp. It gets its name when it is whole and on the device. */
#ifndef STRATA_COMMON_FS_OUTPUT_H
#define STRATA_COMMON_FS_OUTPUT_H

#include "fs/fs.h"

/* All zero is one that is not open. */
struct fs_output {
    struct strata_fs *fs;
    struct fs_file *file;
    char *path, *temporary;     /* its name, and the one it has until then */
    struct strata_buffer bytes; /* not yet appended; they belong at file->end */
    size_t piece_bytes;         /* appended by one call, when so many have gathered */
    uint64_t written_back;      /* bytes of the file that are on their way to the device */
    bool published;             /* it has its name */
};

/* Makes the file dir/000002.run.tmp, with the number 2 and the suffix ".run". To be closed, also
 * when it failed. IO, NO_MEMORY. */
int fs_output_open(struct fs_output *out, struct strata_fs *fs, const char *dir, uint64_t number,
                   const char *suffix, struct strata_error *err);
/* Where the next byte of the file belongs: behind `bytes`. */
static inline uint64_t fs_output_end(const struct fs_output *out)
{
    return out->file->end + out->bytes.size;
}
/* Appends what is in `bytes`. IO. */
int fs_output_flush(struct fs_output *out, struct strata_error *err);
/* Appends what is in `bytes` when enough has gathered. IO. */
int fs_output_flush_due(struct fs_output *out, struct strata_error *err);
/* Syncs the file and gives it its name, which is durable when the directory has been synced. All of
 * it has been flushed. IO. */
int fs_output_publish(struct fs_output *out, struct strata_error *err);
/* `keep`: it is published and stays. Else the file is removed. */
void fs_output_close(struct fs_output *out, bool keep);

/* A call made by these functions counts as a call at the caller's site. */
#ifdef FS_SITE
#define fs_output_open(...) (FS_SITE("fs_output_open"), fs_output_open(__VA_ARGS__))
#define fs_output_flush(...) (FS_SITE("fs_output_flush"), fs_output_flush(__VA_ARGS__))
#define fs_output_flush_due(...) (FS_SITE("fs_output_flush_due"), fs_output_flush_due(__VA_ARGS__))
#define fs_output_publish(...) (FS_SITE("fs_output_publish"), fs_output_publish(__VA_ARGS__))
#define fs_output_close(...) (FS_SITE("fs_output_close"), fs_output_close(__VA_ARGS__))
#endif

#endif
