/* test.h: what every test includes: cmocka with what it needs before it, and the helpers of
 * tests/support that speak cmocka. */
#ifndef STRATA_TESTS_TEST_H
#define STRATA_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check.h"

#endif
