/* machine.c: what figures were measured on, and how the program that measured was built. */
#include "bench.h"

#include <string.h>
#include <unistd.h>

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

#ifdef __OPTIMIZE__
#define OPTIMIZED true
#else
#define OPTIMIZED false
#endif

static void read_cpu(char *to, size_t capacity)
{
    FILE *from = fopen("/proc/cpuinfo", "r");
    char line[256];

    snprintf(to, capacity, "unknown");
    while (from && fgets(line, sizeof line, from)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(to, capacity, "%s", colon + (colon[1] == ' ' ? 2 : 1));
        break;
    }
    if (from)
        fclose(from);
}

void machine_read(struct machine *m)
{
    memset(m, 0, sizeof *m);
    read_cpu(m->cpu, sizeof m->cpu);
    m->cores = sysconf(_SC_NPROCESSORS_ONLN);
    uname(&m->system);
    m->compiler = COMPILER;
    m->optimized = OPTIMIZED;
    m->sanitized = SANITIZED;
}
