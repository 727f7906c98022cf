/* options.c: the options, the names of exit statuses, and looking things up in a table of commands.
 */
#include "cli/options.h"

#include <string.h>
#include <strings.h>

const struct cli_option cli_options[CLI_OPTIONS] = {
    [CLI_STAGE] = {"stage", "N", "the stage to use; default: DIR's own, or the newest", 0, NULL},
    [CLI_CACHE] = {"cache", "SIZE", "stage 5 on: budget of the block cache; default: 256M", 0,
                   NULL},
    [CLI_MAPPED] = {"mapped", NULL, "stage 9 on: tables are read from mapped files", 0, NULL},
    [CLI_MEMTABLE] = {"memtable", "SIZE", "stage 4 on: budget of the memtable; default: 64M", 0,
                      NULL},
    [CLI_SYNC] = {"sync", "WHEN", "never, interval or always; default: the strongest promised", 0,
                  "never|interval|always"},
    [CLI_COMPACTION] = {"compaction", "NAME", "stage 7 on: leveled (the default) or tiered", 0,
                        "leveled|tiered"},
    [CLI_VALUE_BYTES] = {"value-bytes", "SIZE",
                         "stage 12 on: larger values are kept apart; default: none is", 0, NULL},
    [CLI_FIXED_LEVELS] = {"fixed-levels", NULL, "stage 7 on: levels are filled from level 1 on", 0,
                          NULL},
    [CLI_ENGINE] = {"engine", "FILE", "a shared object with your own engine", 0, NULL},
    [CLI_HEX] = {"hex", NULL, "keys and values are hexadecimal digits, in and out", 0, NULL},
    [CLI_RAW] = {"raw", NULL, "the bytes of the value as they are, and no line end", 0, NULL},
    [CLI_COST] = {"cost", NULL, "print what each get took, on standard error", 0, NULL},
    [CLI_TTL] = {"ttl", "SECONDS", "stage 13: the record is gone so many seconds from now", 0,
                 NULL},
    [CLI_FROM] = {"from", "KEY", "begin at KEY, inclusive", 0, NULL},
    [CLI_TO] = {"to", "KEY", "end before KEY, exclusive", 0, NULL},
    [CLI_PREFIX] = {"prefix", "KEY", "only keys that begin with KEY", 0, NULL},
    [CLI_LIMIT] = {"limit", "N", "no more than N entries", 0, NULL},
    [CLI_SECTIONS] = {"limit", "N", "show no more than N sections of the file", 0, NULL},
    [CLI_REVERSE] = {"reverse", NULL, "from the last key of the range to its first", 0, NULL},
    [CLI_KEYS_ONLY] = {"keys-only", NULL, "print no values, and read none", 0, NULL},
    [CLI_JSON] = {"json", NULL, "one JSON object instead of a table", 0, NULL},
    [CLI_FORMAT] = {"format", "FORMAT",
                    "tsv, csv, jsonl or mdb; default: by FILE's name, or else tsv", 0,
                    "tsv|csv|jsonl|mdb"},
    [CLI_HEADER] = {"header", NULL, "csv with a first line that names the columns: key,value", 0,
                    NULL},
    [CLI_KEY_COLUMN] = {"key", "COL", "csv: the key is in the column of this name; as --header", 0,
                        NULL},
    [CLI_VALUE_COLUMN] = {"value", "COL", "csv: likewise the value; other columns are not read", 0,
                          NULL},
    [CLI_SKIP_BAD] = {"skip-bad", NULL, "skip malformed records, and print how many there were", 0,
                      NULL},
    [CLI_BATCH] = {"batch", "N", "so many records are stored as one; default: 1000, or else 1", 0,
                   NULL},
    [CLI_TO_STAGE] = {"to", "N", "the stage of the new database", 0, NULL},
    [CLI_COUNT] = {"count", "N", "so many records; default: 1000", 'n', NULL},
    [CLI_KEYS] = {"keys", "N", "so many different keys to draw from; default: as many as records",
                  0, NULL},
    [CLI_KEY_SIZE] = {"key-size", "BYTES", "of a key; default: 16", 0, NULL},
    [CLI_VALUE_SIZE] = {"value-size", "BYTES", "of a value; default: 100", 0, NULL},
    [CLI_DISTRIBUTION] = {"distribution", "NAME", "sequential (the default), uniform or zipfian", 0,
                          "sequential|uniform|zipfian"},
    [CLI_THETA] = {"theta", "F", "of zipfian: 0 is uniform, 0.999 the most skewed; default: 0.99",
                   0, NULL},
    [CLI_COMPRESSIBILITY] = {"compressibility", "F",
                             "the share of a value that repeats; default: 0", 0, NULL},
    [CLI_SEED] = {"seed", "N", "other seeds give other records and workloads; default: 1", 0, NULL},
    [CLI_MAKE] = {"create", NULL, "make the database if there is none", 0, NULL},
    [CLI_HISTORY] = {"history", "FILE", "lines of earlier times from FILE, and all of them into it",
                     0, NULL},
    [CLI_NO_HISTORY] = {"no-history", NULL, "keep no line for the next time", 0, NULL},
    [CLI_TIMING] = {"timing", "on|off", "print how long each command took; default: on a terminal",
                    0, "on|off"},
    [CLI_MODEL] = {"model", "NAME", "kill, ordered or posix; default: all three", 0,
                   "kill|ordered|posix"},
    [CLI_WORKLOAD] = {"workload", "NAME|FILE", "only this one; default: all of them", 0, NULL},
    [CLI_DEPTH] = {"depth", "DEPTH", "quick, usual (the default) or full", 0, "quick|usual|full"},
    [CLI_SEEDS] = {"seeds", "N", "so many seeds, one after another; default: 1", 0, NULL},
    [CLI_AT] = {"at", "STATE", "only this state, as a violation names it", 0, NULL},
    [CLI_KEEP] = {"keep", "DIR", "write the state of a violation, or of --at, to DIR", 0, NULL},
    [CLI_WALK] = {"walk", "WHAT", "one workload step by step, in lines for calls, or for results",
                  0, "calls|results"},
    [CLI_SITES] = {"sites", NULL, "all places that call the file layer, with the states cut there",
                   0, NULL},
    [CLI_ISOLATION] = {"isolation", "LEVEL", "snapshot, or serializable (the default)", 0,
                       "snapshot|serializable"},
    [CLI_TABLE] = {"table", NULL, "which anomalies are possible at each level, a row a FILE", 0,
                   NULL},
    [CLI_DB] = {"db", "DIR", "the new database is in DIR, and stays", 0, NULL},
    [CLI_DRY_RUN] = {"dry-run", NULL, "print what would be done, and write nothing", 0, NULL},
    [CLI_DEEP] = {"deep", NULL, "also compare scans, gets and what is in memory: slower", 0, NULL},
    [CLI_YES] = {"yes", NULL, "yes, remove all of it", 0, NULL},
    [CLI_ALL] = {"all", NULL, "the help of every command", 0, NULL},
    [CLI_ALL_FIGURES] = {"all", NULL, "figures that are 0, too", 0, NULL},
    [CLI_OUTPUT] = {"output", "FILE",
                    "into FILE, which must not be there yet; default: standard output", 'o', NULL},
    [CLI_PORT] = {"port", "N", "the TCP port to listen on; default: 6379", 0, NULL},
    [CLI_BIND] = {"bind", "ADDRESS", "the address to listen on; default: 127.0.0.1", 0, NULL},
    [CLI_UNIX] = {"unix", "FILE", "listen on a Unix socket, and on TCP only if asked to", 0, NULL},
    [CLI_PASSWORD_FILE] = {"password-file", "FILE", "clients must give the first line of FILE", 0,
                           NULL},
    [CLI_HTTP] = {"http", "N", "answer /metrics, /stats and /healthz on this port", 0, NULL},
    [CLI_IDLE_TIMEOUT] = {"idle-timeout", "SECONDS",
                          "end connections that are idle for so long; default: never", 0, NULL},
    [CLI_CLIENT_MEMORY] = {"client-memory", "SIZE",
                           "most that the buffers of all clients may take; default: 1G", 0, NULL},
    [CLI_BACKUPS] = {"backups", "DIR", "where SAVE and BGSAVE write; default: they fail", 0, NULL},
    [CLI_VERSION] = {"version", NULL, "as the command version", 0, NULL},
    [CLI_HELP] = {"help", NULL, "as the command help", 'h', NULL},
};

