/* SPDX-License-Identifier: Apache-2.0 */
/* The three forms of an access log entry. Everything that a client sent is escaped: no entry can be forged, whatever
 * bytes a request holds. */
#include "http/access_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shared/cause.h"
#include "shared/message_id.h"

void access_entry_read(const void *record, size_t length, struct access_entry *ret_entry) {
        *ret_entry = (struct access_entry) { 0 };
        if (length < sizeof(ret_entry->head))
                return;
        memcpy(&ret_entry->head, record, sizeof(ret_entry->head));
        const char *at = (const char *) record + sizeof(ret_entry->head), *end = (const char *) record + length;
        for (unsigned i = 0; i < ACCESS_STRINGS && at + ret_entry->head.lengths[i] <= end; i++) {
                ret_entry->strings[i] = (struct slice) { at, ret_entry->head.lengths[i] };
                at += ret_entry->head.lengths[i];
        }
}

static void append_json_string(struct text *text, const char *name, struct slice value) {
        if (value.length == 0)
                return;
        text_printf(text, ",\"%s\":", name);
        text_append_json(text, value);
}

void access_format_json(const struct access_entry *entry, struct text *text) {
        const struct access_head *head = &entry->head;
        struct tm utc;
        time_t second = (time_t) (head->when / 1000000);
        (void) gmtime_r(&second, &utc);

        text_printf(text, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"", utc.tm_year + 1900, utc.tm_mon + 1,
                    utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (int) (head->when % 1000000));
        append_json_string(text, "client", slice_of(head->peer));
        append_json_string(text, "method", entry->strings[ACCESS_METHOD]);
        append_json_string(text, "host", entry->strings[ACCESS_HOST]);
        append_json_string(text, "path", entry->strings[ACCESS_TARGET]);
        text_printf(text,
                    ",\"version\":\"%u.%u\",\"status\":%u,\"bytes\":%" PRIu64 ",\"received\":%" PRIu64
                    ",\"duration\":%" PRIu64 ".%06" PRIu64,
                    head->version / 10, head->version % 10, head->status, head->sent, head->received,
                    head->duration / 1000000, head->duration % 1000000);
        append_json_string(text, "tls", entry->strings[ACCESS_TLS]);
        if (head->is_resumed)
                text_append_string(text, ",\"resumed\":true");
        append_json_string(text, "subject", entry->strings[ACCESS_SUBJECT]);
        append_json_string(text, "coding", entry->strings[ACCESS_CODING]);
        append_json_string(text, "user_agent", entry->strings[ACCESS_USER_AGENT]);
        append_json_string(text, "referrer", entry->strings[ACCESS_REFERRER]);
        append_json_string(text, "traceparent", entry->strings[ACCESS_TRACEPARENT]);
        if (head->cause != CAUSE_NONE)
                append_json_string(text, "cause", slice_of(cause_entry((enum cause) head->cause)->code));
        append_json_string(text, "detail", entry->strings[ACCESS_DETAIL]);
        text_printf(text, ",\"request\":\"%016" PRIx64 "\"}\n", head->id);
}

static void append_combined_string(struct text *text, struct slice value) {
        if (value.length == 0)
                text_append_char(text, '-');
        for (size_t i = 0; i < value.length; i++) {
                unsigned char byte = (unsigned char) value.data[i];
                if (byte == '"' || byte == '\\')
                        text_printf(text, "\\%c", byte);
                else if (byte < 0x20 || byte >= 0x7f)
                        text_printf(text, "\\x%02x", byte);
                else
                        text_append_char(text, (char) byte);
        }
}

/* The address without its port, which the format has no place for. */
static struct slice peer_host(const char *peer) {
        struct slice host = slice_of(peer);
        const char *colon = strrchr(peer, ':');
        if (colon)
                host.length = (size_t) (colon - peer);
        if (host.length > 2 && host.data[0] == '[')
                host = (struct slice) { host.data + 1, host.length - 2 };
        return host;
}

