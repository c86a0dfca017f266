/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for compress_gzip.c where gzip is not built in. */
#include "http/compress/compressor.h"

const struct http_compressor http_compressor_gzip = { 0 };
