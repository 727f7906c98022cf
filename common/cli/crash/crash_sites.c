/* crash_sites.c: `strata crash`: the places in the source that call the file layer, and how many
 * states were cut at each: one that none was cut at is a part of the stage that was not tested. */
#include "cli/crash/crash.h"

#include <inttypes.h>
#include <string.h>

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Must this stage execute this site? Yes, in its own files; in a file of common if it executes any
 * site of that file. In files of other stages only the sites that it did execute count: it need not
 * call everything there, and functions there have branches for their own stage. */
static bool uses(const struct crash *c, const struct fs_site *all, size_t count,
                 const struct fs_site *site)
{
    char own[100];

    snprintf(own, sizeof own, "stages/%s/", c->stage.name);
    if (begins(site->file, "stages/"))
        return begins(site->file, own) || c->sites[site - all];
    for (size_t i = 0; i < count; i++)
        if (c->sites[i] && strcmp(all[i].file, site->file) == 0)
            return true;
    return false;
}

/* Sites that no workload executes, and the test that does; it crashes there, or the reason why not
 * is given. */
static const struct {
    const char *file, *function; /* NULL: all of them */
    const char *test;
} elsewhere[] = {
    {"stages/08_backup_repair/backup.c", NULL, "07_crash_test crash_in_a_backup"},
    {"stages/07_paced_compaction/compaction/compact.c", "sync_some",
     "07_crash_test crash_while_a_log_goes"},
    {"stages/07_paced_compaction/tree/obsolete.c", "cut", "07_crash_test crash_while_a_log_goes"},
    /* no crash: a reader, who changes nothing */
    {"common/db/lease.c", "strata_env_is_written",
     "10_readers_test reader_opens_while_files_are_replaced_all_the_time"},
    {"stages/10_concurrency/work/background.c", "is_whole",
     "10_full_disk_test full_disk_then_a_power_cut_loses_nothing_synced"},
};

/* NULL: no test is known. */
static const char *crashed_elsewhere(const struct fs_site *site)
{
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        if (strcmp(site->file, elsewhere[i].file) == 0 &&
            (!elsewhere[i].function || strcmp(site->function, elsewhere[i].function) == 0))
            return elsewhere[i].test;
    return NULL;
}

/* A stage that promises no power cut syncs nothing, and makes no room ahead to be cut off; one that
 * nobody may read beside a writer never looks for readers. */
static bool excused(const struct crash *c, const struct fs_site *site)
{
    if (begins(site->function, "strata_env_is_") && !(c->stage.promises & STRATA_PROMISE_READERS))
        return true;
    return (begins(site->call, "fs_sync") || begins(site->call, "fs_trim")) &&
           !(c->stage.promises & STRATA_PROMISE_POWER_CUT);
}

static void put_site(FILE *to, const struct fs_site *site, uint64_t states)
{
    const char *test = states ? NULL : crashed_elsewhere(site);
    char place[120];

    snprintf(place, sizeof place, "%s:%d", site->file, site->line);
    fprintf(to, "%9" PRIu64 "  %-38s %s in %s%s%s\n", states, place, site->call, site->function,
            test ? ": by " : "", test ? test : "");
}

size_t crash_put_sites(const struct crash *c)
{
    FILE *to = c->cli->out;
    const struct fs_site *all;
    size_t count = fs_sites(&all), sites = 0, missing = 0, others = 0;
    uint64_t states = 0;
    bool headed = false;

    for (size_t i = 0; i < count; i++) {
        if (begins(all[i].file, "tests/") || !uses(c, all, count, &all[i]) ||
            (!c->sites[i] && excused(c, &all[i])))
            continue;
        if (!headed && (c->cli->given[CLI_SITES] || !c->sites[i]))
            headed = fprintf(to, "\n%9s  call site\n", "states") > 0;
        if (c->cli->given[CLI_SITES] || !c->sites[i])
            put_site(to, &all[i], c->sites[i]);
        sites++;
        states += c->sites[i];
        if (!c->sites[i] && crashed_elsewhere(&all[i]))
            others++;
        else
            missing += c->sites[i] == 0;
    }
    if (c->cli->given[CLI_SITES])
        fprintf(to, "%9" PRIu64 "  all\n", states);
    fprintf(to, "%ssites: %zu that call the file layer, %zu of them never crashed at",
            headed ? "" : "\n", sites, missing);
    if (others)
        fprintf(to, ", %zu by tests of their own", others);
    fprintf(to, "\n");
    return missing;
}
