#ifndef SETTLE_CICU_SHIM_H
#define SETTLE_CICU_SHIM_H
#include <stdbool.h>
#include <stdlib.h>
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
/// Writes the sort key of `text[start..<end]` (UTF-8; what is none counts as U+FFFD) with its zero byte at the end to
/// `key + offset`, where there is room for `capacity` bytes.
///
/// Returns how many bytes it takes: if that is more than `capacity`, what was written is worthless. 0 if there is no
/// memory.
static inline int32_t settle_collator_sort_key(
    const UCollator *collator, const uint8_t *text, int64_t start, int64_t end,
    uint8_t *key, int64_t offset, int32_t capacity) {
    UChar few[256];
    // UTF-16 never takes more units than UTF-8 takes bytes.
    int32_t room = (int32_t)(end - start);
    UChar *units = room <= 256 ? few : (UChar *)malloc(sizeof(UChar) * (size_t)room);
    if (!units) return 0;
    UErrorCode status = U_ZERO_ERROR;
    int32_t count = 0;
    u_strFromUTF8WithSub(units, room, &count, (const char *)text + start, room, 0xFFFD, 0, &status);
    int32_t length = ucol_getSortKey(collator, units, count, key + offset, capacity);
    if (units != few) free(units);
    return length;
}
/// Compares two texts (UTF-8) directly: negative, zero or positive.
static inline int32_t settle_collator_compare(
    const UCollator *collator, const uint8_t *left, int32_t leftLength, const uint8_t *right, int32_t rightLength) {
    UErrorCode status = U_ZERO_ERROR;
    return ucol_strcollUTF8(
        collator, (const char *)left, leftLength, (const char *)right, rightLength, &status);
}
#endif
