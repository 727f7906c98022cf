/* crash_command.c: crash, as help lists it. */
#include "cli/crash/crash.h"
#include "cli/options.h"

const struct cli_command cli_crash_command = {
    .name = "crash",
    .options = OPTIONS(CLI_STAGE, CLI_ENGINE, CLI_MODEL, CLI_WORKLOAD, CLI_SEED, CLI_SEEDS,
                       CLI_DEPTH, CLI_AT, CLI_KEEP, CLI_WALK, CLI_SITES),
    .exits =
        O(CLI_OK) | O(CLI_USAGE) | O(CLI_IO) | O(CLI_NOT_SUPPORTED) | O(CLI_OTHER) | O(CLI_BROKEN),
    .summary = "crash a stage at every call, and look at what comes back",
    .about =
        "Runs workloads on a disk in memory, and makes every state that a crash may leave,\n"
        "at each call of the file layer. Each is opened again: what comes back must be the\n"
        "writes in their order up to some n, and n no less than what was acknowledged.\n\n"
        "  kill     kill -9: the calls that ended have their effect; of the write being made\n"
        "           any number of bytes is there\n"
        "  ordered  a power cut: of what was not synced some bytes are there and some not;\n"
        "           files are made, renamed and removed in order\n"
        "  posix    a power cut, and no more than POSIX promises: that order is lost as well,\n"
        "           until a directory is synced\n\n"
        "The table has a row a kind of operation: calls cut, states made, states opened, those\n"
        "of them that differ in more than bytes of keys and values, and how many of the writes\n"
        "issued came back. Then come rows for a second crash while it recovers from the first;\n"
        "for a process that was killed and followed by another, before the power was cut; and\n"
        "for an I/O error before it. At the end it says how many places in the source call the\n"
        "file layer (--sites lists them): one that no crash tested ends crash with 7.\n\n"
        "--walk calls shows one workload step by step: a row for each of its operations, and\n"
        "below it the calls that leave something new, what comes back, and (<-) what was left;\n"
        "--walk results puts together states that recover alike, with the first example of each. "
        "A\n"
        "file is called there by the name that it was opened under.\n\n"
        "What a stage loses and does not promise to keep (`strata stages`) is shown, of the "
        "first\n"
        "crash alone, and is no failure. Each kind of violation is shown once, by as few steps "
        "as\n"
        "were found to do, and a command that makes that state again. Segments are so small\n"
        "(1500 bytes) that a short workload crosses every boundary.\n\n"
        "  quick  only what the first crash may leave\n"
        "  usual  and samples of crashes after a crash, a kill or an error\n"
        "  full   all of them, and more of what files may hold at once: hours\n\n"
        "A workload is one of nothing, writes, reopens, large, merge, held, batches, mixed,\n"
        "unsynced (the last two are drawn by the seed), or a file with a step a line, as in\n"
        "the shell:\n\n"
        "  put KEY VALUE, del KEY, batch begin, batch commit, sync, flush, compact, reopen\n"
        "  read      read everything, in every way\n"
        "  hold      make an iterator, which stays until it comes to release\n"
        "  synced    the next write is synced, though others are not\n"
        "  settle    what was done so far is durable, and is not crashed\n"
        "  unsynced  as the first line: writes are acknowledged before they are synced\n\n"
        "--engine takes a shared object that exports `const struct strata_engine strata_engine`\n"
        "and judges it as stage N; what it breaks is reported again at the end, step by step.\n"
        "An engine that bypasses the file layer cannot be judged: 5. A signal that it raises\n"
        "ends crash, which prints the state, and the command that makes that state again.",
    .example = "$ strata crash --stage 3 --model posix --workload merge | tail -1\n"
               "crash: stage=3 model=posix states=... distinct=... violations=0\n"
               "$ printf 'put a 1\\nsettle\\nput a 2\\n' >two\n"
               "$ strata crash --stage 3 --model posix --workload two --at 4.1 --keep state\n"
               "state 4.1, fine: the state after write 2\n"
               "...\n"
               "$ strata get state/db a\n"
               "2\n",
    .run = crash_run,
};
