/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of messages. A scanner turns windows of bytes into bitmaps of control characters and separators; the parser walks
 * their set bits, always forward. Invariant: what a prefix of a head yields is -EAGAIN or what the whole head yields,
 * because each check depends on bytes up to its own place only, and the checks are made in the order of their places. */
#include "http/h1/h1_parse.h"

#include <errno.h>

#include "http/byte_class.h"
#include "http/h1/h1_scan.h"
#include "shared/syscall.h"

#define METHOD_MAX 32 /* bytes; the longest in the IANA registry has 17 */

/* Below this many bytes a head that comes in pieces is parsed anew each time, so that its first byte, its method and a
 * TLS handshake are refused at once. */
#define ALWAYS_PARSE_BELOW 64

struct cursor {
        const struct h1_scanner *scanner;
        const char *data;
        size_t length; /* bytes in which the head has to end: what is there, and no more than max_head */
        size_t base;   /* where the window begins */
        struct h1_masks window;
};

static void cursor_load(struct cursor *cursor, size_t base) {
        cursor->base = base;
        cursor->scanner->classify(cursor->data + base, MIN_OF(cursor->length - base, (size_t) H1_WINDOW),
                                  &cursor->window);
}

/* The next place at or after `from` whose bit is set; cursor->length when there is none. `bitmap` is one of the
 * cursor's window. */
static inline size_t find(struct cursor *cursor, const uint64_t *bitmap, size_t from) {
        size_t offset = from - cursor->base;
        for (;;) {
                while (offset < H1_WINDOW) {
                        uint64_t word = bitmap[offset / 64] >> offset % 64;
                        if (word)
                                return cursor->base + offset + (size_t) __builtin_ctzll(word);
                        offset = (offset | 63) + 1;
                }
                offset -= H1_WINDOW;
                cursor_load(cursor, cursor->base + H1_WINDOW);
        }
}

static inline size_t find_control(struct cursor *cursor, size_t from) {
        return find(cursor, cursor->window.control, from);
}

static inline size_t find_separator(struct cursor *cursor, size_t from) {
        return find(cursor, cursor->window.separator, from);
}

static int malformed(struct http_fault *ret_fault, const char *detail) {
        return http_fault_set(ret_fault, CAUSE_REQUEST_MALFORMED, detail);
}

static int control_fault(char byte, struct http_fault *ret_fault) {
        switch (byte) {
        case '\n':
                return malformed(ret_fault, "a line ends with LF instead of CR LF (RFC 9112 section 2.2)");
        case '\r':
                return malformed(ret_fault, "a CR is not followed by LF (RFC 9112 section 2.2)");
        case '\0':
                return malformed(ret_fault, "the head contains a NUL (RFC 9110 section 5.5)");
        default:
                return malformed(ret_fault, "the head contains a control character (RFC 9110 section 5.5)");
        }
}

/* The control character at `at` has to begin a CR LF. */
static inline int expect_line_end(const struct cursor *cursor, size_t at, struct http_fault *ret_fault) {
        if (cursor->data[at] != '\r')
                return control_fault(cursor->data[at], ret_fault);
        if (at + 1 == cursor->length)
                return -EAGAIN;
        return cursor->data[at + 1] == '\n' ? 0 : control_fault('\r', ret_fault);
}

/* The byte at `start` cannot begin a method. */
static int first_byte_fault(const struct cursor *cursor, size_t start, struct http_fault *ret_fault) {
        if (cursor->data[start] == 0x16) {
                if (start + 1 == cursor->length)
                        return -EAGAIN;
                if (cursor->data[start + 1] == 0x03)
                        return malformed(ret_fault, "a TLS handshake came to a port that speaks plain HTTP");
        }
        return malformed(ret_fault, "the request line does not begin with a method (RFC 9112 section 3)");
}