void access_format_combined(const struct access_entry *entry, struct text *text) {
        const struct access_head *head = &entry->head;
        static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
        struct tm utc;
        time_t second = (time_t) (head->when / 1000000);
        (void) gmtime_r(&second, &utc);

        text_append(text, peer_host(head->peer));
        text_append_string(text, " - ");
        append_combined_string(text, entry->strings[ACCESS_SUBJECT]);
        text_printf(text, " [%02d/%s/%04d:%02d:%02d:%02d +0000] \"", utc.tm_mday, months[utc.tm_mon],
                    utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
        append_combined_string(text, entry->strings[ACCESS_METHOD]);
        text_append_char(text, ' ');
        append_combined_string(text, entry->strings[ACCESS_TARGET]);
        text_printf(text, " HTTP/%u.%u\" %u %" PRIu64 " \"", head->version / 10, head->version % 10, head->status,
                    head->sent);
        append_combined_string(text, entry->strings[ACCESS_REFERRER]);
        text_append_string(text, "\" \"");
        append_combined_string(text, entry->strings[ACCESS_USER_AGENT]);
        text_append_string(text, "\"\n");
}

struct journal_fields {
        struct log_field items[LOG_FIELDS_MAX];
        size_t count;
};

static void add_field(struct journal_fields *fields, const char *name, struct slice value) {
        if (value.length > 0 && fields->count < LOG_FIELDS_MAX)
                fields->items[fields->count++] = (struct log_field) { name, value };
}

void access_format_journal(const struct access_entry *entry, struct logger *logger) {
        const struct access_head *head = &entry->head;
        struct journal_fields fields = { .count = 0 };
        char numbers[6][24];
        const struct {
                const char *name;
                uint64_t value;
                bool is_told;
        } counts[] = {
                { "CCODES_STATUS", head->status, true },
                { "CCODES_BYTES", head->sent, true },
                { "CCODES_RECEIVED", head->received, head->received > 0 },
                { "CCODES_DURATION_USEC", head->duration, true },
                { "CCODES_SAMPLED_FROM", head->stands_for, head->stands_for > 1 },
        };

        add_field(&fields, "CCODES_CLIENT", slice_of(head->peer));
        add_field(&fields, "CCODES_METHOD", entry->strings[ACCESS_METHOD]);
        add_field(&fields, "CCODES_HOST", entry->strings[ACCESS_HOST]);
        add_field(&fields, "CCODES_PATH", entry->strings[ACCESS_TARGET]);
        for (size_t i = 0; i < ELEMENTS_OF(counts); i++) {
                if (!counts[i].is_told)
                        continue;
                (void) snprintf(numbers[i], sizeof(numbers[i]), "%" PRIu64, counts[i].value);
                add_field(&fields, counts[i].name, slice_of(numbers[i]));
        }
        add_field(&fields, "CCODES_TLS", entry->strings[ACCESS_TLS]);
        add_field(&fields, "CCODES_SUBJECT", entry->strings[ACCESS_SUBJECT]);
        add_field(&fields, "CCODES_CODING", entry->strings[ACCESS_CODING]);
        add_field(&fields, "CCODES_USER_AGENT", entry->strings[ACCESS_USER_AGENT]);
        add_field(&fields, "CCODES_REFERRER", entry->strings[ACCESS_REFERRER]);
        add_field(&fields, "CCODES_TRACEPARENT", entry->strings[ACCESS_TRACEPARENT]);
        if (head->cause != CAUSE_NONE)
                add_field(&fields, "CCODES_CAUSE", slice_of(cause_entry((enum cause) head->cause)->code));
        add_field(&fields, "CCODES_DETAIL", entry->strings[ACCESS_DETAIL]);
        char id[17];
        (void) snprintf(id, sizeof(id), "%016" PRIx64, head->id);
        add_field(&fields, "CCODES_REQUEST_ID", slice_of(id));
        /* Also where the answer had begun, and could only be cut. */
        bool is_failure = head->status >= 500 || cause_entry((enum cause) head->cause)->status >= 500;
        if (is_failure)
                add_field(&fields, "MESSAGE_ID", slice_of(MESSAGE_ID_REQUEST_FAILED));

        _cleanup_text_ struct text message = TEXT_INIT;
        text_append(&message, entry->strings[ACCESS_METHOD]);
        text_append_char(&message, ' ');
        text_append(&message, entry->strings[ACCESS_TARGET]);
        text_printf(&message, " %u %" PRIu64 " B %" PRIu64 ".%03" PRIu64 " ms", head->status, head->sent,
                    head->duration / 1000, head->duration % 1000);
        if (message.failed)
                return;
        logger_send(logger, is_failure ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, head->when,
                    (struct slice) { message.data, message.length }, fields.items, fields.count);
}
