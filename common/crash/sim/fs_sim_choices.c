/* fs_sim_choices.c: what a power cut may leave of one file.
 *
 *     durable   |DDDDDDDDDD|                    what the last sync left
 *     old       |DDDDDD|                        the same, cut where a later truncate cut it
 *     new       |DDDDnnnnnnnnnnnnnnnn|          with every pending operation
 *                    ^^^^^^^^^^^^^^^^           dirty: the bytes written since
 *     sectors   |   |   |   |   |   |
 *
 *     nothing   |DDDDDDDDDD|                    all       |DDDDnnnnnnnnnnnnnnnn|
 *     zeros     |DDDDDD00000000000000|          torn      |DDDDnnnn|
 *     torn, 0   |DDDDnnnn000000000000|          half      |DDDDnnnnnnnn|
 *     hole      |DDDDDD00nnnnnnnnnnnn|          cut       |DDDDDD|
 *
 * I1: a sector that the file had before is old or new as a whole; devices write sectors. Bytes
 *     after the old end may be cut anywhere, as the size is no matter of sectors.
 * I2: each content is among the choices once, however many ways lead to it. */
#include "crash/sim/fs_sim_replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR ((uint64_t)FS_SIM_SECTOR)
#define PATTERN_SECTORS_MAX 4
#define OF_CHOICE 100 /* step of a shape: no enum fs_sim_effect */

/* Written bytes [from, to). */
struct range {
    uint64_t from, to;
};

/* The file as drawn above. */
struct image {
    const struct fs_sim_bytes *durable;
    struct fs_sim_bytes old, new;
    struct range *dirty; /* sorted, apart from each other */
    size_t dirty_count;
    uint64_t dirty_bytes;
};

static const char *const left_names[FS_SIM_LEFT_COUNT] = {
    "nothing",
    "all",
    "zeros at the new size",
    "torn at the first sector",
    "torn at the first sector, then zeros",
    "half",
    "a hole, then data",
    "only cut shorter",
    "all but the cut",
};

/* ---- The picture ----------------------------------------------------------------------- */

