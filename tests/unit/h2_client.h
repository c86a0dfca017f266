/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "http/h2/h2_framing.h"
#include "shared/text.h"

/*
 * The client's side of HTTP/2 for tests: frames are appended to a text, right or wrong as the test wants them, and what the server
 * sent is read frame by frame.
 */
void h2_client_frame(struct text *out, enum h2_frame type, unsigned flags, uint32_t id, struct slice payload);

/* The preface, and settings with this window for each stream. */
void h2_client_begin(struct text *out, uint32_t stream_window);

/* A request's head; `more` is a further block of fields, for example from h2_client_field. */
void h2_client_head(struct text *out, uint32_t id, const char *method, const char *path, struct slice more,
                    bool is_end);
void h2_client_field(struct text *block, const char *name, const char *value);
void h2_client_data(struct text *out, uint32_t id, struct slice bytes, bool is_end);
void h2_client_number(struct text *out, enum h2_frame type, uint32_t id,
                      uint32_t number); /* RST_STREAM, WINDOW_UPDATE */

#define H2_CLIENT_STREAMS 64

/* What came on a stream. */
struct h2_client_answer {
        unsigned informational; /* heads with 1xx */
        unsigned status;
        size_t length;   /* of the body */
        uint32_t digest; /* FNV-1a of the body, and of the trailers' names and values */
        bool is_ended, has_trailers;
        int64_t reset; /* the code; -1: none */
};

struct h2_client_view {
        struct h2_client_answer answers[H2_CLIENT_STREAMS]; /* of stream 1, 3, 5 … */
        unsigned goaways, pongs, settings_acks;
        uint32_t last_stream; /* of the last GOAWAY */
        int64_t goaway;       /* its code; -1: none */
        size_t window_sum;    /* that the server gave the connection */
        bool is_whole;        /* nothing is left over after the last frame */
};

/* Reads all that the server sent on one connection. Fails the test when it is no HTTP/2. */
void h2_client_read(const struct text *received, struct h2_client_view *ret_view);

/* The digest of a body, as in an answer. */
uint32_t h2_client_digest(struct slice bytes);
