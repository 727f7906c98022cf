/* human.c: see human.h. */
#include "cli/output/human.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

char *human_bytes(double bytes, char *to, size_t capacity)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    size_t unit = 0;

    while (bytes >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        bytes /= 1000;
        unit++;
    }
    snprintf(to, capacity, unit && bytes < 99.95 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return to;
}

char *human_count(uint64_t count, char *to, size_t capacity)
{
    char digits[HUMAN_TEXT], text[HUMAN_TEXT] = "";
    size_t size = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, count), used = 0;

    for (size_t i = 0; i < size; i++) {
        if (i && (size - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    snprintf(to, capacity, "%.*s", (int)used, text);
    return to;
}

const char *human_s(uint64_t count)
{
    return count == 1 ? "" : "s";
}

char *human_plural(uint64_t count, const char *what, char *to, size_t capacity)
{
    char number[HUMAN_TEXT];

    snprintf(to, capacity, "%s %s%s", human_count(count, number, sizeof number), what,
             human_s(count));
    return to;
}
