/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/http_section.h"
#include "http/h2/h2_framing.h"

/*
 * What one connection has cost in frames that carry nothing. Each kind leaks away at its rate; a burst of ten seconds' worth
 * is let through, since honest clients come in bursts: a page that is left resets all its streams at once.
 */
#define H2_EARNED_MAX 65536
#define H2_SMALL_PART 1024 /* bytes */

struct h2_account {
        uint64_t level; /* thousandths of a frame */
        uint64_t at;    /* ms */
};

struct h2_accounts {
        struct h2_account resets;  /* streams that were thrown away, by either side */
        struct h2_account control; /* frames that ask for work and give none: SETTINGS, PING, PRIORITY, empty DATA … */
        uint32_t earned; /* frames about windows, priorities and round trips that the client has a right to, by what it asked for and got */
        uint32_t continuations; /* of the present head */
};

/* The bursts that are let through come from this time. */
#define H2_BURST_MSEC 10000

/* For a client that has flooded another connection of late: no burst, only what leaks away. */
void h2_accounts_spend_burst(struct h2_accounts *accounts, const struct config_http2 *limits, uint64_t now);

/* A frame came. NULL when it may pass; else what the client does, for the log: the connection is to be ended. */
const char *h2_accounts_frame(struct h2_accounts *accounts, const struct config_http2 *limits, uint64_t now,
                              enum h2_frame type, unsigned flags, size_t length, bool is_late);

/* This side reset a stream for what the client did with it. As above. */
const char *h2_accounts_reset(struct h2_accounts *accounts, const struct config_http2 *limits, uint64_t now);

/* A part of a body was sent, which the client may answer by WINDOW_UPDATE frames, or by a PING that measures how fast it came (as gRPC
 * does). One that is small, though there is more, was made so by the client's windows, and earns it nothing. */
static inline void h2_accounts_sent(struct h2_accounts *accounts, size_t length) {
        if (length >= H2_SMALL_PART && accounts->earned < H2_EARNED_MAX)
                accounts->earned += 4;
}
