/* 10_failing_test.c: the tests of stage 9, with what stage 10 has besides. */
#include "09_failing_test.c"
