/* pax_salvage.h: damaged columnar tables, for a repair (08_backup_repair/salvage/salvage.h). */
#ifndef STRATA_09_PAX_SALVAGE_H
#define STRATA_09_PAX_SALVAGE_H

#include "08_backup_repair/salvage/salvage.h"

extern const struct salvage_kind pax_salvage;

#endif
