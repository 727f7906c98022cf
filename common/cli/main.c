/* main.c: the program `strata`. */
#include "cli/cli.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A closed standard stream would be given to the next file that is opened: the database's, and a
 * warning would be written into it. What is put in its place fails every use. */
static bool hold_standard_streams(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        struct stat unused;
        if (fstat(fd, &unused) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct cli cli = {.commands = cli_commands,
                      .program = argc ? argv[0] : "strata",
                      .out = stdout,
                      .log = stderr};
    int code;

    if (!hold_standard_streams())
        return CLI_IO;
    if (!isatty(STDOUT_FILENO))
        setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    code = cli_parse(&cli, argc, argv);
    if (code == CLI_OK)
        code = cli.command->run(&cli);
    return cli_finish(&cli, code);
}
