/* 12_value_crash_test.c: the sample of crash states, with most values in value files. */
#include <stdlib.h>

int explore(void);
#define main explore
#include "../crash/explorer_test.c"
#undef main

int main(void)
{
    setenv("STRATA_VALUE_BYTES", "40", 1);
    return explore();
}