static int parse_method(struct cursor *cursor, size_t start, struct h1_request_head *head,
                        struct http_fault *ret_fault) {
        size_t end = find_separator(cursor, start);
        if (end - start > METHOD_MAX)
                return http_fault_set(ret_fault, CAUSE_METHOD_UNKNOWN, "the method has more than 32 bytes");
        if (end == cursor->length)
                return -EAGAIN;
        if (end == start)
                return first_byte_fault(cursor, start, ret_fault);
        if (cursor->data[end] == '\n')
                return control_fault('\n', ret_fault);
        if (cursor->data[end] != ' ')
                return malformed(ret_fault, "the method is not a token and a space (RFC 9112 section 3)");

        head->method_name = (struct slice) { cursor->data + start, end - start };
        head->method = http_method_from_name(head->method_name);
        return 0;
}

/* "HTTP/1.1": exactly, in this case (RFC 9112 section 2.3). */
static int parse_version(struct slice text, unsigned *ret_minor, struct http_fault *ret_fault) {
        if (text.length == 8 && memcmp(text.data, "HTTP/1.", 7) == 0 && (text.data[7] == '1' || text.data[7] == '0')) {
                *ret_minor = (unsigned) (text.data[7] - '0');
                return 0;
        }
        if (text.length == 8 && memcmp(text.data, "HTTP/", 5) == 0 && text.data[5] >= '0' && text.data[5] <= '9' &&
            text.data[6] == '.' && text.data[7] >= '0' && text.data[7] <= '9')
                return http_fault_set(ret_fault, CAUSE_VERSION_UNSUPPORTED,
                                      "the version is neither HTTP/1.0 nor HTTP/1.1");
        return malformed(ret_fault,
                         "the request line is not method, target and version, one space between (RFC 9112 section 3)");
}

/* Writes where the fields begin. */
static int parse_request_line(struct cursor *cursor, const struct h1_limits *limits, struct h1_request_head *head,
                              size_t *ret_next, struct http_fault *ret_fault) {
        size_t start = 0;
        if (cursor->length && cursor->data[0] == '\r') {
                int r = expect_line_end(cursor, 0, ret_fault);
                if (r < 0)
                        return r;
                start = 2;
        }
        if (start == cursor->length)
                return -EAGAIN;

        int r = parse_method(cursor, start, head, ret_fault);
        if (r < 0)
                return r;
        const char *target = head->method_name.data + head->method_name.length + 1;
        size_t end = find_control(cursor, (size_t) (target - cursor->data));
        if (end - start > limits->max_request_line)
                return http_fault_set(ret_fault, CAUSE_TARGET_TOO_LONG,
                                      "the request line is longer than max_request_line");
        if (end == cursor->length)
                return -EAGAIN;
        r = expect_line_end(cursor, end, ret_fault);
        if (r < 0)
                return r;

        const char *line_end = cursor->data + end;
        const char *space = memchr(target, ' ', (size_t) (line_end - target));
        if (!space)
                return malformed(ret_fault, "the request line has no version (RFC 9112 section 3)");
        if (space == target)
                return malformed(ret_fault, "the target is empty (RFC 9112 section 3.2)");
        head->target = (struct slice) { target, (size_t) (space - target) };
        *ret_next = end + 2;
        return parse_version((struct slice) { space + 1, (size_t) (line_end - space - 1) }, &head->minor_version,
                             ret_fault);
}

/* What stands at `at` is neither a field name nor the colon after it. */
static int name_fault(const struct cursor *cursor, size_t start, size_t at, struct http_fault *ret_fault) {
        char byte = cursor->data[at];
        bool is_blank = byte == ' ' || byte == '\t';
        if (is_blank && at == start)
                return malformed(ret_fault, "a field line begins with white space (RFC 9112 section 5.2)");
        if (is_blank)
                return malformed(ret_fault, "white space stands before a colon (RFC 9112 section 5.1)");
        if (byte == '\n')
                return control_fault('\n', ret_fault);
        if (byte == '\r')
                return malformed(ret_fault, "a field line has no colon (RFC 9112 section 5)");
        return malformed(ret_fault, "a field name is not a token (RFC 9110 section 5.1)");
}