static int compare_ranges(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

/* Joins ranges that touch; drops what lies behind the end of the new file. */
static void join_ranges(struct image *image)
{
    size_t kept = 0;

    if (image->dirty_count)
        qsort(image->dirty, image->dirty_count, sizeof *image->dirty, compare_ranges);
    for (size_t i = 0; i < image->dirty_count; i++) {
        struct range range = image->dirty[i];
        if (range.to > image->new.size)
            range.to = image->new.size;
        if (range.from >= range.to)
            continue;
        if (kept && range.from <= image->dirty[kept - 1].to) {
            if (range.to > image->dirty[kept - 1].to)
                image->dirty[kept - 1].to = range.to;
        } else {
            image->dirty[kept++] = range;
        }
    }
    image->dirty_count = kept;
    for (size_t i = 0; i < kept; i++)
        image->dirty_bytes += image->dirty[i].to - image->dirty[i].from;
}

static int picture(struct image *image, const struct fs_sim_pending *pending,
                   const struct fs_sim_bytes *durable)
{
    uint64_t cut = durable->size;
    int rc = 0;

    *image = (struct image){.durable = durable, .new = fs_sim_bytes_share(durable)};
    image->dirty = malloc(pending->count * sizeof *image->dirty);
    if (!image->dirty)
        return -ENOMEM;
    for (size_t i = 0; i < pending->count && rc == 0; i++) {
        const struct fs_sim_record *operation = pending->operations[i];
        rc = fs_sim_record_apply(operation, UINT64_MAX, &image->new);
        if (operation->effect == FS_SIM_WRITES)
            image->dirty[image->dirty_count++] =
                (struct range){operation->offset, operation->offset + operation->size};
        else if (operation->size < cut)
            cut = operation->size;
    }
    image->old = fs_sim_bytes_share(durable);
    fs_sim_bytes_resize(&image->old, cut);
    join_ranges(image);
    return rc;
}

static void picture_free(struct image *image)
{
    fs_sim_bytes_free(&image->old);
    fs_sim_bytes_free(&image->new);
    free(image->dirty);
}

/* ---- Pieces of it ---------------------------------------------------------------------- */

static uint64_t sector_end(uint64_t offset)
{
    return (offset / SECTOR + 1) * SECTOR;
}

/* Copies the dirty bytes of [from, to) into `bytes`, which is longer than the last of them or
 * grows to it. */
static int take_new(const struct image *image, uint64_t from, uint64_t to,
                    struct fs_sim_bytes *bytes)
{
    int rc = 0;

    for (size_t i = 0; i < image->dirty_count && rc == 0; i++) {
        struct range range = image->dirty[i];
        uint64_t stored = image->new.have < to ? image->new.have : to; /* behind it are zeros */
        if (range.from < from)
            range.from = from;
        if (range.to > stored)
            range.to = stored;
        if (range.from < range.to)
            rc = fs_sim_bytes_write(bytes, range.from, image->new.blob->data + range.from,
                                    (size_t)(range.to - range.from));
    }
    return rc;
}

/* The offset up to which the dirty bytes are half of all. I1: a whole sector of the old file. */
static uint64_t half_of(const struct image *image)
{
    uint64_t left = image->dirty_bytes / 2, at = 0;

    for (size_t i = 0; i < image->dirty_count; i++) {
        at = image->dirty[i].from;
        if (left <= image->dirty[i].to - at) {
            at += left;
            break;
        }
        left -= image->dirty[i].to - at;
    }
    return at < image->old.size ? at / SECTOR * SECTOR : at;
}

static uint64_t first_sector_end(const struct image *image)
{
    return image->dirty_count ? sector_end(image->dirty[0].from) : 0;
}

/* The old file with the dirty bytes of [from, to), of at least `size` bytes. */
static int mix(const struct image *image, uint64_t from, uint64_t to, uint64_t size,
               struct fs_sim_bytes *bytes)
{
    *bytes = fs_sim_bytes_share(&image->old);
    if (bytes->size < size)
        fs_sim_bytes_resize(bytes, size);
    return take_new(image, from, to, bytes);
}

/* The file as it was before it was cut, with the dirty bytes in it. */
static int uncut(const struct image *image, struct fs_sim_bytes *bytes)
{
    *bytes = fs_sim_bytes_share(image->durable);
    if (bytes->size < image->new.size)
        fs_sim_bytes_resize(bytes, image->new.size);
    return take_new(image, 0, UINT64_MAX, bytes);
}

static int left_bytes(const struct image *image, enum fs_sim_left left, struct fs_sim_bytes *bytes)
{
    uint64_t size = image->new.size, first = first_sector_end(image), half = half_of(image);

    switch (left) {
    case FS_SIM_LEFT_NOTHING:
        *bytes = fs_sim_bytes_share(image->durable);
        break;
    case FS_SIM_LEFT_ALL:
        *bytes = fs_sim_bytes_share(&image->new);
        break;
    case FS_SIM_LEFT_ZEROS:
        return mix(image, 0, 0, size, bytes);
    case FS_SIM_LEFT_TORN:
        return mix(image, 0, first, first < size ? first : size, bytes);
    case FS_SIM_LEFT_TORN_ZEROS:
        return mix(image, 0, first, size, bytes);
    case FS_SIM_LEFT_HALF:
        return mix(image, 0, half, half, bytes);
    case FS_SIM_LEFT_HOLE:
        return mix(image, first, UINT64_MAX, size, bytes);
    case FS_SIM_LEFT_CUT:
        *bytes = fs_sim_bytes_share(image->old.size < image->durable->size ? &image->old
                                                                           : image->durable);
        break;
    case FS_SIM_LEFT_UNCUT:
        if (image->old.size < image->durable->size)
            return uncut(image, bytes);
        *bytes = fs_sim_bytes_share(&image->new);
        break;
    }
    return 0;
}

/* ---- The choices ----------------------------------------------------------------------- */

void fs_sim_choices_clear(struct fs_sim_pending *pending)
{
    for (size_t i = 0; i < pending->choice_count; i++)
        fs_sim_bytes_free(&pending->choices[i].bytes);
    pending->choice_count = 0;
    pending->fresh = false;
}

static int reserve_choice(struct fs_sim_pending *pending)
{
    size_t capacity = pending->choice_capacity ? 2 * pending->choice_capacity : 8;
    struct fs_sim_choice *choices;

    if (pending->choice_count < pending->choice_capacity)
        return 0;
    choices = realloc(pending->choices, capacity * sizeof *choices);
    if (!choices)
        return -ENOMEM;
    pending->choices = choices;
    pending->choice_capacity = capacity;
    return 0;
}

/* Takes the bytes over, unless they are among the choices (I2). `*index` says where they are. */
static int add_choice(struct fs_sim_pending *pending, struct fs_sim_bytes *bytes, const char *name,
                      size_t *index)
{
    struct fs_sim_hash hash = fs_sim_bytes_hash(bytes);

    for (*index = 0; *index < pending->choice_count; ++*index) {
        struct fs_sim_hash other = fs_sim_bytes_hash(&pending->choices[*index].bytes);
        if (other.low == hash.low && other.high == hash.high) {
            fs_sim_bytes_free(bytes);
            return 0;
        }
    }
    if (reserve_choice(pending) < 0) {
        fs_sim_bytes_free(bytes);
        return -ENOMEM;
    }
    pending->choices[pending->choice_count].bytes = *bytes;
    snprintf(pending->choices[pending->choice_count].name, sizeof pending->choices->name, "%s",
             name);
    pending->choice_count++;
    return 0;
}

/* The shape is that of all the operations, and which choice of them it is. */
static void choice_shape(const struct image *image, uint64_t left, uint64_t pattern,
                         struct fs_sim_bytes *bytes)
{
    bytes->shape = image->new.shape;
    fs_sim_bytes_shape(bytes, OF_CHOICE, left, pattern);
}

static int add_left(struct fs_sim_pending *pending, const struct image *image)
{
    int rc = 0;
    for (int left = 0; left < FS_SIM_LEFT_COUNT && rc == 0; left++) {
        struct fs_sim_bytes bytes = {0};
        rc = left_bytes(image, (enum fs_sim_left)left, &bytes);
        if (left != FS_SIM_LEFT_NOTHING && left != FS_SIM_LEFT_ALL)
            choice_shape(image, (uint64_t)left, 0, &bytes);
        if (rc < 0)
            fs_sim_bytes_free(&bytes);
        else
            rc = add_choice(pending, &bytes, left_names[left], &pending->left[left]);
    }
    return rc;
}

/* The first operations alone, and the same with zeros up to the new size. */
static int add_first_operations(struct fs_sim_pending *pending, const struct image *image,
                                size_t count)
{
    struct fs_sim_bytes bytes = fs_sim_bytes_share(image->durable), longer;
    char name[FS_SIM_CHOICE_NAME];
    size_t index;
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++)
        rc = fs_sim_record_apply(pending->operations[i], UINT64_MAX, &bytes);
    longer = fs_sim_bytes_share(&bytes);
    if (longer.size < image->new.size)
        fs_sim_bytes_resize(&longer, image->new.size);
    fs_sim_bytes_shape(&longer, OF_CHOICE, FS_SIM_LEFT_ZEROS, longer.size);
    if (rc == 0) {
        snprintf(name, sizeof name, "%zu of %zu operations", count, pending->count);
        rc = add_choice(pending, &bytes, name, &index);
        bytes = (struct fs_sim_bytes){0};
    }
    if (rc == 0) {
        snprintf(name, sizeof name, "%zu of %zu operations, then zeros", count, pending->count);
        rc = add_choice(pending, &longer, name, &index);
        longer = (struct fs_sim_bytes){0};
    }
    fs_sim_bytes_free(&bytes);
    fs_sim_bytes_free(&longer);
    return rc;
}

