// ICU for Swift, declared by hand. ICU's own headers cannot be shown to Swift: Foundation brings the same types from
// another version of ICU, and no module may import both. Names and numbers here are ICU's stable C interface; only the
// functions' names carry the version, which uvernum.h (macros alone) adds.
#pragma once
#include <stdint.h>
#include <unicode/uvernum.h>

// unicode/usprep.h and unicode/parseerr.h: stringprep.
struct UStringPrepProfile;
struct cicu_place {
  int32_t line, offset;
  uint16_t before[16], behind[16];
};
enum { CICU_NODEPREP = 7, CICU_RESOURCEPREP = 8, CICU_SASLPREP = 10, CICU_ALLOW_UNASSIGNED = 1 };
struct UStringPrepProfile *U_ICU_ENTRY_POINT_RENAME(usprep_openByType)(int32_t type, int32_t *status);
void U_ICU_ENTRY_POINT_RENAME(usprep_close)(struct UStringPrepProfile *profile);
int32_t U_ICU_ENTRY_POINT_RENAME(usprep_prepare)(
    const struct UStringPrepProfile *profile, const uint16_t *source, int32_t length, uint16_t *target,
    int32_t capacity, int32_t options, struct cicu_place *place, int32_t *status);

// unicode/uidna.h: UTS 46. The first member of the info is its size.
struct UIDNA;
struct cicu_idna_info {
  int16_t size;
  int8_t differs, reserved;
  uint32_t errors;
  int32_t more[2];
};
enum {
  CICU_CHECK_BIDI = 0x4,
  CICU_CHECK_CONTEXTJ = 0x8,
  CICU_NONTRANSITIONAL_TO_ASCII = 0x10,
  CICU_NONTRANSITIONAL_TO_UNICODE = 0x20,
  CICU_CHECK_CONTEXTO = 0x40,
  CICU_DOMAIN_NAME_TOO_LONG = 0x4,
};
struct UIDNA *U_ICU_ENTRY_POINT_RENAME(uidna_openUTS46)(uint32_t options, int32_t *status);
void U_ICU_ENTRY_POINT_RENAME(uidna_close)(struct UIDNA *idna);
int32_t U_ICU_ENTRY_POINT_RENAME(uidna_nameToASCII_UTF8)(
    const struct UIDNA *idna, const char *name, int32_t length, char *target, int32_t capacity,
    struct cicu_idna_info *info, int32_t *status);
int32_t U_ICU_ENTRY_POINT_RENAME(uidna_nameToUnicodeUTF8)(
    const struct UIDNA *idna, const char *name, int32_t length, char *target, int32_t capacity,
    struct cicu_idna_info *info, int32_t *status);

// unicode/ustring.h: between UTF-8 and UTF-16.
uint16_t *U_ICU_ENTRY_POINT_RENAME(u_strFromUTF8)(
    uint16_t *target, int32_t capacity, int32_t *length, const char *source, int32_t bytes, int32_t *status);
char *U_ICU_ENTRY_POINT_RENAME(u_strToUTF8)(
    char *target, int32_t capacity, int32_t *length, const uint16_t *source, int32_t units, int32_t *status);

// unicode/uversion.h: four numbers.
void U_ICU_ENTRY_POINT_RENAME(u_getVersion)(uint8_t *version);

// A status above zero is an error (unicode/utypes.h).
enum {
  CICU_BUFFER_OVERFLOW = 15,
  CICU_PROHIBITED = 0x10400,
  CICU_BIDI = 0x10402,
};

// Without the version, for Swift.
static inline struct UStringPrepProfile *cicu_usprep_open(int32_t type, int32_t *status) {
  return U_ICU_ENTRY_POINT_RENAME(usprep_openByType)(type, status);
}
static inline void cicu_usprep_close(struct UStringPrepProfile *profile) {
  U_ICU_ENTRY_POINT_RENAME(usprep_close)(profile);
}
static inline int32_t cicu_usprep_prepare(
    const struct UStringPrepProfile *profile, const uint16_t *source, int32_t length, uint16_t *target,
    int32_t capacity, int32_t options, struct cicu_place *place, int32_t *status) {
  return U_ICU_ENTRY_POINT_RENAME(usprep_prepare)(
      profile, source, length, target, capacity, options, place, status);
}
static inline struct UIDNA *cicu_idna_open(uint32_t options, int32_t *status) {
  return U_ICU_ENTRY_POINT_RENAME(uidna_openUTS46)(options, status);
}
static inline void cicu_idna_close(struct UIDNA *idna) { U_ICU_ENTRY_POINT_RENAME(uidna_close)(idna); }
static inline int32_t cicu_idna_to_ascii(
    const struct UIDNA *idna, const char *name, int32_t length, char *target, int32_t capacity, uint32_t *errors,
    int32_t *status) {
  struct cicu_idna_info info = {.size = sizeof info};
  int32_t result =
      U_ICU_ENTRY_POINT_RENAME(uidna_nameToASCII_UTF8)(idna, name, length, target, capacity, &info, status);
  *errors = info.errors;
  return result;
}
static inline int32_t cicu_idna_to_unicode(
    const struct UIDNA *idna, const char *name, int32_t length, char *target, int32_t capacity, uint32_t *errors,
    int32_t *status) {
  struct cicu_idna_info info = {.size = sizeof info};
  int32_t result =
      U_ICU_ENTRY_POINT_RENAME(uidna_nameToUnicodeUTF8)(idna, name, length, target, capacity, &info, status);
  *errors = info.errors;
  return result;
}
static inline void cicu_from_utf8(
    uint16_t *target, int32_t capacity, int32_t *length, const char *source, int32_t bytes, int32_t *status) {
  U_ICU_ENTRY_POINT_RENAME(u_strFromUTF8)(target, capacity, length, source, bytes, status);
}
static inline void cicu_to_utf8(
    char *target, int32_t capacity, int32_t *length, const uint16_t *source, int32_t units, int32_t *status) {
  U_ICU_ENTRY_POINT_RENAME(u_strToUTF8)(target, capacity, length, source, units, status);
}
static inline void cicu_version(uint8_t *version) { U_ICU_ENTRY_POINT_RENAME(u_getVersion)(version); }