bool cli_command_fits(const struct cli_command *command, bool in_shell)
{
    return command->place == CLI_LINE_AND_SHELL || (command->place == CLI_SHELL) == in_shell;
}

static bool lists(const enum cli_option_id *list, int id)
{
    while (list && *list != CLI_OPTIONS)
        if ((int)*list++ == id)
            return true;
    return false;
}

bool cli_command_takes(const struct cli_command *command, int id, bool in_shell)
{
    /* The shell's database is open, and its help has no pages for the command line. */
    if (in_shell && lists(OPTIONS(DB_OPTIONS, WRITE_OPTIONS, CLI_ALL), id))
        return false;
    return lists(command->options, id);
}

const struct cli_command *cli_command_named(const struct cli_command *const *commands,
                                            const char *name, bool in_shell)
{
    const struct cli_command *c;

    if (in_shell && (strcmp(name, "exit") == 0 || strcmp(name, ".quit") == 0))
        name = "quit";
    if (in_shell && strcmp(name, "?") == 0)
        name = "help";
    for (size_t i = 0; (c = commands[i]) != NULL; i++)
        if ((in_shell ? strcasecmp(c->name, name) : strcmp(c->name, name)) == 0 &&
            cli_command_fits(c, in_shell)) /* BEGIN, as in SQL */
            return c;
    return NULL;
}

const char *cli_exit_name(enum cli_exit code)
{
    static const char *const names[CLI_EXITS] = {"ok",
                                                 "not found",
                                                 "usage or malformed input",
                                                 "corrupt",
                                                 "I/O error",
                                                 "not supported by this stage",
                                                 "locked",
                                                 "other failure",
                                                 "a promise was broken",
                                                 "repaired with a loss"};
    return code < CLI_EXITS ? names[code] : "unknown";
}
