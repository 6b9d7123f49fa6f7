// zlib for Swift: its init functions are macros that carry the version, so each one used has a static inline here.
#pragma once
#include <zlib.h>
