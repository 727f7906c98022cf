/* tour_writer.c: the process that the tour kills. Puts the lines of a TSV file into a database,
 * in their order, and after every put that returned 0 writes down how many there are by now: that
 * number is what was acknowledged, and nothing of it may be missing afterwards.
 *
 *   tour_writer STAGE DIR FILE SKIP MOST ACKNOWLEDGED
 *
 * The first SKIP lines are passed over (they are there already, and count). After MOST it waits to
 * be killed, so that one who is slow to kill it finds it alive. The number is text of
 * fixed width at the start of file ACKNOWLEDGED, overwritten each time by one write call: like a
 * record of the log, it is in the kernel's hands when the process dies. */
#include "strata.h"
#include "text/tsv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct writer {
    struct strata *db;
    const char *path;
    FILE *from;
    int acknowledged; /* file descriptor of ACKNOWLEDGED */
    uint64_t skip, most, records;
    struct tsv tsv;
};

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "tour_writer: %s: %s\n", what, why);
    return 1;
}

static int acknowledge(const struct writer *w)
{
    char text[32];
    int size = snprintf(text, sizeof text, "%20" PRIu64 "\n", w->records);

    if (pwrite(w->acknowledged, text, (size_t)size, 0) != size)
        return fail("acknowledged", strerror(errno));
    return 0;
}

static int take_record(struct writer *w)
{
    struct strata_error err;
    char text[600];

    w->records++;
    if (w->records <= w->skip)
        return 0;
    if (strata_put(w->db, strata_buffer_slice(&w->tsv.key), strata_buffer_slice(&w->tsv.value),
                   &err) < 0)
        return fail("put", strata_error_text(&err, text, sizeof text));
    if (acknowledge(w))
        return 1;
    while (w->records == w->most)
        pause();
    return 0;
}

static int take_piece(struct writer *w, struct strata_slice piece)
{
    enum tsv_result result = TSV_MORE;
    int failed = 0;

    while (!failed && (result = tsv_feed(&w->tsv, &piece)) == TSV_ENTRY)
        failed = take_record(w);
    return result == TSV_FAULT ? fail(w->path, text_fault_name(w->tsv.fault)) : failed;
}

static int take_all(struct writer *w)
{
    uint8_t piece[65536];
    size_t got;

    while ((got = fread(piece, 1, sizeof piece, w->from)) > 0)
        if (take_piece(w, strata_bytes(piece, got)))
            return 1;
    if (ferror(w->from))
        return fail(w->path, strerror(errno));
    return tsv_finish(&w->tsv) == TSV_ENTRY ? take_record(w) : 0;
}

static int run(struct writer *w, const char *dir, const struct strata_options *options)
{
    struct strata_error err;
    char text[600];
    int failed;

    if (strata_open(dir, options, &w->db, &err) < 0)
        return fail("open", strata_error_text(&err, text, sizeof text));
    tsv_init(&w->tsv, TEXT_ESCAPED);
    failed = take_all(w);
    tsv_free(&w->tsv);
    if (strata_close(w->db, &err) < 0)
        failed = fail("close", strata_error_text(&err, text, sizeof text));
    return failed;
}

int main(int argc, char **argv)
{
    struct writer w = {0};
    struct strata_options options;
    int failed;

    if (argc != 7)
        return fail("usage", "tour_writer STAGE DIR FILE SKIP MOST ACKNOWLEDGED");
    strata_options_init(&options);
    options.stage = (unsigned)strtoul(argv[1], NULL, 10);
    options.create = true;
    w.path = argv[3];
    w.skip = strtoull(argv[4], NULL, 10);
    w.most = strtoull(argv[5], NULL, 10);
    w.from = fopen(w.path, "r");
    if (!w.from)
        return fail(w.path, strerror(errno));
    w.acknowledged = open(argv[6], O_WRONLY | O_CREAT | O_TRUNC, 0666);
    failed = w.acknowledged < 0 ? fail(argv[6], strerror(errno)) : run(&w, argv[2], &options);
    if (w.acknowledged >= 0)
        close(w.acknowledged);
    fclose(w.from);
    return failed;
}
