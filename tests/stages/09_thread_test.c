/* 09_thread_test.c: the tests of stage 7's tree, with stage 9's parts. */
#define SUFFIX ".table"
#include "07_thread_test.c"
