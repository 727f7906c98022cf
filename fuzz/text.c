/* text.c: any bytes as text that is decoded, as bytes that are encoded, and as lines of key TAB
 * value.
 *
 *   - Encoded text has no control character, is valid UTF-8, and decodes to the same bytes;
 * encoding what was decoded and decoding that gives the same bytes again.
 *   - Cut into pieces anywhere, text decodes to the same, or has the same fault at the same place.
 *   - A fault has a name and a place inside the text; nothing goes beyond the decoder's limit.
 *   - Memory is bounded by the size of the text.
 *   - What lines.h says. */
#include "fuzz.h"
#include "lines.h"
#include "memory.h"

static bool same(const struct strata_buffer *a, const struct strata_buffer *b)
{
    return strata_compare(strata_buffer_slice(a), strata_buffer_slice(b)) == 0;
}

/* ---- The codec ------------------------------------------------------------------------- */

/* Appends the text of `bytes`, made in a small array. */
static void encode(enum text_form form, struct strata_slice bytes, size_t capacity,
                   struct strata_buffer *to)
{
    uint8_t piece[128];

    while (bytes.size) {
        size_t used = text_encode(form, &bytes, piece, capacity);
        require(used && used <= capacity, "%zu bytes in a place for %zu", used, capacity);
        strata_buffer_append(to, piece, used);
    }
}

static void check_printable(struct strata_slice text)
{
    while (text.size) {
        size_t size = text_utf8_size(text);
        require(size, "encoded text is not UTF-8");
        require(size > 1 || (text.data[0] >= 0x20 && text.data[0] != 0x7f), "a control character");
        text.data += size;
        text.size -= size;
    }
}

/* text_is_plain, said in other words. */
static void check_plain(struct strata_slice bytes)
{
    bool plain = text_is_utf8(bytes);

    for (size_t i = 0; plain && i < bytes.size; i++) {
        uint8_t c = bytes.data[i];
        bool allowed = c == '\t' || c == '\n' || c == '\r';
        plain = (c >= 0x20 && c != 0x7f) || allowed;
        if (c == 0xc2 && bytes.data[i + 1] < 0xa0) /* U+0080 to U+009F */
            plain = false;
    }
    require(text_is_plain(bytes) == plain, "plain: %d", plain);
    require(text_fault_name((enum text_fault)(bytes.size % 64))[0], "a fault without a name");
}

/* A place where text goes, with room for so many bytes. */
static bool take(void *arg, struct strata_slice text)
{
    size_t *left = arg;

    require(text.size, "nothing is put");
    if (text.size > *left)
        return false;
    *left -= text.size;
    return true;
}

static void check_put(struct strata_slice text, size_t room)
{
    size_t left = room;
    struct text_sink to = {take, &left};

    require(text_put_raw(&to, text) == (text.size <= room), "put %zu bytes", text.size);
    left = 0;
    require(text_put(&to, TEXT_HEX, text) == (text.size == 0), "put where there is no room");
}

static void check_encoding(enum text_form form, struct strata_slice bytes)
{
    struct strata_buffer text = {0}, back = {0};
    uint64_t at;

    encode(form, bytes, TEXT_UNIT + bytes.size % 64, &text);
    check_printable(strata_buffer_slice(&text));
    require(text_decode(form, strata_buffer_slice(&text), bytes.size, &back, &at) == TEXT_FINE,
            "encoded text does not decode, at %llu", (unsigned long long)at);
    require(strata_compare(strata_buffer_slice(&back), bytes) == 0, "other bytes come back");
    strata_buffer_free(&text);
    strata_buffer_free(&back);
}

static void check_pieces(enum text_form form, struct strata_slice text, size_t limit,
                         enum text_fault whole, uint64_t at, const struct strata_buffer *bytes)
{
    struct strata_buffer to = {0};
    struct text_decoder d;
    enum text_fault fault = TEXT_FINE;
    size_t turn = 0;

    text_decoder_init(&d, form, limit);
    while (text.size && fault == TEXT_FINE) {
        size_t size = lines_next_piece(text.size, &turn);
        fault = text_feed(&d, strata_bytes(text.data, size), &to);
        text.data += size;
        text.size -= size;
    }
    if (fault == TEXT_FINE)
        fault = text_finish(&d);
    require(fault == whole, "in pieces: %s; whole: %s", text_fault_name(fault),
            text_fault_name(whole));
    require(fault == TEXT_FINE || d.mark == at, "in pieces at %llu, whole at %llu",
            (unsigned long long)d.mark, (unsigned long long)at);
    require(fault != TEXT_FINE || same(&to, bytes), "in pieces other bytes");
    strata_buffer_free(&to);
}

static void check_decoding(enum text_form form, struct strata_slice text, size_t limit)
{
    struct strata_buffer bytes = {0};
    enum text_fault fault;
    uint64_t at;

    memory_watch(memory_limit(text.size));
    fault = text_decode(form, text, limit, &bytes, &at);
    memory_watched();
    require(bytes.size <= limit, "%zu bytes beyond the limit of %zu", bytes.size, limit);
    require(fault != TEXT_NO_MEMORY && text_fault_name(fault)[0], "fault %d", (int)fault);
    require(fault == TEXT_FINE || at <= text.size, "a fault at %llu of %zu bytes",
            (unsigned long long)at, text.size);
    check_pieces(form, text, limit, fault, at, &bytes);
    if (fault == TEXT_FINE)
        check_encoding(form, strata_buffer_slice(&bytes));
    strata_buffer_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strata_slice text = strata_bytes(data, size);

    check_plain(text);
    check_put(text, size % 3 ? size : size / 2);
    for (int form = TEXT_ESCAPED; form <= TEXT_HEX; form++) {
        check_encoding((enum text_form)form, text);
        check_decoding((enum text_form)form, text, size % 2 ? size : size / 3);
        lines_check(ENTRIES_TSV, (enum text_form)form, text);
    }
    return 0;
}
