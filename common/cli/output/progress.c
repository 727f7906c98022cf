/* progress.c: the line is made of parts that are known (share, bytes a second, records a second,
 * time left); the bar gets what the screen has left over, and goes when that is too little. Time
 * left supposes the mean speed so far: steadier than the speed of the last second. */
#include "cli/output/progress.h"
#include "cli/output/human.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define REDRAW_NS 100000000u /* a tenth of a second */
#define BAR_LEAST 8          /* columns; a shorter bar says nothing */
#define BAR_MOST 40
#define LINE_MOST 200 /* bytes; all of them ASCII, so columns too */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void progress_init(struct progress *p, FILE *to, const char *what)
{
    const char *term = getenv("TERM");
    bool dumb = !term || !*term || strcmp(term, "dumb") == 0;

    *p = (struct progress){.to = to, .what = what, .begun_ns = now_ns()};
    p->shown = !dumb && isatty(fileno(to));
}

double progress_seconds(const struct progress *p)
{
    return (double)(now_ns() - p->begun_ns) / 1e9;
}

unsigned progress_columns(FILE *to)
{
    struct winsize size;
    return ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

void progress_tick(struct progress *p, const struct progress_state *state)
{
    char line[LINE_MOST + 1];
    struct progress_state now = *state;
    uint64_t ns;

    if (!p->shown)
        return;
    ns = now_ns();
    if (ns - (p->drawn_ns ? p->drawn_ns : p->begun_ns) < REDRAW_NS)
        return;
    p->drawn_ns = ns;
    now.seconds = (double)(ns - p->begun_ns) / 1e9;
    /* One column stays free: a terminal may wrap at the last one. */
    progress_line(p->what, &now, progress_columns(p->to) - 1, line, sizeof line);
    fprintf(p->to, "\r%s\033[K", line);
    fflush(p->to);
    p->drawn = true;
}

void progress_clear(struct progress *p)
{
    if (!p->drawn)
        return;
    fputs("\r\033[K", p->to);
    fflush(p->to);
    p->drawn = false;
}

/* ---- The line -------------------------------------------------------------------------- */

static double rate(double amount, double seconds)
{
    return seconds > 0 ? amount / seconds : 0;
}

static void put_time(double seconds, char *to, size_t capacity)
{
    uint64_t s = seconds < 1e9 ? (uint64_t)(seconds + 0.5) : 999999999;

    if (s < 3600)
        snprintf(to, capacity, "%" PRIu64 ":%02" PRIu64, s / 60, s % 60);
    else
        snprintf(to, capacity, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600, s / 60 % 60,
                 s % 60);
}

/* 0 to 1; less than 0 when the total is not known. */
static double share_of(const struct progress_state *state)
{
    if (!state->total_bytes)
        return -1;
    return state->done_bytes < state->total_bytes
               ? (double)state->done_bytes / (double)state->total_bytes
               : 1;
}

/* The text after the bar. */
static void put_figures(const struct progress_state *state, char *to, size_t capacity)
{
    char amount[32], speed[48] = "", records[48] = "", time[32], bytes[32];
    double share = share_of(state);

    human_bytes(rate((double)state->done_bytes, state->seconds), bytes, sizeof bytes);
    if (!state->unit)
        snprintf(speed, sizeof speed, "  %s/s", bytes);
    if (state->records)
        snprintf(records, sizeof records, "  %.0f %s/s",
                 rate((double)state->records, state->seconds),
                 state->unit ? state->unit : "records");
    if (share < 0) {
        human_bytes((double)state->done_bytes, amount, sizeof amount);
        put_time(state->seconds, time, sizeof time);
        snprintf(to, capacity, "  %s%s%s  %s elapsed", amount, speed, records, time);
        return;
    }
    snprintf(time, sizeof time, "?");
    if (share > 0)
        put_time(state->seconds * (1 - share) / share, time, sizeof time);
    snprintf(to, capacity, " %3d%%%s%s  %s left", (int)(share * 100), speed, records, time);
}

static void put_bar(double share, size_t size, char *to)
{
    size_t full = (size_t)(share * (double)size);

    for (size_t i = 0; i < size; i++)
        to[i] = i < full ? '=' : i == full ? '>' : ' ';
    to[size] = '\0';
}

char *progress_line(const char *what, const struct progress_state *state, unsigned columns,
                    char *to, size_t capacity)
{
    char figures[LINE_MOST], bar[BAR_MOST + 1];
    size_t fixed, room, size;
    double share = share_of(state);

    put_figures(state, figures, sizeof figures);
    fixed = strlen(what) + strlen(" []") + strlen(figures);
    room = columns > fixed ? columns - fixed : 0;
    if (share >= 0 && room >= BAR_LEAST) {
        put_bar(share, room < BAR_MOST ? room : BAR_MOST, bar);
        snprintf(to, capacity, "%s [%s]%s", what, bar, figures);
    } else {
        snprintf(to, capacity, "%s%s", what, figures);
    }
    size = strlen(to);
    if (size > columns)
        to[columns] = '\0';
    return to;
}
