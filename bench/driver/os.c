/* os.c: what Linux counts of this process, and what it knows of its files. */
#include "os.h"
#include "base/pages.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#define PAGE ((size_t)4096) /* bytes; of a larger one some are set more than once */

static double clock_of(clockid_t id)
{
    struct timespec time;
    clock_gettime(id, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

struct watch watch_begin(void)
{
    return (struct watch){clock_of(CLOCK_MONOTONIC), clock_of(CLOCK_PROCESS_CPUTIME_ID)};
}

struct watch watch_since(const struct watch *since)
{
    struct watch now = watch_begin();
    return (struct watch){now.wall - since->wall, now.cpu - since->cpu};
}

/* The numbers behind "NAME:" in a file of /proc. */
static void read_fields(const char *path, const char *const *names, uint64_t *const *values,
                        size_t count)
{
    FILE *from = fopen(path, "r");
    char line[256];

    for (size_t i = 0; i < count; i++)
        *values[i] = 0;
    while (from && fgets(line, sizeof line, from))
        for (size_t i = 0; i < count; i++) {
            size_t size = strlen(names[i]);
            if (strncmp(line, names[i], size) == 0 && line[size] == ':')
                sscanf(line + size + 1, "%" SCNu64, values[i]);
        }
    if (from)
        fclose(from);
}

void os_io(struct os_io *io)
{
    read_fields("/proc/self/io",
                (const char *const[]){"wchar", "write_bytes", "rchar", "read_bytes"},
                (uint64_t *const[]){&io->called, &io->written, &io->read, &io->fetched}, 4);
}

void os_memory(struct os_memory *memory)
{
    uint64_t shared;

    read_fields("/proc/self/status", (const char *const[]){"VmRSS", "RssFile", "RssShmem", "VmHWM"},
                (uint64_t *const[]){&memory->resident, &memory->mapped, &shared, &memory->most}, 4);
    memory->resident *= 1024;
    memory->mapped = (memory->mapped + shared) * 1024;
    memory->most *= 1024;
}

void os_memory_forget(void)
{
    FILE *to = fopen("/proc/self/clear_refs", "w");

    if (to) {
        fputs("5", to);
        fclose(to);
    }
}

void os_memory_warm(uint64_t bytes)
{
    size_t size = (size_t)bytes / PAGES_HUGE * PAGES_HUGE;
    uint8_t *memory = size ? pages_map(size) : NULL;

    for (size_t at = 0; memory && at < size; at += PAGE)
        ((volatile uint8_t *)memory)[at] = 1;
    pages_unmap(memory, size);
}

int os_disk(const char *dir, uint64_t *bytes, uint64_t *named)
{
    char path[4096 + 300];
    struct dirent *entry;
    struct stat status;
    DIR *open = opendir(dir);

    if (!open)
        return errno;
    *bytes = *named = 0;
    while ((entry = readdir(open))) {
        snprintf(path, sizeof path, "%.4000s/%s", dir, entry->d_name);
        if (stat(path, &status) < 0 || !S_ISREG(status.st_mode))
            continue;
        *bytes += (uint64_t)status.st_blocks * 512;
        *named += (uint64_t)status.st_size;
    }
    closedir(open);
    return 0;
}

const char *os_file_system(const char *dir)
{
    static const struct {
        uint32_t magic;
        const char *name;
    } list[] = {{0xef53, "ext4"},      {0x58465342, "xfs"},     {0x9123683e, "btrfs"},
                {0x01021994, "tmpfs"}, {0x794c7630, "overlay"}, {0xf2f52010, "f2fs"},
                {0x2fc12fc1, "zfs"}};
    struct statfs status;

    for (size_t i = 0; statfs(dir, &status) == 0 && i < sizeof list / sizeof *list; i++)
        if ((uint32_t)status.f_type == list[i].magic)
            return list[i].name;
    return "unknown";
}

/* ---- Is anybody at work? --------------------------------------------------------------------- */

#define LOOK_NS 5000000
#define QUIET 0.2 /* seconds */

/* Running, or waiting for the device. A thread that sleeps until there is work is neither. */
static bool works(const char *thread)
{
    char path[300], line[512], *state;
    bool busy = false;
    FILE *from;

    snprintf(path, sizeof path, "/proc/self/task/%s/stat", thread);
    from = fopen(path, "r");
    if (from && fgets(line, sizeof line, from) && (state = strrchr(line, ')')))
        busy = strchr("RD", state[2]) != NULL; /* behind the name, which may be anything */
    if (from)
        fclose(from);
    return busy;
}

static bool others_work(void)
{
    DIR *threads = opendir("/proc/self/task");
    struct dirent *entry;
    char self[32];
    bool busy = false;

    snprintf(self, sizeof self, "%ld", (long)getpid()); /* the caller is the first thread */
    while (threads && !busy && (entry = readdir(threads)))
        busy = entry->d_name[0] != '.' && strcmp(entry->d_name, self) != 0 && works(entry->d_name);
    if (threads)
        closedir(threads);
    return busy;
}

double os_wait_idle(bool (*busy)(void *arg), void *arg)
{
    const struct timespec look = {0, LOOK_NS};
    struct watch quiet = watch_begin(), since;

    do {
        nanosleep(&look, NULL);
        if (others_work() || (busy && busy(arg)))
            quiet = watch_begin();
        since = watch_since(&quiet);
    } while (since.wall < QUIET);
    return since.wall;
}

/* ---- The machine -------------------------------------------------------------------------------
 */

bool os_ticks(const char *path, struct os_ticks *ticks)
{
    uint64_t t[8]; /* user, nice, system, idle, iowait, irq, softirq, steal */
    FILE *from = fopen(path, "r");
    int found = 0;

    if (!from)
        return false;
    found = fscanf(from,
                   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                   " %" SCNu64 " %" SCNu64,
                   &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]);
    fclose(from);
    ticks->idle = found > 3 ? t[3] : 0;
    ticks->all = 0;
    for (int i = 0; i < found; i++)
        ticks->all += t[i];
    return found > 3;
}

double os_idle(const struct os_ticks *from, const struct os_ticks *to)
{
    return to->all > from->all ? (double)(to->idle - from->idle) / (double)(to->all - from->all)
                               : 1;
}

double os_wait_quiet(double *patience)
{
    const struct timespec look = {OS_QUIET_SECONDS, 0};
    double idle;

    do {
        struct os_ticks before, after;
        if (!os_ticks("/proc/stat", &before))
            return 1;
        nanosleep(&look, NULL);
        if (!os_ticks("/proc/stat", &after))
            return 1;
        idle = os_idle(&before, &after);
        *patience -= OS_QUIET_SECONDS;
    } while (idle<OS_QUIET_IDLE && * patience> 0);
    return idle;
}
