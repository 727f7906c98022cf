/* fs_posix_test.c: what only the real file system can show. */
#include "test.h"

#include "fs_posix.h"
#include "tmpdir.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child, so that the streams of the tests stay. */
static int write_with_closed_streams(const char *path)
{
    struct strata_fs *fs = fs_posix_new();
    struct fs_file *file;
    int bad;

    close(0);
    close(1);
    close(2);
    if (fs_open(fs, path, FS_WRITE | FS_CREATE, &file, NULL) < 0)
        return 1;
    bad = fcntl(0, F_GETFD) >= 0 || fcntl(1, F_GETFD) >= 0 || fcntl(2, F_GETFD) >= 0;
    fs_close(file, NULL);
    fs_free(fs);
    return bad;
}

static void fs_posix_files_keep_away_from_the_standard_streams(void **state)
{
    char *dir = tmpdir_new(), *path = tmpdir_path(dir, "file");
    int status;
    pid_t child = fork();

    (void)state;
    if (child == 0)
        _exit(write_with_closed_streams(path));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    free(path);
    tmpdir_del(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fs_posix_files_keep_away_from_the_standard_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
