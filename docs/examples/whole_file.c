/* whole_file.c: the store that most of us write first. Everything is in memory, and after every
 * put the whole file is written anew.
 *
 *   whole_file FILE <LINES      puts every line "key TAB value", one after another
 *
 * Chapter 01 counts what that costs, and kills it in the middle. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **lines; /* with their newlines */
static size_t count;

static void set(const char *line)
{
    size_t key = strcspn(line, "\t") + 1, i = 0;

    while (i < count && strncmp(lines[i], line, key) != 0)
        i++;
    if (i == count)
        lines = realloc(lines, ++count * sizeof *lines);
    else
        free(lines[i]);
    lines[i] = strdup(line);
}

/* Bytes written. */
static size_t save(const char *path)
{
    FILE *file = fopen(path, "w"); /* from here on, what was there is gone */
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += (size_t)fprintf(file, "%s", lines[i]);
    fclose(file);
    return bytes;
}

int main(int argc, char **argv)
{
    FILE *old = argc == 2 ? fopen(argv[1], "r") : NULL;
    size_t puts = 0, given = 0, written = 0, capacity = 0;
    char *line = NULL;

    if (argc != 2)
        return fprintf(stderr, "usage: whole_file FILE <LINES\n"), 2;
    while (old && getline(&line, &capacity, old) > 0)
        set(line);
    if (old)
        fclose(old);
    while (getline(&line, &capacity, stdin) > 0) {
        set(line);
        puts++;
        given += strlen(line) - 2; /* without tab and newline */
        written += save(argv[1]);
    }
    printf("%zu puts: %zu bytes given, %zu written, %.1f for each\n", puts, given, written,
           given ? (double)written / (double)given : 0.0);
    return 0;
}
