/* timeline_page.h: the page of `strata timeline`. */
#ifndef STRATA_COMMON_CLI_TIMELINE_PAGE_H
#define STRATA_COMMON_CLI_TIMELINE_PAGE_H

#define TIMELINE_DATA "@DATA@\n" /* the line where the data belong */

/* Its lines; the last is NULL. */
extern const char *const timeline_page[];

#endif
