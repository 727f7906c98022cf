/* inspect.c: lays out an annotated dump.
 *
 *   record 1 @24
 *     24  5f 00 aa 11              head_check  XXH3 of the 13 bytes after it
 *     28  01                       type        put
 */
#include "inspect/inspect.h"

#include "base/coding.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define ROW 8 /* bytes a line */

void inspect_init(struct inspect *in, FILE *to)
{
    *in = (struct inspect){.to = to};
}

static bool shown(const struct inspect *in)
{
    return !in->quiet && (in->limit == 0 || in->sections <= in->limit);
}

void inspect_section(struct inspect *in, uint64_t offset, const char *format, ...)
{
    va_list args;

    in->sections++;
    if (!in->quiet && in->limit && in->sections == in->limit + 1)
        fprintf(in->to, "... the sections after the first %" PRIu64 " are checked, not shown\n",
                in->limit);
    if (!shown(in))
        return;
    va_start(args, format);
    vfprintf(in->to, format, args);
    va_end(args);
    fprintf(in->to, " @%" PRIu64 "\n", offset);
}

static void hex(struct inspect *in, struct strata_slice bytes)
{
    for (size_t i = 0; i < ROW; i++)
        if (i < bytes.size)
            fprintf(in->to, "%02x ", bytes.data[i]);
        else
            fputs("   ", in->to);
}

/* The first row carries name and meaning, a second one the next bytes; what is left is counted. */
void inspect_field(struct inspect *in, uint64_t offset, struct strata_slice bytes, uint64_t total,
                   const char *name, const char *format, ...)
{
    size_t first = bytes.size < ROW ? bytes.size : ROW;
    struct strata_slice rest = {bytes.data + first, bytes.size - first};
    va_list args;

    if (!shown(in))
        return;
    fprintf(in->to, "%10" PRIu64 "  ", offset);
    hex(in, strata_bytes(bytes.data, first));
    fprintf(in->to, " %-12s ", name);
    va_start(args, format);
    vfprintf(in->to, format, args);
    va_end(args);
    fputc('\n', in->to);
    if (rest.size) {
        size_t second = rest.size < ROW ? rest.size : ROW;
        fprintf(in->to, "%10" PRIu64 "  ", offset + first);
        hex(in, strata_bytes(rest.data, second));
        if (total > first + second)
            fprintf(in->to, " ... %" PRIu64 " bytes more", total - first - second);
        fputc('\n', in->to);
    }
}

void inspect_opaque(uint64_t value, char *to, size_t capacity)
{
    (void)value, (void)capacity;
    *to = 0;
}

static void show_number(struct inspect *in, uint64_t offset, const uint8_t raw[8],
                        const struct inspect_number *n)
{
    struct decoder d;
    uint64_t value;
    char text[80];

    decoder_init(&d, strata_bytes(raw, 8));
    value = get_u64(&d);
    if (n->tell)
        n->tell(value, text, sizeof text);
    else
        snprintf(text, sizeof text, "%" PRIu64, value);
    inspect_field(in, offset, strata_bytes(raw, n->width), n->width, n->name, "%s%s%s", text,
                  *text && *n->meaning ? ", " : "", n->meaning);
}

int inspect_numbers(struct inspect *in, struct fs_file *file, uint64_t *offset,
                    const struct inspect_number *numbers, size_t count, struct strata_error *err)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t raw[8] = {0};
        size_t got;
        int rc = fs_read_at(file, *offset, raw, numbers[i].width, &got, err);
        if (rc < 0)
            return rc;
        if (got < numbers[i].width) {
            inspect_stop(in, *offset, "the file ends inside %s", numbers[i].name);
            return INSPECT_END;
        }
        show_number(in, *offset, raw, &numbers[i]);
        *offset += got;
    }
    return 0;
}

static void remark(struct inspect *in, uint64_t offset, const char *kind, const char *format,
                   va_list args)
{
    if (in->quiet)
        return;
    fprintf(in->to, "%s @%" PRIu64 ": ", kind, offset);
    vfprintf(in->to, format, args);
    fputc('\n', in->to);
}

void inspect_stop(struct inspect *in, uint64_t offset, const char *format, ...)
{
    va_list args;
    in->damaged = true;
    va_start(args, format);
    remark(in, offset, "DAMAGE", format, args);
    va_end(args);
}

void inspect_torn(struct inspect *in, uint64_t offset, const char *format, ...)
{
    va_list args;
    in->torn = true;
    va_start(args, format);
    remark(in, offset, "TORN TAIL", format, args);
    va_end(args);
}

void inspect_end(struct inspect *in, uint64_t valid_bytes, uint64_t file_bytes)
{
    if (!in->quiet)
        fprintf(in->to, "valid: %" PRIu64 " of %" PRIu64 " bytes\n", valid_bytes, file_bytes);
}

char *inspect_text(struct strata_slice bytes, size_t max, char *to, size_t capacity)
{
    size_t used = 0, i = 0;

    for (; i < bytes.size && i < max && used + 8 < capacity; i++)
        if (bytes.data[i] >= 0x20 && bytes.data[i] < 0x7f && bytes.data[i] != '\\')
            to[used++] = (char)bytes.data[i];
        else
            used += (size_t)snprintf(to + used, capacity - used, "\\x%02x", bytes.data[i]);
    snprintf(to + used, capacity - used, "%s", i < bytes.size ? "..." : "");
    return to;
}
