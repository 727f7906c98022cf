/* glob.c: see glob.h. Only the last * is tried again: what an earlier one took stays, as the later
 * one can take any more. So no pattern takes more than pattern times text steps. */
#include "14_server/store/glob.h"

/* Does the byte match the set whose [ is at *at? *at goes behind its ]. */
static bool set_has(struct strata_slice p, size_t *at, uint8_t byte)
{
    size_t i = *at + 1;
    bool negated = i < p.size && p.data[i] == '^', found = false;

    for (i += negated; i < p.size && p.data[i] != ']'; i++) {
        uint8_t low, high;
        if (p.data[i] == '\\' && i + 1 < p.size)
            i++;
        low = high = p.data[i];
        if (i + 2 < p.size && p.data[i + 1] == '-') {
            high = p.data[i + 2];
            i += 2;
        }
        if (low > high) {
            uint8_t swap = low;
            low = high, high = swap;
        }
        found |= low <= byte && byte <= high;
    }
    *at = i < p.size ? i + 1 : i;
    return found != negated;
}

/* Does the byte match what is at *at, no *? *at goes behind it. */
static bool one_matches(struct strata_slice p, size_t *at, uint8_t byte)
{
    if (p.data[*at] == '[')
        return set_has(p, at, byte);
    if (p.data[*at] == '?') {
        ++*at;
        return true;
    }
    if (p.data[*at] == '\\' && *at + 1 < p.size)
        ++*at;
    return p.data[(*at)++] == byte;
}

bool glob_matches(struct strata_slice pattern, struct strata_slice text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;

    while (t < text.size) {
        if (p < pattern.size && pattern.data[p] == '*') {
            star = ++p;
            from = t;
        } else if (p < pattern.size && one_matches(pattern, &p, text.data[t])) {
            t++;
        } else if (star != SIZE_MAX) {
            p = star;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*')
        p++;
    return p == pattern.size;
}
