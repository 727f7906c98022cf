/* repair.c: one function a format; the layouts are drawn where the formats are written. */
#include "repair.h"
#include "01_append_log/record.h"
#include "checksum.h"
#include "coding.h"

#include <string.h>

#define MAGIC 8
#define RECORD_FILE_CHECK 20
#define MARKER_BYTES 32
#define MARKER_CHECK 28

static uint32_t u32_at(const uint8_t *data)
{
    struct decoder d;
    decoder_init(&d, strata_bytes(data, 4));
    return get_u32(&d);
}

static uint64_t u64_at(const uint8_t *data)
{
    struct decoder d;
    decoder_init(&d, strata_bytes(data, 8));
    return get_u64(&d);
}

/* The record at `at`. Returns where the next one begins; `size` when there is none. */
static size_t repair_record(uint8_t *data, size_t size, size_t at, uint64_t number)
{
    uint64_t seed = checksum_seed(number, at);
    uint8_t *head = data + at;
    uint64_t body = (uint64_t)u32_at(head + 5) + u32_at(head + 9);
    bool whole = body <= size - at - RECORD_HEAD;

    if (whole)
        put_u32(head + 13, checksum(seed, strata_bytes(head + RECORD_HEAD, (size_t)body)));
    put_u32(head, checksum(seed, strata_bytes(head + 4, RECORD_HEAD - 4)));
    return whole ? at + RECORD_HEAD + (size_t)body : size;
}

static void repair_records(uint8_t *data, size_t size)
{
    uint64_t number;

    if (size < RECORD_FILE_HEADER)
        return;
    number = u64_at(data + 12);
    put_u32(data + RECORD_FILE_CHECK,
            checksum(checksum_seed(number, 0), strata_bytes(data, RECORD_FILE_CHECK)));
    for (size_t at = RECORD_FILE_HEADER; size - at >= RECORD_HEAD;)
        at = repair_record(data, size, at, number);
}

static void repair_marker(uint8_t *data, size_t size)
{
    if (size >= MARKER_BYTES)
        put_u32(data + MARKER_CHECK,
                checksum(checksum_seed(0, 0), strata_bytes(data, MARKER_CHECK)));
}

static const struct {
    const char *magic;
    void (*repair)(uint8_t *data, size_t size);
} formats[] = {
    {RECORD_MAGIC, repair_records},
    {"STRATADB", repair_marker},
};

static size_t same_bytes(const uint8_t *data, const char *magic)
{
    size_t same = 0;
    for (size_t i = 0; i < MAGIC; i++)
        same += data[i] == (uint8_t)magic[i];
    return same;
}

void repair(uint8_t *data, size_t size)
{
    for (size_t i = 0; size >= MAGIC && i < sizeof formats / sizeof *formats; i++)
        if (same_bytes(data, formats[i].magic) >= MAGIC - 1) {
            memcpy(data, formats[i].magic, MAGIC);
            formats[i].repair(data, size);
            return;
        }
}
