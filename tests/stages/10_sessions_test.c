/* 10_sessions_test.c: the tests of stage 7's tree, with stage 10's parts. */
#define SUFFIX ".table"
#define SESSION_BYTES 1700
#include "07_sessions_test.c"
