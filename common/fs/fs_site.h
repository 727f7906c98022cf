/* fs_site.h: call sites: the places in the source that call the file layer.
 * Every call of a function of fs.h is a site: one constant struct, in a linker section of its own,
 * so that all sites can be listed, also those that no run has executed. Executing a site costs one
 * store to a thread-local variable; fs_sim adds it to its record of the call.
 * Macros of the same names wrap the functions: callers do not change, and a pointer to a function
 * is a pointer to the function itself. FS_NO_SITES, defined before this header, switches the macros
 * off: in fs.c, whose calls count as calls at the caller's site, and in code that reads files for
 * people and belongs to no engine; (fs_read_at)(...) does so for one call. A compiler without
 * sections has no sites. */
#ifndef STRATA_COMMON_FS_SITE_H
#define STRATA_COMMON_FS_SITE_H

#include <stddef.h>

struct fs_site {
    const char *call; /* "fs_sync" */
    const char *file; /* as the compiler was given it: "stages/03_wal/wal.c" */
    const char *function;
    int line;
};

/* The site of the call that this thread makes, or made last. NULL: none yet. */
extern _Thread_local const struct fs_site *fs_site_now;
/* All sites in this program, in no order; returns their number. */
size_t fs_sites(const struct fs_site **first);

#if defined(__GNUC__) && !defined(FS_NO_SITES)
#define FS_SITE(called)                                                                            \
    __extension__({                                                                                \
        static const struct fs_site fs_site_here                                                   \
            __attribute__((section("strata_sites"), used)) = {called, __FILE__, __func__,          \
                                                              __LINE__};                           \
        fs_site_now = &fs_site_here;                                                               \
    })
#define fs_open(...) (FS_SITE("fs_open"), fs_open(__VA_ARGS__))
#define fs_read_at(...) (FS_SITE("fs_read_at"), fs_read_at(__VA_ARGS__))
#define fs_read_exactly(...) (FS_SITE("fs_read_exactly"), fs_read_exactly(__VA_ARGS__))
#define fs_append(...) (FS_SITE("fs_append"), fs_append(__VA_ARGS__))
#define fs_write_at(...) (FS_SITE("fs_write_at"), fs_write_at(__VA_ARGS__))
#define fs_sync(...) (FS_SITE("fs_sync"), fs_sync(__VA_ARGS__))
#define fs_truncate(...) (FS_SITE("fs_truncate"), fs_truncate(__VA_ARGS__))
#define fs_cut_back(...) (FS_SITE("fs_cut_back"), fs_cut_back(__VA_ARGS__))
#define fs_trim(...) (FS_SITE("fs_trim"), fs_trim(__VA_ARGS__))
#define fs_allocate(...) (FS_SITE("fs_allocate"), fs_allocate(__VA_ARGS__))
#define fs_size(...) (FS_SITE("fs_size"), fs_size(__VA_ARGS__))
#define fs_close(...) (FS_SITE("fs_close"), fs_close(__VA_ARGS__))
#define fs_rename(...) (FS_SITE("fs_rename"), fs_rename(__VA_ARGS__))
#define fs_link(...) (FS_SITE("fs_link"), fs_link(__VA_ARGS__))
#define fs_remove(...) (FS_SITE("fs_remove"), fs_remove(__VA_ARGS__))
#define fs_mkdir(...) (FS_SITE("fs_mkdir"), fs_mkdir(__VA_ARGS__))
#define fs_list(...) (FS_SITE("fs_list"), fs_list(__VA_ARGS__))
#define fs_sync_dir(...) (FS_SITE("fs_sync_dir"), fs_sync_dir(__VA_ARGS__))
#define fs_lock(...) (FS_SITE("fs_lock"), fs_lock(__VA_ARGS__))
#define fs_read_file(...) (FS_SITE("fs_read_file"), fs_read_file(__VA_ARGS__))
#define fs_remove_if_there(...) (FS_SITE("fs_remove_if_there"), fs_remove_if_there(__VA_ARGS__))
#define fs_open_named(...) (FS_SITE("fs_open_named"), fs_open_named(__VA_ARGS__))
#define fs_open_in(...) (FS_SITE("fs_open_in"), fs_open_in(__VA_ARGS__))
#define fs_read_in(...) (FS_SITE("fs_read_in"), fs_read_in(__VA_ARGS__))
#define fs_read_optional(...) (FS_SITE("fs_read_optional"), fs_read_optional(__VA_ARGS__))
#define fs_rewrite(...) (FS_SITE("fs_rewrite"), fs_rewrite(__VA_ARGS__))
#define fs_remove_dead(...) (FS_SITE("fs_remove_dead"), fs_remove_dead(__VA_ARGS__))
#define fs_zeros(...) (FS_SITE("fs_zeros"), fs_zeros(__VA_ARGS__))
#define fs_replace(...) (FS_SITE("fs_replace"), fs_replace(__VA_ARGS__))
#define fs_copy(...) (FS_SITE("fs_copy"), fs_copy(__VA_ARGS__))
#define fs_link_or_copy(...) (FS_SITE("fs_link_or_copy"), fs_link_or_copy(__VA_ARGS__))
#endif

#endif
