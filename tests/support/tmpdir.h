/* tmpdir.h: a directory of its own for a test, gone afterwards. */
#ifndef STRATA_TESTS_TMPDIR_H
#define STRATA_TESTS_TMPDIR_H

/* Makes an empty directory under $TMPDIR (or /tmp) and returns its absolute path, on the heap.
 * Ends the program when it cannot. */
char *tmpdir_new(void);
/* Removes `path` with everything below it, links not followed, and frees it. NULL is fine. */
void tmpdir_del(char *path);

/* "dir/name" on the heap; the caller frees it. `format` is printf's. */
char *tmpdir_path(const char *dir, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
