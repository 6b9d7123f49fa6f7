// zlib for Swift: its init functions are macros that carry the version, so each one used has a static inline here.
#pragma once
#include <zlib.h>

static inline int zlib_deflate_init(z_stream *stream) { return deflateInit(stream, Z_DEFAULT_COMPRESSION); }
static inline int zlib_inflate_init(z_stream *stream) { return inflateInit(stream); }
