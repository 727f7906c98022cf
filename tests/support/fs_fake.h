/* fs_fake.h: a file layer for tests of what stands above it: one file of bytes that may be read
 * and written in small pieces, interrupted, refused; every call is logged. Names mean nothing. */
#ifndef STRATA_TESTS_FS_FAKE_H
#define STRATA_TESTS_FS_FAKE_H

#include "fs/fs.h"

struct fs_fake {
    struct strata_fs base; /* first */
    uint8_t bytes[256];
    size_t size;          /* of the file */
    size_t at_most;       /* bytes that one read or write moves; 0: any number */
    unsigned interrupts;  /* before each call succeeds or fails, so many EINTR */
    unsigned interrupted; /* of the call under way */
    enum fs_call fails;   /* this call ... */
    int fails_with;       /* ... fails with this errno, 0: does not ... */
    unsigned fails_after; /* ... after so many of it went well */
    int open_files;
    char log[1000]; /* "open a|append 3|" */
};

extern const struct fs_ops fs_fake_ops;

/* A fake whose file holds "0123456789". Needs no freeing. */
struct fs_fake fs_fake_new(void);
/* Opens its file as "dir/file" for writing; the log is empty then. */
struct fs_file *fs_fake_open(struct fs_fake *fake);
/* Closes it; nothing may be open then. */
void fs_fake_close(struct fs_file *file);
struct strata_slice fs_fake_bytes(const struct fs_fake *fake); /* what the file holds */
uint64_t fs_fake_calls(const struct fs_fake *fake, enum fs_call call);

#endif
