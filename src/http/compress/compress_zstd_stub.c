/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for compress_zstd.c where zstd is not built in. */
#include "http/compress/compressor.h"

const struct http_compressor http_compressor_zstd = { 0 };
