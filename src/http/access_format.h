/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "http/peer.h"
#include "shared/log.h"
#include "shared/text.h"

/* How an entry of the access log travels through a worker's ring, and how it is written. */

enum access_string {
        ACCESS_METHOD,
        ACCESS_HOST,
        ACCESS_TARGET,
        ACCESS_REFERRER,
        ACCESS_USER_AGENT,
        ACCESS_TRACEPARENT,
        ACCESS_CODING,
        ACCESS_DETAIL,
        ACCESS_TLS,
        ACCESS_SUBJECT,
        ACCESS_STRINGS,
};

/* Longer strings are cut: an entry shall not fill a ring. */
#define ACCESS_STRING_MAX 2048

/* The fixed part of a record; the strings follow, without separators. */
struct access_head {
        int64_t when;            /* us since the epoch */
        uint64_t duration;       /* us */
        uint64_t sent, received; /* bytes of the bodies */
        uint64_t id;
        uint32_t stands_for; /* one of so many requests like it was written */
        uint16_t status;     /* 0: the connection ended before an answer */
        uint16_t cause;
        uint16_t lengths[ACCESS_STRINGS];
        uint8_t version;
        bool is_resumed;
        char peer[HTTP_PEER_TEXT_MAX];
};

struct access_entry {
        struct access_head head;
        struct slice strings[ACCESS_STRINGS];
};

/* Reads what access_log_exchange has put in; the strings are views of the record. */
void access_entry_read(const void *record, size_t length, struct access_entry *ret_entry);

/* One object and a newline. */
void access_format_json(const struct access_entry *entry, struct text *text);

/* Apache's "combined", with a newline; bytes that could forge an entry are escaped as Apache does (\xhh, \"). */
void access_format_combined(const struct access_entry *entry, struct text *text);

/* One entry with its fields to the journal, or a line to the console. */
void access_format_journal(const struct access_entry *entry, struct logger *logger);
