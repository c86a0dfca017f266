/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <time.h>

#include "http/field.h"
#include "http/method.h"

/* What a conditional request is held against. */
struct http_validators {
        struct slice etag; /* with quotes, with W/ when weak; data == NULL when there is none */
        time_t modified;   /* Last-Modified; 0 when there is none */
        bool exists;       /* false: nothing is there (for If-None-Match: *, If-Match: *) */
        /* Tags of other representations of the same resource, for a method that changes all of them. */
        const struct slice *others;
        size_t other_count;
};

enum http_condition {
        HTTP_CONDITION_PROCEED,
        HTTP_CONDITION_NOT_MODIFIED, /* 304 */
        HTTP_CONDITION_FAILED,       /* 412 */
};

/* The precedence of RFC 9110 section 13.2.2, steps 1 to 4. A date that is malformed is ignored, as the RFC says. */
enum http_condition http_condition_evaluate(const struct http_fields *fields, enum http_method method,
                                            const struct http_validators *validators, time_t now);

/* Step 5: whether Range applies: no If-Range, or one that matches strongly (RFC 9110 section 13.1.5). */
bool http_condition_range_applies(const struct http_fields *fields, const struct http_validators *validators,
                                  time_t now);

/* Compares entity tags (RFC 9110 section 8.8.3.2). */
bool http_etag_matches(struct slice list, struct slice etag, bool weak);
