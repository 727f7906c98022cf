/* allocations_reach.c: allocations_reach: see allocations.h.
 *
 * --wrap works when a program is linked, and a shared object is linked to the C library. But it
 * calls through its own table of addresses, which the loader filled by name; so the entries for
 * malloc and the like are found by name once more, and filled with ours. ELF, and relocations with
 * an addend, as every machine of 64 bits has them; elsewhere there are none. */
#define _GNU_SOURCE /* dlinfo */
#include "allocations.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if __SIZEOF_POINTER__ == 8

struct pax_table {
    const struct link_map *map;
    const Elf64_Sym *symbols;
    const char *names;
};

/* The loader has turned most of these into addresses, but not on every machine. */
static const void *address(const struct link_map *map, const Elf64_Dyn *entry)
{
    Elf64_Addr at = entry->d_un.d_ptr;
    return (const void *)(at < map->l_addr ? at + map->l_addr : at);
}

static const Elf64_Dyn *find(const struct link_map *map, Elf64_Sxword tag)
{
    const Elf64_Dyn *entry = map->l_ld;
    while (entry->d_tag != DT_NULL && entry->d_tag != tag)
        entry++;
    return entry->d_tag == tag ? entry : NULL;
}

static uintptr_t replacement(const char *name)
{
    return strcmp(name, "malloc") == 0    ? (uintptr_t)__wrap_malloc
           : strcmp(name, "calloc") == 0  ? (uintptr_t)__wrap_calloc
           : strcmp(name, "realloc") == 0 ? (uintptr_t)__wrap_realloc
           : strcmp(name, "strdup") == 0  ? (uintptr_t)__wrap_strdup
           : strcmp(name, "strndup") == 0 ? (uintptr_t)__wrap_strndup
           : strcmp(name, "free") == 0    ? (uintptr_t)__wrap_free
                                          : 0;
}

/* It may have been made read-only once it was filled. */
static void put(uintptr_t at, uintptr_t value)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = at / page * page;
    if (mprotect((void *)begin, at + sizeof value - begin, PROT_READ | PROT_WRITE) < 0)
        abort();
    memcpy((void *)at, &value, sizeof value);
}

static unsigned reach(const struct pax_table *t, Elf64_Sxword table_tag, Elf64_Sxword size_tag)
{
    const Elf64_Dyn *at = find(t->map, table_tag), *size = find(t->map, size_tag);
    const Elf64_Rela *list = at && size ? address(t->map, at) : NULL;
    size_t count = list ? size->d_un.d_val / sizeof *list : 0;
    unsigned reached = 0;

    for (size_t i = 0; i < count; i++) {
        size_t symbol = ELF64_R_SYM(list[i].r_info);
        uintptr_t value = symbol ? replacement(t->names + t->symbols[symbol].st_name) : 0;
        if (!value)
            continue;
        put(t->map->l_addr + list[i].r_offset, value);
        reached++;
    }
    return reached;
}

unsigned allocations_reach(void *object)
{
    struct link_map *map;
    const Elf64_Dyn *symbols, *names, *kind;
    struct pax_table t;

    if (!object || dlinfo(object, RTLD_DI_LINKMAP, &map) < 0)
        return 0;
    symbols = find(map, DT_SYMTAB);
    names = find(map, DT_STRTAB);
    kind = find(map, DT_PLTREL);
    if (!symbols || !names)
        return 0;
    t = (struct pax_table){map, address(map, symbols), address(map, names)};
    return reach(&t, DT_RELA, DT_RELASZ) +
           (kind && kind->d_un.d_val == DT_RELA ? reach(&t, DT_JMPREL, DT_PLTRELSZ) : 0);
}

#else

unsigned allocations_reach(void *object)
{
    (void)object;
    return 0;
}

#endif
