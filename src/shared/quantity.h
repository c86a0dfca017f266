/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "shared/slice.h"
#include "shared/text.h"

/*
 * Spans of time and sizes as people write them in the configuration.
 *
 * A span is written as in systemd.time(7): "5min 20s", "1h", "250ms", "1.5d", "1week"; a number without a unit must stand
 * alone and is seconds. A size takes K, M, G or T to base 1024, with or without "iB" or "B": "64K", "1.5GiB". What is
 * smaller than a microsecond or a byte is cut off. "infinity" is QUANTITY_INFINITY in both.
 */
#define QUANTITY_INFINITY UINT64_MAX

/* -EINVAL for what is no span or no size, -ERANGE from 2^63 us or bytes on. */
int quantity_parse_span(struct slice text, uint64_t *ret_usec);
int quantity_parse_size(struct slice text, uint64_t *ret_bytes);

/* The usual short form ("1min 30s", "250ms", "64K"), which parses back to the same number. */
void quantity_append_span(struct text *text, uint64_t usec);
void quantity_append_size(struct text *text, uint64_t bytes);
