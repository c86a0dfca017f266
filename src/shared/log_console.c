/* SPDX-License-Identifier: Apache-2.0 */
/* Writes log entries as lines: time, level, text, then the fields. Outside bytes can neither end a line nor reach the
 * terminal as a control sequence. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "shared/log_private.h"
#include "shared/utf8.h"

/* Lines are held back until so many bytes are there, or until the flush. */
#define LINES_MAX 65536

#define COLOUR_DIM "\x1b[2m"
#define COLOUR_OFF "\x1b[0m"

static const struct level_style {
        const char *name, *colour;
} level_styles[] = {
        [LOG_LEVEL_CRITICAL] = { "critical", "\x1b[1;31m" }, [LOG_LEVEL_ERROR] = { "error", "\x1b[31m" },
        [LOG_LEVEL_WARNING] = { "warning", "\x1b[33m" },     [LOG_LEVEL_NOTICE] = { "notice", "\x1b[36m" },
        [LOG_LEVEL_INFO] = { "info", "\x1b[32m" },           [LOG_LEVEL_DEBUG] = { "debug", "\x1b[2m" },
};

void log_console_init(struct log_console *console, int fd, const struct log_patience *patience) {
        const char *terminal = getenv("TERM"), *no_colour = getenv("NO_COLOR"); /* https://no-color.org */
        *console = (struct log_console) {
                .fd = fd,
                .is_terminal = isatty(fd) && !(no_colour && *no_colour) && terminal && strcmp(terminal, "dumb") != 0,
                .patience = patience,
        };
        tzset(); /* reads /etc/localtime, which the sandbox may hide later */
}

void log_console_done(struct log_console *console) {
        text_done(&console->lines);
}

/* A valid sequence of more than one byte that a terminal obeys: a C1 control, or a change of direction, which would
 * show a line otherwise than it is. */
static bool is_control_sequence(const unsigned char *bytes, size_t length) {
        if (length == 2)
                return bytes[0] == 0xc2 && bytes[1] < 0xa0; /* U+0080 to U+009F */
        return length == 3 && bytes[0] == 0xe2 &&
               ((bytes[1] == 0x80 && bytes[2] >= 0xa8 && bytes[2] <= 0xae) || /* U+2028 to U+202E */
                (bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9));  /* U+2066 to U+2069 */
}

static void append_escape(struct text *text, struct slice bytes) {
        for (size_t i = 0; i < bytes.length; i++) {
                unsigned char byte = (unsigned char) bytes.data[i];
                switch (byte) {
                case '\n':
                        text_append_string(text, "\\n");
                        break;
                case '\r':
                        text_append_string(text, "\\r");
                        break;
                case '\t':
                        text_append_string(text, "\\t");
                        break;
                case '"':
                case '\\':
                        text_append_char(text, '\\');
                        text_append_char(text, (char) byte);
                        break;
                default:
                        text_printf(text, "\\x%02x", byte);
                }
        }
}

/* How many bytes at the front stand for themselves; then *ret_other more that must be escaped. */
static size_t printable_prefix(struct slice bytes, bool quoted, size_t *ret_other) {
        size_t length = 0, size = 0;
        for (; length < bytes.length; length += size) {
                unsigned char byte = (unsigned char) bytes.data[length];
                size = 1;
                if (byte < ' ' || byte == 0x7f || (quoted && (byte == '"' || byte == '\\')))
                        break;
                if (byte >= 0x80 && (!utf8_next(slice_from(bytes, length), &size) ||
                                     is_control_sequence((const unsigned char *) bytes.data + length, size)))
                        break;
        }
        *ret_other = length < bytes.length ? size : 0;
        return length;
}

static void append_printable(struct text *text, struct slice bytes, bool quoted) {
        while (bytes.length) {
                size_t other, length = printable_prefix(bytes, quoted, &other);
                text_append(text, (struct slice) { bytes.data, length });
                append_escape(text, (struct slice) { bytes.data + length, other });
                bytes = slice_from(bytes, length + other);
        }
}

