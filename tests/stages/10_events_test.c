/* 10_events_test.c: the tests of stage 7's tree, with stage 10's parts. */
#define SUFFIX ".table"
#define BACKUP
#include "07_events_test.c"
