/* replay.c: the plain main of a fuzz target: no fuzzer needed, any compiler.
 *
 *   build/fuzz/replay/NAME PATH...   runs the target on files, and on the files of directories
 *   build/fuzz/replay/NAME --tap     on its own seeds, regressions and corpus, as a suite of tests
 *
 * With --tap each seed and each regression is run in a process of its own, so that one that crashes
 * it, or takes too long, is one failed test with a name; the corpus, which has hundreds of files,
 * in one for all. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "support/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 60 /* one file may take, with --tap */

static const char help[] =
    "usage: %s PATH...   run the fuzz target on files, and on the files of directories\n"
    "       %s --tap     run it on those of %s in fuzz/seeds, fuzz/regress, fuzz/corpus,\n"
    "                     as tests (from the root of the project)\n"
    "\n"
    "The name of a file is printed before it is run: when the program ends early, it was the last\n"
    "one. Exit code 0: all went well.\n";

static int tests, failures;

static void refuse(const char *path, int error)
{
    fprintf(stderr, "%s: %s\n", path, strerror(error));
    exit(2);
}

/* The whole file; freed by the caller. Exactly its size, so that ASan sees a byte too far. */
static uint8_t *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    uint8_t *bytes;

    if (!file || fstat(fileno(file), &status) < 0)
        refuse(path, errno);
    *size = (size_t)status.st_size;
    bytes = malloc(*size ? *size : 1);
    if (!bytes)
        refuse(path, ENOMEM);
    *size = fread(bytes, 1, *size, file);
    fclose(file);
    return bytes;
}

static void run(const char *path)
{
    size_t size;
    uint8_t *bytes = read_whole(path, &size);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
}

static void run_here(const char *path)
{
    printf("%s ... ", path);
    fflush(stdout);
    run(path);
    puts("ok");
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The files of a directory in the order of their names. Returns how many. */
static int each_file(const char *dir, void (*each)(const char *path))
{
    struct dirent **names;
    int count = scandir(dir, &names, visible, alphasort), files = 0;

    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        struct stat status;
        snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
        if (stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
            each(path);
            files++;
        }
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    return files;
}

static char *current; /* of a test's files, for the parent */

static void run_and_tell(const char *path)
{
    snprintf(current, PATH_MAX, "%s", path);
    alarm(SECONDS);
    run(path);
}

/* A file, or a directory's files, in a process of its own. */
static void run_as_test(const char *path)
{
    struct stat what;
    int status = 0;
    pid_t child;

    fflush(stdout);
    *current = '\0';
    child = fork();
    if (child == 0) {
        alarm(SECONDS);
        if (stat(path, &what) == 0 && S_ISDIR(what.st_mode))
            each_file(path, run_and_tell);
        else
            run(path);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        refuse(path, errno);
    tests++;
    failures += status != 0;
    printf("%s %d - %s", status == 0 ? "ok" : "not ok", tests, path);
    if (status != 0 && *current)
        printf(": %s", current);
    if (WIFSIGNALED(status))
        printf(" (%s)", strsignal(WTERMSIG(status)));
    else if (status != 0)
        printf(" (exit code %d)", WEXITSTATUS(status));
    putchar('\n');
}

static int run_own(const char *name)
{
    char path[PATH_MAX];
    int seeds;

    current = mmap(NULL, PATH_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (current == MAP_FAILED)
        refuse("mmap", errno);
    snprintf(path, sizeof path, "fuzz/seeds/%s", name);
    seeds = each_file(path, run_as_test);
    if (seeds == 0) {
        printf("not ok 1 - there are no files in %s\n", path);
        return 1;
    }
    snprintf(path, sizeof path, "fuzz/regress/%s", name);
    each_file(path, run_as_test);
    snprintf(path, sizeof path, "fuzz/corpus/%s", name);
    if (access(path, R_OK) == 0)
        run_as_test(path);
    printf("1..%d\n", tests);
    return failures != 0;
}

static void run_path(const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0)
        refuse(path, errno);
    if (S_ISDIR(status.st_mode))
        each_file(path, run_here);
    else
        run_here(path);
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    bool asked = argc == 2 && strcmp(argv[1], "--help") == 0;

    fuzz_thorough = true;
    LLVMFuzzerInitialize(&argc, &argv);
    if (argc == 2 && strcmp(argv[1], "--tap") == 0)
        return run_own(name);
    if (argc < 2 || asked) {
        fprintf(asked ? stdout : stderr, help, argv[0], argv[0], name);
        return asked ? 0 : 2;
    }
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    return 0;
}