/* Parses the line at `at`. 1: it was the empty line, the head's end. */
static inline int parse_field_line(struct cursor *cursor, size_t at, struct http_fields *fields, size_t *ret_next,
                                   struct http_fault *ret_fault) {
        const char *data = cursor->data;
        size_t colon = find_separator(cursor, at);
        if (colon == cursor->length)
                return -EAGAIN;
        if (colon == at && data[at] == '\r') {
                int r = expect_line_end(cursor, at, ret_fault);
                *ret_next = at + 2;
                return r < 0 ? r : 1;
        }
        if (colon == at || data[colon] != ':')
                return name_fault(cursor, at, colon, ret_fault);

        size_t end = find_control(cursor, colon + 1);
        while (end < cursor->length && data[end] == '\t')
                end = find_control(cursor, end + 1);
        if (end == cursor->length)
                return -EAGAIN;
        int r = expect_line_end(cursor, end, ret_fault);
        if (r < 0)
                return r;

        struct slice name = { data + at, colon - at };
        struct slice value = slice_trim((struct slice) { data + colon + 1, end - colon - 1 });
        if (http_fields_add(fields, http_field_id_from_name(name), name, value) < 0)
                return http_fault_set(ret_fault, CAUSE_FIELDS_TOO_LARGE, "there are more fields than max_fields");
        *ret_next = end + 2;
        return 0;
}

/* Writes where the fields begin. The reason may be empty, and so may be left out the space in front of it. */
static int parse_status_line(struct cursor *cursor, const struct h1_limits *limits, struct h1_response_head *head,
                             size_t *ret_next, struct http_fault *ret_fault) {
        size_t end = find_control(cursor, 0);
        while (end < cursor->length && cursor->data[end] == '\t')
                end = find_control(cursor, end + 1);
        if (end > limits->max_request_line)
                return http_fault_set(ret_fault, CAUSE_TARGET_TOO_LONG, "the status line is too long");
        if (end == cursor->length)
                return -EAGAIN;
        int r = expect_line_end(cursor, end, ret_fault);
        if (r < 0)
                return r;

        const char *line = cursor->data;
        if (end < 12 || line[8] != ' ' || (end > 12 && line[12] != ' ') || line[9] < '1' || line[9] > '5' ||
            !http_byte_is_digit(line[10]) || !http_byte_is_digit(line[11]))
                return malformed(ret_fault, "the first line is not version, status and reason (RFC 9112 section 4)");
        head->status = (unsigned) (line[9] - '0') * 100 + (unsigned) (line[10] - '0') * 10 +
                       (unsigned) (line[11] - '0');
        head->reason = end > 13 ? (struct slice) { line + 13, end - 13 } : SLICE_NULL;
        *ret_next = end + 2;
        return parse_version((struct slice) { line, 8 }, &head->minor_version, ret_fault);
}

/* The fields from `at` on. Returns the length of the whole head. */
static ssize_t parse_fields(struct cursor *cursor, size_t at, struct http_fields *fields,
                            struct http_fault *ret_fault) {
        int r;
        do
                r = parse_field_line(cursor, at, fields, &at, ret_fault);
        while (r == 0);
        return r < 0 ? r : (ssize_t) at;
}

/* A head of either kind: exactly one of the two is to be had. */
struct head {
        struct h1_request_head *request;
        struct h1_response_head *response;
};

static ssize_t parse_head(struct cursor *cursor, const struct h1_limits *limits, struct http_fields *fields,
                          const struct head *head, struct http_fault *ret_fault) {
        bool is_full = cursor->length >= limits->max_head;
        size_t at = 0;

        http_fields_init(fields, fields->items, fields->capacity);
        int r = head->request ? parse_request_line(cursor, limits, head->request, &at, ret_fault)
                              : parse_status_line(cursor, limits, head->response, &at, ret_fault);
        if (r == -EAGAIN && is_full)
                return http_fault_set(ret_fault, CAUSE_TARGET_TOO_LONG, "the first line is longer than max_head");
        if (r < 0)
                return r;
        ssize_t n = parse_fields(cursor, at, fields, ret_fault);
        if (n == -EAGAIN && is_full)
                return http_fault_set(ret_fault, CAUSE_FIELDS_TOO_LARGE, "the head is longer than max_head");
        return n;
}

