// ICU for Swift: its function names are macros that carry the version, so each one used has a static inline here.
#pragma once
#include <unicode/uidna.h>
#include <unicode/usprep.h>
#include <unicode/ustring.h>
