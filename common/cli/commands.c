/* commands.c: the table of commands: all that is known of each. Only main.c uses it; everybody else
 * is handed it with a struct cli, so that a command may look at the others and no file needs all of
 * them. */
#include "cli/options.h"

#define RECORD_OPTIONS (DB_OPTIONS | O(CLI_HEX))
#define FORMAT_OPTIONS (RECORD_OPTIONS | O(CLI_FORMAT) | O(CLI_HEADER))
/* What every command that opens a database may end with. */
#define DB_EXITS                                                                                   \
    (O(CLI_OK) | O(CLI_USAGE) | O(CLI_CORRUPT) | O(CLI_IO) | O(CLI_NOT_SUPPORTED) |                \
     O(CLI_LOCKED) | O(CLI_OTHER))

const struct cli_command cli_commands[] = {
    {.name = "put",
     .place = CLI_LINE_AND_SHELL,
     .operands = {"DIR", "KEY", "VALUE"},
     .required = 3,
     .options = RECORD_OPTIONS | WRITE_OPTIONS,
     .exits = DB_EXITS,
     .summary = "store VALUE under KEY, replacing an older value",
     .about = "Makes the database DIR if there is none, but not the directory it lies in. When\n"
              "put has ended with 0, the record survives what the stage promises (`strata\n"
              "stages`). An empty KEY or VALUE is written ''.\n\n"
              "VALUE - means the bytes of standard input, and @FILE the bytes of a file: as\n"
              "they are, without escapes, with a line end if there is one; --hex is then of KEY\n"
              "alone. Behind -- every operand is itself: so a KEY or VALUE is given that begins\n"
              "with a dash or with @.",
     .shell_about =
         "When put prints nothing, the record survives what the stage promises (`strata\n"
         "stages`). After `batch begin` it is only gathered, and stored by `batch commit`. An\n"
         "empty KEY or VALUE is written ''. VALUE @FILE means the bytes of a file, as they\n"
         "are. Behind -- every operand is itself: so a KEY or VALUE is given that begins with a\n"
         "dash or with @.",
     .example = "$ strata put db 'caf\\xc3\\xa9' 'noir\\tlong'\n"
                "$ strata put db -- -1 @minus\n"
                "$ printf 'any\\0bytes' | strata put db blob -\n"
                "$ strata scan db\n"
                "-1\t@minus\n"
                "blob\tany\\x00bytes\n"
                "caf\xc3\xa9\tnoir\\tlong\n"
                "$ strata put db copy @db/STRATA && strata get db copy --raw | cmp - db/STRATA\n",
     .run = cli_run_put},
    {.name = "get",
     .place = CLI_LINE_AND_SHELL,
     .operands = {"DIR", "KEY..."},
     .required = 2,
     .options = RECORD_OPTIONS | O(CLI_RAW),
     .exits = DB_EXITS | O(CLI_NOT_FOUND),
     .summary = "print the value stored under KEY",
     .about =
         "The value is printed with escapes, and a line end after it; with --raw its bytes as\n"
         "they are, and nothing after them. Of several keys a line each is printed, as scan\n"
         "does: key, tab, value. Those that are missing are named on standard error, and\n"
         "get ends with 1.",
     .shell_about =
         "The value is printed with escapes, and a line end after it; of several keys a line\n"
         "each: key, tab, value. Neither get nor any other command sees what `batch begin`\n"
         "has gathered: it is stored by `batch commit`.",
     .example = "$ strata put db fruit apple\n"
                "$ strata get db fruit\n"
                "apple\n"
                "$ strata get db 6672756974 --hex\n"
                "6170706c65\n"
                "$ strata put db bread rye\n"
                "$ strata get db bread cheese fruit || echo it ended with $?\n"
                "bread\trye\n"
                "fruit\tapple\n"
                "it ended with 1\n",
     .run = cli_run_get},
    {.name = "del",
     .place = CLI_LINE_AND_SHELL,
     .operands = {"DIR", "KEY..."},
     .required = 2,
     .options = RECORD_OPTIONS | WRITE_OPTIONS,
     .exits = DB_EXITS | O(CLI_NOT_FOUND),
     .summary = "remove KEY and its value",
     .about = "Keys that were not there are named on standard error, and del ends with 1; the\n"
              "others are removed all the same. Several keys are one batch where `strata stages`\n"
              "promises batches. DIR must be a database.",
     .shell_about =
         "Keys that were not there are named, and the others removed. After `batch begin` the\n"
         "removal is only gathered, and done by `batch commit`; then no message names keys\n"
         "that are not there.",
     .example = "$ strata put db fruit apple\n"
                "$ strata del db fruit\n"
                "$ strata get db fruit || echo gone\n"
                "gone\n"
                "$ strata del db fruit || echo it ended with $?\n"
                "it ended with 1\n",
     .run = cli_run_del},
    {.name = "scan",
     .place = CLI_LINE_AND_SHELL,
     .operands = {"DIR"},
     .required = 1,
     .options = RECORD_OPTIONS | O(CLI_FROM) | O(CLI_TO) | O(CLI_PREFIX) | O(CLI_LIMIT) |
                O(CLI_REVERSE) | O(CLI_KEYS_ONLY),
     .exits = DB_EXITS,
     .summary = "print the entries of a range of keys, in order",
     .about = "A line an entry: key, tab, value. Keys sort as unsigned bytes. The options narrow\n"
              "the range together; one that holds nothing prints nothing, which is no error.",
     .example = "$ printf 'a\\t1\\nab\\t2\\nb\\t3\\nc\\t4\\n' | strata load db - 2>/dev/null\n"
                "$ strata scan db --from ab --to c\n"
                "ab\t2\n"
                "b\t3\n"
                "$ strata scan db --prefix a --reverse --limit 1\n"
                "ab\t2\n"
                "$ strata scan db --keys-only --hex --from 62\n"
                "62\n"
                "63\n",
     .run = cli_run_scan},
    {.name = "count",
     .place = CLI_LINE_AND_SHELL,
     .operands = {"DIR"},
     .required = 1,
     .options = RECORD_OPTIONS | O(CLI_FROM) | O(CLI_TO) | O(CLI_PREFIX),
     .exits = DB_EXITS,
     .summary = "print how many entries a range of keys has",
     .about = "The options narrow the range as those of scan do. No value is read.",
     .example = "$ printf 'a\\t1\\nab\\t2\\nb\\t3\\n' | strata load db - 2>/dev/null\n"
                "$ strata count db\n"
                "3\n"
                "$ strata count db --prefix a\n"
                "2\n",
     .run = cli_run_count},
    {.name = "load",
     .place = CLI_LINE_AND_SHELL,
     .operands = {"DIR", "FILE|-"},
     .required = 2,
     .options = FORMAT_OPTIONS | WRITE_OPTIONS | O(CLI_KEY_COLUMN) | O(CLI_VALUE_COLUMN) |
                O(CLI_SKIP_BAD) | O(CLI_BATCH),
     .exits = DB_EXITS,
     .summary = "store every record of a file",
     .about = "Makes the database DIR if there is none. `strata help dump` has the formats. Later\n"
              "records win over earlier ones. A byte order mark at the beginning is dropped.\n\n"
              "A malformed record is named as FILE:LINE:COLUMN (in bytes) and ends the load with\n"
              "2; the records before it stay loaded. With --skip-bad its line is skipped: the\n"
              "first five are named, all are counted, and load ends with 0. A quote that is\n"
              "never closed, a refused header and mdb, where no line ends an entry, cannot be\n"
              "skipped.\n\n"
              "With --header the first line of csv names the columns. They must be key and value,\n"
              "in any order; --key and --value name others, of as many columns as there are.\n\n"
              "A batch is stored when it has N records or 8 MiB, when the input pauses for a\n"
              "second, and at the end; N is 1 on a stage that promises no batch. When load is\n"
              "killed, the batches stored before stay. On a terminal a line shows speed and time\n"
              "left; the last line, on standard error, sums up.",
     .shell_about =
         "`help dump` has the formats. Later records win over earlier ones. FILE is not - here:\n"
         "standard input has the shell's commands. No batch may be under way.\n\n"
         "A malformed record is named as FILE:LINE:COLUMN (in bytes) and ends the load; the\n"
         "records before it stay loaded. With --skip-bad its line is skipped and counted.\n"
         "Ctrl-C ends the load; what was stored before stays.",
     .example = "$ printf 'b\\t2\\na\\t1\\n' | strata load db -\n"
                "$ printf 'c,\"3,14\"\\n' >more.csv && strata load db more.csv\n"
                "$ strata scan db\n"
                "a\t1\n"
                "b\t2\n"
                "c\t3,14\n"
                "$ printf 'd\\t4\\noops\\ne\\t5\\n' | strata load db - || echo it ended with $?\n"
                "it ended with 2\n"
                "$ strata scan db --from c --keys-only\n"
                "c\n"
                "d\n"
                "$ printf 'id,age,name\\n7,30,Ada\\n' >people.csv\n"
                "$ strata load db people.csv --key id --value name && strata get db 7\n"
                "Ada\n",
     .run = cli_run_load},
    {.name = "dump",
     .place = CLI_LINE_AND_SHELL,
     .operands = {"DIR", "FILE|-"},
     .required = 1,
     .options = FORMAT_OPTIONS | O(CLI_FROM) | O(CLI_TO) | O(CLI_PREFIX),
     .exits = DB_EXITS,
     .summary = "write every entry as a record that load reads",
     .about =
         "To standard output, or into FILE, which must not be there yet. FILE gets its name\n"
         "when it is whole and on the device; until then it is FILE.PID.tmp, which is removed\n"
         "when dump fails or is interrupted, and left behind by kill -9. A pipe or a device\n"
         "(/dev/null) is written to as it is. The options narrow the range as those of scan\n"
         "do. Any key and any value comes through dump and load unchanged, in each format:\n\n"
         "  tsv    key, tab, value; escapes as on the command line\n"
         "  csv    key,value with RFC 4180's quotes and no escapes; bytes that are no text\n"
         "         as \\x and hexadecimal digits, which is PostgreSQL's form of bytea\n"
         "  jsonl  {\"key\":\"...\",\"value\":\"...\"} a line; what is not UTF-8 in base64, under\n"
         "         the name key_b64 or value_b64\n"
         "  mdb    what mdb_dump of LMDB and db_dump of Berkeley DB write: a header, then a line\n"
         "         a key and a line a value, in hexadecimal; load reads their format=print too.\n"
         "         LMDB refuses a key that is empty or longer than 511 bytes; db_load refuses\n"
         "         the line mapsize, which mdb_load needs",
     .example = "$ strata put db fruit 'apple\\x00pie'\n"
                "$ strata put db name '\"C:\\\\new\"'\n"
                "$ strata dump db\n"
                "fruit\tapple\\x00pie\n"
                "name\t\"C:\\\\new\"\n"
                "$ strata dump db --format csv --header\n"
                "key,value\n"
                "fruit,\\x6170706c6500706965\n"
                "name,\"\"\"C:\\new\"\"\"\n"
                "$ strata dump db all.jsonl && cat all.jsonl\n"
                "{\"key\":\"fruit\",\"value\":\"apple\\u0000pie\"}\n"
                "{\"key\":\"name\",\"value\":\"\\\"C:\\\\new\\\"\"}\n"
                "$ strata load copy all.jsonl\n"
                "$ strata dump copy --format jsonl | diff - all.jsonl && echo the same\n"
                "the same\n"
                "$ strata dump copy --format mdb | sed -n '5,7p'\n"
                "HEADER=END\n"
                " 6672756974\n"
                " 6170706c6500706965\n",
     .run = cli_run_dump},
    {.name = "datagen",
     .operands = {"FILE|-"},
     .options = O(CLI_HEX) | O(CLI_FORMAT) | O(CLI_HEADER) | O(CLI_COUNT) | O(CLI_KEYS) |
                O(CLI_KEY_SIZE) | O(CLI_VALUE_SIZE) | O(CLI_DISTRIBUTION) | O(CLI_THETA) |
                O(CLI_COMPRESSIBILITY) | O(CLI_SEED),
     .exits = O(CLI_OK) | O(CLI_USAGE) | O(CLI_IO) | O(CLI_OTHER),
     .summary = "make up records, the same for a seed on every machine",
     .about =
         "To standard output, or into FILE, as dump does. A key is a number in decimal digits,\n"
         "a value letters and digits that no compressor can shorten, but for the share that\n"
         "--compressibility asks for.\n\n"
         "  sequential  0, 1, 2 and so on: each key once\n"
         "  uniform     any key, equally often: some twice, some never\n"
         "  zipfian     few keys often: the method of Gray et al. (SIGMOD 1994) with YCSB's\n"
         "              scrambling, so that the frequent keys are no neighbours",
     .example = "$ strata datagen -n 3 --key-size 4 --value-size 8\n"
                "0000\thgK95ApP\n"
                "0001\tpnP3VkJl\n"
                "0002\tNkN6WqnE\n"
                "$ strata datagen -n 1000 --distribution zipfian --keys 500 | strata load db -\n"
                "$ strata scan db --keys-only --limit 1\n"
                "0000000000000001\n",
     .run = cli_run_datagen},
    {.name = "migrate",
     .operands = {"SRC", "DST"},
     .required = 2,
     .options = O(CLI_TO_STAGE),
     .exits = DB_EXITS,
     .summary = "copy a database into a new one of another stage",
     .about = "SRC is only read. DST must not exist, or be an empty directory. Until every record\n"
              "was copied, read back and compared, DST is marked as incomplete: if migrate is\n"
              "killed, every later command says so, and DST is to be removed by hand. What is\n"
              "there at the end is as safe as the stage promises.",
     .example = "$ strata put old fruit apple --stage 1\n"
                "$ strata migrate old new --to 1\n"
                "$ strata scan new\n"
                "fruit\tapple\n"
                "$ strata migrate old new --to 1 || echo it ended with $?\n"
                "it ended with 7\n",
     .run = cli_run_migrate},
    {.name = "backup",
     .place = CLI_LINE_AND_SHELL,
     .operands = {"DIR", "COPY"},
     .required = 2,
     .options = DB_OPTIONS,
     .exits = DB_EXITS,
     .summary = "copy a database as it is now into a new directory",
     .about =
         "COPY is a database of the same stage; it must not exist, or be an empty directory.\n"
         "If backup is killed or fails, every later command calls the copy incomplete: remove\n"
         "it by hand. To restore, back the copy up to a new directory, or put it where the\n"
         "lost database was.",
     .example = "$ strata put db fruit apple\n"
                "$ strata backup db copy\n"
                "$ strata put db fruit pear\n"
                "$ strata get copy fruit\n"
                "apple\n",
     .run = cli_run_backup},
    {.name = "repair",
     .place = CLI_LINE,
     .operands = {"DIR"},
     .required = 1,
     .options = O(CLI_STAGE) | O(CLI_DRY_RUN),
     .exits = DB_EXITS | O(CLI_LOST),
     .summary = "repair a damaged database with what can be read",
     .about = "Makes a new marker (the file STRATA) for one that is missing or damaged, if all\n"
              "files are those of the stage that --stage names. The rest is from stage 8 on.\n"
              "A line a file: kept, salvaged, lost, unused or made, and why; the ranges of keys\n"
              "that may be missing, or may have an older value again; and figures. Nothing is\n"
              "deleted: what does not count any more is moved to DIR/lost. A healthy database\n"
              "is not touched. If it is killed, run it again. Ends with 9 when something is lost,\n"
              "with 0 when all is as it was; --dry-run with the same.",
     .example = "$ strata put db fruit apple\n"
                "$ rm db/CURRENT\n"
                "$ strata get db fruit || echo it ended with $?\n"
                "it ended with 3\n"
                "$ strata repair db\n"
                "...\n"
                "db: repaired, and nothing is lost\n"
                "$ strata get db fruit\n"
                "apple\n",
     .run = cli_run_repair},
    {.name = "destroy",
     .place = CLI_LINE,
     .operands = {"DIR"},
     .required = 1,
     .options = O(CLI_YES),
     .exits = DB_EXITS,
     .summary = "remove a database, and nothing else",
     .about = "Removes the files of the database in DIR, those that have the name and the first\n"
              "bytes of a file of its stage, and DIR if it is empty then. Any other file stays,\n"
              "and a line names it. Also for what a copy that was cut short has left. Killed, it\n"
              "leaves what no command opens as a database: run it again. Without --yes nothing is\n"
              "removed.",
     .example = "$ strata put db fruit apple\n"
                "$ strata destroy db --yes\n"
                "db: destroyed\n"
                "$ strata get db fruit || echo it ended with $?\n"
                "it ended with 7\n",
     .run = cli_run_destroy},
    {.name = "compact",
     .place = CLI_LINE_AND_SHELL,
     .operands = {"DIR", "FROM", "TO"},
     .required = 1,
     .options = RECORD_OPTIONS | WRITE_OPTIONS,
     .exits = DB_EXITS,
     .summary = "free dead space: what was replaced or removed",
     .about = "Only where `strata stages` promises it. Nothing is lost when it is killed. Prints\n"
              "the bytes of all files after it and before.\n\n"
              "With keys: from FROM on and, where TO is given, before it; '' is no bound. From\n"
              "stage 7 on only the tables that hold such keys are rewritten, and those that\n"
              "overlap with them; before, all is.",
     .example = "$ strata put db fruit apple --stage 1\n"
                "$ strata compact db || echo it ended with $?\n"
                "it ended with 5\n",
     .run = cli_run_compact},
    {.name = "info",
     .place = CLI_LINE_AND_SHELL,
     .operands = {"DIR"},
     .required = 1,
     .options = DB_OPTIONS,
     .exits = DB_EXITS,
     .summary = "show one screen about a database",
     .about =
         "Its stage, keys, size, log, tables by level, amplification, last event. The keys are\n"
         "exact where the stage knows them, or where all files together have no more than 64\n"
         "MiB, as info then reads every key; else they are approximate, and info says so\n"
         "(`strata count` counts in any case). Damage that info meets is reported after the\n"
         "rest, and ends it with 3.\n\n"
         "  space amplification  bytes of all tables / of the deepest level, or of the largest\n"
         "                       table of level 0; without tables, records / live keys\n"
         "  read amplification   tables of level 0, and one for each deeper level\n"
         "  write amplification  bytes that flushes and compactions wrote / bytes of keys and\n"
         "                       values put, as far back as the event log goes",
     .example = "$ strata put db fruit apple --stage 4\n"
                "$ strata info db\n"
                "db: stage 4, 04_memtable_sstable\n"
                "survives clean exit, kill -9, power cut\n"
                "\n"
                "keys                           1  exact\n"
                "size                       ... B  4 files, last written ...\n"
                "log                        ...\n"
                "tables                         0  ...\n",
     .run = cli_run_info},
    {.name = "stats",
     .place = CLI_LINE_AND_SHELL,
     .operands = {"DIR"},
     .required = 1,
     .options = DB_OPTIONS | O(CLI_JSON) | O(CLI_ALL_FIGURES),
     .exits = DB_EXITS,
     .summary = "print figures of the database",
     .about = "Of its files and records, and of what opening it cost. A line a figure: name,\n"
              "value, unit, meaning; those that are 0 are left out, unless --all asks for them.\n"
              "With --json, for programs: stage, name, survives, promises, and all figures under\n"
              "stats by name. `strata info` shows what people want to know first.",
     .example = "$ strata put db fruit apple --stage 1\n"
                "$ strata stats db | head -1\n"
                "stage                             1          01_append_log\n"
                "$ strata stats db --json | grep -o '\"name\": \"[^\"]*\"'\n"
                "\"name\": \"01_append_log\"\n",
     .run = cli_run_stats},
    {.name = "levels",
     .place = CLI_LINE_AND_SHELL,
     .operands = {"DIR"},
     .required = 1,
     .options = RECORD_OPTIONS,
     .exits = DB_EXITS,
     .summary = "draw the sorted tables with their keys and sizes",
     .about = "Level by level, and of a level that overlaps the newest table first. A table has\n"
              "two lines: number of its file, bytes, records, deletes among them, smallest and\n"
              "largest key; and a bar from one to the other. A column is the same number of\n"
              "bytes everywhere: tables of one size, side by side, are equally wide. A read may\n"
              "have to look into as many tables of a level as hold its key. A stage without\n"
              "sorted tables (before 4) ends it with 5.",
     .example = "$ printf 'a\\t1\\nm\\t2\\n' | strata load --stage 4 db -\n"
                "$ strata compact db\n"
                "...\n"
                "$ strata levels db\n"
                "level 0: 1 table, 160 bytes; a key may be in 1 of them\n"
                "   table       bytes   records  deletes  keys\n"
                "  000002         160         2        0  a .. m\n"
                "  |===========================================================================|\n",
     .run = cli_run_levels},
    {.name = "timeline",
     .operands = {"DIR"},
     .required = 1,
     .options = DB_OPTIONS | O(CLI_OUTPUT),
     .exits = DB_EXITS,
     .summary = "turn the event log into a page that shows the levels over time",
     .about =
         "The page is one HTML file that needs no network: open it in a browser. It plays\n"
         "flushes and compactions as they were, tables as boxes by their keys and sizes, and\n"
         "the writes that had to wait. It opens on the largest compaction; space plays and\n"
         "pauses, the arrows step, the time line can be dragged. The page lists what the log\n"
         "does not have, because it was cut, damaged or switched off. A stage without an event\n"
         "log (before 7) ends it with 5.",
     .example = "$ strata datagen -n 5000 | strata load --stage 9 db -\n"
                "$ strata timeline db -o db.html\n"
                "$ head -1 db.html\n"
                "<!DOCTYPE html>\n",
     .run = cli_run_timeline},
    {.name = "verify",
     .place = CLI_LINE_AND_SHELL,
     .operands = {"DIR"},
     .required = 1,
     .options = DB_OPTIONS | O(CLI_DEEP),
     .exits = DB_EXITS,
     .summary = "read and check every byte that the database relies on",
     .about = "The first damage is named by file and offset; `strata inspect FILE` shows what is\n"
              "there. A torn tail after a crash is reported as a warning: it was never\n"
              "acknowledged. With --deep everything is also compared: scans in both directions,\n"
              "a get of every key, the bounds and levels of the tables, and what is in memory.",
     .example = "$ strata put db fruit apple\n"
                "$ strata verify db\n"
                "db: no damage\n"
                "$ strata verify --deep db\n"
                "db: no damage\n",
     .run = cli_run_verify},
    {.name = "inspect",
     .operands = {"FILE"},
     .required = 1,
     .options = O(CLI_SECTIONS),
     .exits = O(CLI_OK) | O(CLI_USAGE) | O(CLI_CORRUPT) | O(CLI_IO) | O(CLI_OTHER),
     .summary = "annotate a file of a database, field by field",
     .about = "A line a field: offset, bytes, name, meaning; and where the file stops being\n"
              "valid, and why. Takes no lock: it works while another process writes, and on a\n"
              "file copied elsewhere. --limit only shortens what is shown: all is checked.",
     .example = "$ strata put db fruit apple\n"
                "$ strata inspect db/STRATA\n"
                "db/STRATA: marker, 32 bytes\n"
                "...\n"
                "valid: 32 of 32 bytes\n",
     .run = cli_run_inspect},
    {.name = "crash",
     .options = O(CLI_STAGE) | O(CLI_ENGINE) | O(CLI_MODEL) | O(CLI_WORKLOAD) | O(CLI_SEED) |
                O(CLI_SEEDS) | O(CLI_DEPTH) | O(CLI_AT) | O(CLI_KEEP) | O(CLI_WALK) | O(CLI_SITES),
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
     .run = cli_run_crash},
    {.name = "shell",
     .operands = {"DIR"},
     .required = 1,
     .options = DB_OPTIONS | WRITE_OPTIONS | O(CLI_MAKE) | O(CLI_HISTORY) | O(CLI_NO_HISTORY) |
                O(CLI_TIMING),
     .exits = DB_EXITS | O(CLI_NOT_FOUND),
     .summary = "many commands on one open database, typed or piped in",
     .about =
         "The commands are put, get, del, scan, count, load, dump, backup, compact, info, stats,\n"
         "levels, verify, batch, timing, help and quit, with the operands after DIR and the\n"
         "options that they have here. A database that may only be read is opened read-only.\n"
         "Blanks separate words, except in quotes of either kind; a line that begins with # is a\n"
         "comment. An error does not end the shell.\n\n"
         "On a terminal: Tab completes commands, options, files and, from stage 4 on, keys; the\n"
         "arrows bring earlier lines back, Ctrl-C empties the line or ends what runs, Ctrl-D\n"
         "ends the shell, which then ends with 0. The lines are kept in --history, or else\n"
         "$STRATA_HISTORY, or else strata/history in $XDG_STATE_HOME or ~/.local/state; with\n"
         "--no-history, or an empty $STRATA_HISTORY, no line is kept.\n"
         "Lines that are piped in are not echoed; errors name the line, and the shell ends\n"
         "with the status of the last command that failed, or 0.",
     .example = "$ printf 'put fruit apple\\nput \"two words\" x\\nget fruit\\n' | strata shell db "
                "--create\n"
                "apple\n"
                "$ echo 'get cheese' | strata shell db || echo it ended with $?\n"
                "it ended with 1\n"
                "$ echo 'scan --prefix two' | strata shell db\n"
                "two words\tx\n",
     .run = cli_run_shell},
    {.name = "batch",
     .place = CLI_SHELL,
     .operands = {"begin|commit|drop"},
     .required = 1,
     .summary = "gather puts and dels, and store them as one",
     .about = "After `batch begin` put and del are gathered, and no command sees them: get and\n"
              "scan answer as before the batch. `batch commit` stores them all or, if it fails,\n"
              "none; `batch drop` discards them. Where `strata stages` promises batches.",
     .run = cli_run_batch},
    {.name = "timing",
     .place = CLI_SHELL,
     .operands = {"on|off"},
     .required = 1,
     .summary = "print how long each command took, or not",
     .about = "From the line to the answer, printing included.",
     .run = cli_run_timing},
    {.name = "stages",
     .exits = O(CLI_OK) | O(CLI_USAGE) | O(CLI_IO),
     .summary = "list the stages in this build and what they promise",
     .about = "A stage is a complete engine; all are in this one program. --stage N chooses the\n"
              "one that makes a new database.",
     .example = "$ strata stages\n"
                "stage 1  01_append_log\n"
                "...\n",
     .run = cli_run_stages},
    {.name = "completion",
     .operands = {"bash|zsh"},
     .required = 1,
     .exits = O(CLI_OK) | O(CLI_USAGE) | O(CLI_IO),
     .summary = "print what a shell needs to complete strata's command line",
     .about = "`make install` puts it where bash and zsh look for it. Without that, in ~/.bashrc:\n"
              "source <(strata completion bash). For zsh: a file _strata in a directory of $fpath.",
     .example = "$ strata completion bash | head -1\n"
                "# bash completion for strata: source it, or put it where bash-completion looks.\n",
     .run = cli_run_completion},
    {.name = "version",
     .exits = O(CLI_OK) | O(CLI_USAGE) | O(CLI_IO),
     .summary = "print the version",
     .about = "And how many stages there are in this build.",
     .example = "$ strata version\n"
                "strata " STRATA_VERSION ", ...\n",
     .run = cli_run_version},
    {.name = "help",
     .place = CLI_LINE_AND_SHELL,
     .operands = {"COMMAND"},
     .options = O(CLI_ALL),
     .exits = O(CLI_OK) | O(CLI_USAGE) | O(CLI_IO),
     .summary = "list the commands, or say more about one",
     .about = "`strata COMMAND --help` is the same.",
     .example = "$ strata help get | head -1\n"
                "usage: strata get DIR KEY... [OPTION]...\n",
     .run = cli_run_help},
    {.name = "quit",
     .place = CLI_SHELL,
     .summary = "end the shell, as exit and Ctrl-D do",
     .about = "As exit, .quit, Ctrl-D or the end of the input. A batch that was not committed is\n"
              "dropped.",
     .run = cli_run_quit},
    {.name = NULL},
};
