#ifndef SETTLE_CICU_SHIM_H
#define SETTLE_CICU_SHIM_H
#include <stdbool.h>
#include <unicode/ucol.h>
#include <unicode/ustring.h>
// ICU renames its functions with macros (`ucol_open_72`), which Swift doesn't see: these give them their names back.

/// Opens CLDR's root collation with no attribute changed; null when ICU has no data for it.
static inline UCollator *settle_collator_open(void) {
    UErrorCode status = U_ZERO_ERROR;
    UCollator *collator = ucol_open("", &status);
    return U_FAILURE(status) ? 0 : collator;
}
static inline void settle_collator_close(UCollator *collator) { ucol_close(collator); }
/// Four bytes: changes whenever a sort key may.
static inline void settle_collator_version(const UCollator *collator, uint8_t version[4]) {
    ucol_getVersion(collator, version);
}
#endif