/* Goes on from `at` in a head that was not complete: true when there is its end, or a line end that is none. Otherwise
 * writes the place to go on from next time, which is at most three bytes back. */
static bool has_end_or_fault(struct cursor *cursor, size_t at, size_t *ret_at) {
        for (;;) {
                at = find_control(cursor, at);
                size_t left = cursor->length - at;
                const char *byte = cursor->data + at;
                if (left && *byte == '\t') {
                        at++;
                        continue;
                }
                if ((left > 0 && byte[0] != '\r') || (left > 1 && byte[1] != '\n'))
                        return true;
                if (left < 3 || (left == 3 && byte[2] == '\r')) {
                        *ret_at = at;
                        return false;
                }
                if (byte[2] == '\r')
                        return true;
                at += 2;
        }
}

/* Whether the bytes that came since `scanned` call for a parse. Each one is looked at once. */
static bool needs_parse(struct cursor *cursor, const struct h1_limits *limits, size_t *scanned) {
        size_t line_limit = (size_t) limits->max_request_line + (cursor->data[0] == '\r' ? 2 : 0);
        bool crossed = *scanned <= line_limit && cursor->length > line_limit;
        if (*scanned < ALWAYS_PARSE_BELOW || crossed || cursor->length >= limits->max_head)
                return true;
        cursor_load(cursor, *scanned);
        return has_end_or_fault(cursor, *scanned, scanned);
}

static ssize_t parse(const struct h1_scanner *scanner, const char *data, size_t length, const struct h1_limits *limits,
                     size_t *scanned, struct http_fields *fields, const struct head *head,
                     struct http_fault *ret_fault) {
        struct cursor cursor;
        cursor.scanner = scanner;
        cursor.data = data;
        cursor.length = MIN_OF(length, (size_t) limits->max_head);
        if (*scanned && !needs_parse(&cursor, limits, scanned))
                return -EAGAIN;

        cursor_load(&cursor, 0);
        ssize_t r = parse_head(&cursor, limits, fields, head, ret_fault);
        if (r == -EAGAIN) {
                cursor_load(&cursor, 0);
                (void) has_end_or_fault(&cursor, 0, scanned);
        }
        return r;
}

ssize_t h1_parse_request_with(const struct h1_scanner *scanner, const char *data, size_t length,
                              const struct h1_limits *limits, size_t *scanned, struct http_fields *fields,
                              struct h1_request_head *ret_head, struct http_fault *ret_fault) {
        *ret_head = (struct h1_request_head) { 0 };
        return parse(scanner, data, length, limits, scanned, fields, &(struct head) { .request = ret_head }, ret_fault);
}

ssize_t h1_parse_request(const char *data, size_t length, const struct h1_limits *limits, size_t *scanned,
                         struct http_fields *fields, struct h1_request_head *ret_head, struct http_fault *ret_fault) {
        return h1_parse_request_with(h1_scanner_best(), data, length, limits, scanned, fields, ret_head, ret_fault);
}

ssize_t h1_parse_response(const char *data, size_t length, const struct h1_limits *limits, size_t *scanned,
                          struct http_fields *fields, struct h1_response_head *ret_head, struct http_fault *ret_fault) {
        *ret_head = (struct h1_response_head) { 0 };
        return parse(h1_scanner_best(), data, length, limits, scanned, fields, &(struct head) { .response = ret_head },
                     ret_fault);
}

const char *h1_parse_implementation(void) {
        return h1_scanner_best()->name;
}
