/* datagen.c: datagen: made-up records, the same for a seed on every machine. */
#include "text/datagen.h"
#include "cli/options.h"

#include <string.h>

#define MILLION 1000000u
#define MOST_RECORDS UINT64_C(1000000000000000) /* 10^15: numbers that a double holds exactly */

struct making {
    uint64_t count;
    struct datagen_wishes wishes;
    enum entries_format format;
};

/* ---- Options --------------------------------------------------------------------------- */

_Static_assert(DATAGEN_SEQUENTIAL == 0 && DATAGEN_UNIFORM == 1 && DATAGEN_ZIPFIAN == 2,
               "the words of --distribution");

static int read_distribution(struct cli *cli, enum datagen_distribution *distribution)
{
    int word = (int)*distribution, code = cli_word(cli, CLI_DISTRIBUTION, &word);

    *distribution = (enum datagen_distribution)word;
    return code;
}

static int read_sizes(struct cli *cli, struct making *m)
{
    uint64_t key_size = 16, value_size = 100;
    int code = cli_number(cli, CLI_COUNT, 0, MOST_RECORDS, &m->count);

    m->wishes.keys = m->count ? m->count : 1;
    if (code == CLI_OK)
        code = cli_number(cli, CLI_KEYS, 1, MOST_RECORDS, &m->wishes.keys);
    if (code == CLI_OK)
        code = cli_number(cli, CLI_KEY_SIZE, 0, STRATA_MAX_KEY, &key_size);
    if (code == CLI_OK)
        code = cli_number(cli, CLI_VALUE_SIZE, 0, STRATA_MAX_VALUE, &value_size);
    m->wishes.key_size = (size_t)key_size;
    m->wishes.value_size = (size_t)value_size;
    return code;
}

static int read_shape(struct cli *cli, struct making *m)
{
    uint32_t theta = 990000;
    int code = read_distribution(cli, &m->wishes.distribution);

    if (code == CLI_OK)
        code = cli_fraction(cli, CLI_THETA, 999000, &theta);
    if (code == CLI_OK && cli->given[CLI_THETA] && m->wishes.distribution != DATAGEN_ZIPFIAN)
        code = cli_usage(cli, "--theta: only zipfian has one");
    if (code == CLI_OK)
        code = cli_fraction(cli, CLI_COMPRESSIBILITY, MILLION, &m->wishes.compressible);
    if (code == CLI_OK)
        code = cli_number(cli, CLI_SEED, 0, UINT64_MAX, &m->wishes.seed);
    m->wishes.theta = (double)theta / MILLION;
    return code;
}

static int read_options(struct cli *cli, struct making *m)
{
    const char *wrong;
    int code = read_sizes(cli, m);

    if (code == CLI_OK)
        code = read_shape(cli, m);
    if (code == CLI_OK)
        code = cli_format(cli, 0, &m->format);
    if (code != CLI_OK)
        return code;
    wrong = datagen_check(&m->wishes);
    return wrong ? cli_usage(cli, "%s", wrong) : CLI_OK;
}

/* ---- The command ----------------------------------------------------------------------- */

/* 0 where it is too large. */
static uint64_t product(uint64_t a, uint64_t b)
{
    return b && a > UINT64_MAX / b ? 0 : a * b;
}

static int write_records(struct cli_stream *to, const struct making *m, struct datagen *source)
{
    uint64_t bytes = m->wishes.key_size + m->wishes.value_size;
    struct progress_state state = {.total_bytes = product(m->count, bytes)};
    struct text_sink sink = cli_sink(to);
    struct strata_slice key, value;

    if (!cli_put_head(to, m->format))
        return cli_write_failed(to);
    while (state.records < m->count) {
        datagen_next(source, &key, &value);
        if (!entries_put(&sink, m->format, cli_form(to->cli), key, value))
            return cli_write_failed(to);
        state.records++;
        state.done_bytes += bytes;
        progress_tick(&to->cli->progress, &state);
    }
    return cli_put_tail(to, m->format) ? CLI_OK : cli_write_failed(to);
}

static int make(struct cli_stream *to, void *making)
{
    const struct making *m = making;
    struct datagen source;
    int code;

    if (datagen_init(&source, &m->wishes) == 0) {
        code = write_records(to, m, &source);
    } else {
        cli_say(to->cli, "out of memory");
        code = CLI_OTHER;
    }
    datagen_free(&source);
    return code;
}

static int run_datagen(struct cli *cli)
{
    struct making making = {.count = 1000, .wishes = {.seed = 1}};
    int code = read_options(cli, &making);

    if (code == CLI_OK && cli->count && *cli->operands[0] &&
        strspn(cli->operands[0], "0123456789") == strlen(cli->operands[0]))
        return cli_usage(
            cli, "\"%s\" would be the FILE: %s records are -n %s, and a file of that name is ./%s",
            cli->operands[0], cli->operands[0], cli->operands[0], cli->operands[0]);
    return code == CLI_OK ? cli_write_file(cli, cli->count ? cli->operands[0] : NULL, make, &making)
                          : code;
}

const struct cli_command cli_datagen_command = {
    .name = "datagen",
    .operands = {"FILE|-"},
    .options = OPTIONS(CLI_HEX, CLI_FORMAT, CLI_HEADER, CLI_COUNT, CLI_KEYS, CLI_KEY_SIZE,
                       CLI_VALUE_SIZE, CLI_DISTRIBUTION, CLI_THETA, CLI_COMPRESSIBILITY, CLI_SEED),
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
    .run = run_datagen,
};