/* Collects the dirty sectors; returns their number, or PATTERN_SECTORS_MAX + 1 for more. */
static unsigned dirty_sectors(const struct image *image, uint64_t *sectors)
{
    unsigned count = 0;

    for (size_t i = 0; i < image->dirty_count; i++)
        for (uint64_t s = image->dirty[i].from / SECTOR; s * SECTOR < image->dirty[i].to; s++) {
            if (count && sectors[count - 1] == s)
                continue;
            if (count == PATTERN_SECTORS_MAX)
                return count + 1;
            sectors[count++] = s;
        }
    return count;
}

/* The dirty sectors whose bit in `pattern` is set are new, the others old. */
static int add_pattern(struct fs_sim_pending *pending, const struct image *image,
                       const uint64_t *sectors, unsigned count, unsigned pattern)
{
    struct fs_sim_bytes bytes;
    char name[FS_SIM_CHOICE_NAME] = "sectors new (1) or old: ";
    size_t index, length = strlen(name);
    int rc = mix(image, 0, 0, image->new.size, &bytes);

    for (unsigned i = 0; i < count && rc == 0; i++) {
        name[length++] = pattern >> i & 1 ? '1' : '0';
        if (pattern >> i & 1)
            rc = take_new(image, sectors[i] * SECTOR, (sectors[i] + 1) * SECTOR, &bytes);
    }
    choice_shape(image, FS_SIM_LEFT_COUNT, pattern, &bytes);
    if (rc < 0) {
        fs_sim_bytes_free(&bytes);
        return rc;
    }
    return add_choice(pending, &bytes, name, &index);
}

static int add_tiny(struct fs_sim_pending *pending, const struct image *image)
{
    uint64_t sectors[PATTERN_SECTORS_MAX];
    unsigned count = dirty_sectors(image, sectors);
    int rc = 0;

    for (size_t i = 1; i < pending->count && rc == 0; i++)
        rc = add_first_operations(pending, image, i);
    for (unsigned i = 0; count <= PATTERN_SECTORS_MAX && i < 1u << count && rc == 0; i++)
        rc = add_pattern(pending, image, sectors, count, i);
    return rc;
}

int fs_sim_choices_make(struct fs_sim_pending *pending, const struct fs_sim_bytes *durable,
                        bool tiny)
{
    struct image image;
    int rc;

    if (pending->fresh && pending->tiny == tiny)
        return 0;
    fs_sim_choices_clear(pending);
    rc = picture(&image, pending, durable);
    if (rc == 0)
        rc = add_left(pending, &image);
    if (rc == 0 && tiny)
        rc = add_tiny(pending, &image);
    picture_free(&image);
    pending->fresh = rc == 0;
    pending->tiny = tiny;
    return rc;
}
