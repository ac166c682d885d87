#pragma once
#include <zlib.h>

/* inflateInit2 is a macro: it hands the version on that the caller was compiled with. */
static inline int limiq_inflate_init(z_stream *stream, int window_bits) { return inflateInit2(stream, window_bits); }