static bool needs_quotes(struct slice value) {
        size_t other;
        return value.length == 0 || memchr(value.data, ' ', value.length) || memchr(value.data, '=', value.length) ||
               printable_prefix(value, true, &other) < value.length;
}

/* CCODES_SITE=blog is shown as site=blog. */
static void append_field(struct text *text, const struct log_field *field) {
        struct slice name = slice_of(field->name);
        if (slice_starts_with(name, SLICE_LITERAL("CCODES_")))
                name = slice_from(name, sizeof("CCODES_") - 1);
        for (size_t i = 0; i < name.length; i++)
                text_append_char(text, (char) tolower((unsigned char) name.data[i]));
        text_append_char(text, '=');
        bool quoted = needs_quotes(field->value);
        if (quoted)
                text_append_char(text, '"');
        append_printable(text, field->value, quoted);
        if (quoted)
                text_append_char(text, '"');
}

static void append_fields(struct text *text, const struct log_entry *entry, bool is_terminal) {
        if (entry->field_count && is_terminal)
                text_append_string(text, COLOUR_DIM);
        const char *gap = "  ";
        for (size_t i = 0; i < entry->field_count; i++) {
                if (strcmp(entry->fields[i].name, "MESSAGE_ID") == 0)
                        continue; /* nothing for people */
                text_append_string(text, gap);
                append_field(text, &entry->fields[i]);
                gap = " ";
        }
        if (entry->field_count && is_terminal)
                text_append_string(text, COLOUR_OFF);
}

/* The local time of day for who sits there; elsewhere RFC 3339 in UTC, which sorts. */
static void append_time(struct text *text, int64_t usec, bool is_terminal) {
        time_t seconds = (time_t) (usec / 1000000);
        struct tm parts;
        char time[64];
        if (is_terminal)
                (void) strftime(time, sizeof(time), "%H:%M:%S", localtime_r(&seconds, &parts));
        else
                (void) strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &parts));
        text_printf(text, "%s.%03d%s ", time, (int) (usec % 1000000 / 1000), is_terminal ? "" : "Z");
}

void log_console_append(struct log_console *console, const struct log_entry *entry) {
        struct text *text = &console->lines;
        const struct level_style *style = &level_styles[entry->level];
        append_time(text, entry->time, console->is_terminal);
        if (console->is_terminal)
                text_printf(text, "%s%-8s" COLOUR_OFF " ", style->colour, style->name);
        else
                text_printf(text, "%-8s ", style->name);
        append_printable(text, entry->text, false);

        append_fields(text, entry, console->is_terminal);
        text_append_char(text, '\n');
        if (text->length >= LINES_MAX)
                log_console_flush(console);
}

/* Waits until the reader takes bytes; false: for too long while the logger stops. */
static bool wait_writable(const struct log_console *console) {
        struct pollfd pollfd = { .fd = console->fd, .events = POLLOUT };
        while (poll(&pollfd, 1, console->patience->milliseconds) == 0)
                if (__atomic_load_n(&console->patience->is_stopping, __ATOMIC_RELAXED))
                        return false;
        return true;
}

void log_console_flush(struct log_console *console) {
        struct text *text = &console->lines;
        struct slice rest = { text->data, text->failed ? 0 : text->length };
        while (rest.length && wait_writable(console)) {
                /* A pipe that can be written takes this much without blocking. */
                ssize_t count = write(console->fd, rest.data, MIN_OF(rest.length, (size_t) PIPE_BUF));
                if (count >= 0)
                        rest = slice_from(rest, (size_t) count);
                else if (errno != EINTR && errno != EAGAIN)
                        break; /* nobody is there to be told */
        }
        if (text->failed)
                text_done(text);
        text->length = 0;
        text->failed = false;
}
