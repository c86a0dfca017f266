/* SPDX-License-Identifier: Apache-2.0 */
/* Targets, the canonical path, and authorities. Invariant of the canonical path: it begins with '/', and has no empty
 * segment but a last one, no "." or ".." segment, and no control character. */
#include "http/target.h"

#include <arpa/inet.h>
#include <errno.h>

#include "http/byte_class.h"

#define HOST_MAX 255 /* bytes of a name (RFC 1035 section 2.3.4) */

/* The views of a checked authority. `host` has its brackets and no final dot. */
struct authority {
        struct slice host;
        struct slice port; /* digits; data == NULL when there is no colon */
};

static int check_ip6(struct slice host) {
        char text[INET6_ADDRSTRLEN];
        struct in6_addr address;
        if (host.length < 4 || host.data[host.length - 1] != ']' || host.length - 2 >= sizeof(text))
                return -EBADMSG;
        memcpy(text, host.data + 1, host.length - 2);
        text[host.length - 2] = '\0';
        if (memchr(text, '\0', host.length - 2))
                return -EBADMSG;
        return inet_pton(AF_INET6, text, &address) == 1 ? 0 : -EBADMSG;
}

/* Letters, digits, '-', '_' and single dots between: what a name in the DNS, a container's name and an IPv4 address are
 * made of. Escapes and sub-delims, which RFC 3986 would allow, have no use but to fool a comparison. */
static int check_name(struct slice host) {
        if (host.length == 0 || host.length > HOST_MAX)
                return -EBADMSG;
        char previous = '.';
        for (size_t i = 0; i < host.length; i++) {
                char byte = host.data[i];
                if (!http_byte_is(byte, HTTP_BYTE_HOST) || (byte == '.' && previous == '.'))
                        return -EBADMSG;
                previous = byte;
        }
        return previous == '.' ? -EBADMSG : 0;
}

static int parse_port(struct slice digits, uint16_t *ret_port) {
        unsigned port = 0;
        if (digits.length > 5)
                return -EBADMSG;
        for (size_t i = 0; i < digits.length; i++) {
                if (!http_byte_is_digit(digits.data[i]))
                        return -EBADMSG;
                port = port * 10 + (unsigned) (digits.data[i] - '0');
        }
        if (port > UINT16_MAX || (digits.length && port == 0))
                return -EBADMSG;
        *ret_port = (uint16_t) port;
        return 0;
}

static int authority_split(struct slice text, struct authority *ret_authority, uint16_t *ret_port) {
        bool is_ip6 = text.length && text.data[0] == '[';
        const char *end = text.length ? memchr(text.data, is_ip6 ? ']' : ':', text.length) : NULL;
        size_t host_length = !end ? text.length : (size_t) (end - text.data) + (is_ip6 ? 1 : 0);
        struct authority authority = { .host = { text.data, host_length } };

        if (host_length < text.length) {
                if (text.data[host_length] != ':')
                        return -EBADMSG;
                authority.port = slice_from(text, host_length + 1);
        }
        if (!is_ip6 && host_length > 1 && text.data[host_length - 1] == '.')
                authority.host.length--;
        int r = is_ip6 ? check_ip6(authority.host) : check_name(authority.host);
        if (r < 0)
                return r;
        r = parse_port(authority.port, ret_port);
        if (r < 0)
                return r;
        *ret_authority = authority;
        return 0;
}

int http_authority_parse(struct slice authority, char *scratch, struct slice *ret_host, uint16_t *ret_port) {
        struct authority parts;
        uint16_t port;
        int r = authority_split(authority, &parts, &port);
        if (r < 0)
                return r;
        for (size_t i = 0; i < parts.host.length; i++)
                scratch[i] = http_byte_lower(parts.host.data[i]);
        *ret_host = (struct slice) { scratch, parts.host.length };
        *ret_port = port;
        return 0;
}

/* Path and query from the first '/' or '?' on. A fragment never comes over the wire. */
static int split_path(struct slice text, struct http_target *target) {
        for (size_t i = 0; i < text.length; i++) {
                unsigned char byte = (unsigned char) text.data[i];
                if (byte <= ' ' || byte == 0x7f || byte == '#')
                        return -EBADMSG;
        }
        const char *mark = text.length ? memchr(text.data, '?', text.length) : NULL;
        size_t path_length = mark ? (size_t) (mark - text.data) : text.length;
        target->raw_path = path_length ? (struct slice) { text.data, path_length } : SLICE_LITERAL("/");
        target->query = mark ? slice_from(text, path_length + 1) : SLICE_NULL;
        return 0;
}

/* scheme "://" authority [path] ["?" query] */
static int parse_absolute(struct slice text, struct http_target *target) {
        size_t scheme = 0;
        while (scheme < text.length && (http_byte_is(text.data[scheme], HTTP_BYTE_HOST) || text.data[scheme] == '+') &&
               text.data[scheme] != '_')
                scheme++;
        if (scheme == 0 || http_byte_lower(text.data[0]) < 'a' || http_byte_lower(text.data[0]) > 'z' ||
            !slice_starts_with(slice_from(text, scheme), SLICE_LITERAL("://")))
                return -EBADMSG;

        struct slice rest = slice_from(text, scheme + 3);
        size_t length = 0;
        while (length < rest.length && rest.data[length] != '/' && rest.data[length] != '?' && rest.data[length] != '#')
                length++;
        struct authority parts;
        uint16_t port;
        target->form = HTTP_TARGET_ABSOLUTE;
        target->scheme = (struct slice) { text.data, scheme };
        target->authority = (struct slice) { rest.data, length };
        int r = authority_split(target->authority, &parts, &port);
        return r < 0 ? r : split_path(slice_from(rest, length), target);
}

/* host ":" port, both of them (RFC 9110 section 9.3.6). */
static int parse_connect(struct slice text, struct http_target *target) {
        struct authority parts;
        uint16_t port;
        int r = authority_split(text, &parts, &port);
        if (r < 0)
                return r;
        if (port == 0)
                return -EBADMSG;
        target->form = HTTP_TARGET_AUTHORITY;
        target->authority = text;
        return 0;
}

int http_target_parse(struct slice target, bool is_connect, struct http_target *ret_target) {
        struct http_target parts = { .form = HTTP_TARGET_ORIGIN };
        int r;
        if (is_connect)
                r = parse_connect(target, &parts);
        else if (target.length == 0)
                r = -EBADMSG;
        else if (target.data[0] == '/')
                r = split_path(target, &parts);
        else if (slice_equal_text(target, "*")) {
                parts.form = HTTP_TARGET_ASTERISK;
                r = 0;
        } else
                r = parse_absolute(target, &parts);
        if (r < 0)
                return r;
        *ret_target = parts;
        return 0;
}

/* Length of the canonical part at the start of `raw`, up to the segment where the first thing is to be done. */
static size_t canonical_prefix(struct slice raw) {
        size_t segment = 0; /* where the segment's slash is */
        for (size_t i = 1; i <= raw.length; i++) {
                char byte = i < raw.length ? raw.data[i] : '/';
                if (byte == '/') {
                        size_t length = i - segment - 1;
                        const char *text = raw.data + segment + 1;
                        if ((length == 0 && i < raw.length) || (length == 1 && text[0] == '.') ||
                            (length == 2 && text[0] == '.' && text[1] == '.'))
                                return segment;
                        segment = i;
                } else if (byte == '%' || byte == '\\' || byte == '?' || byte == '#' ||
                           http_byte_is(byte, HTTP_BYTE_CONTROL))
                        return segment;
        }
        return raw.length;
}

/* Decodes the segment that begins at raw[at], behind its slash, to `output`. */
static int decode_segment(struct slice raw, size_t at, char *output, size_t *ret_length, size_t *ret_next) {
        size_t length = 0;
        while (at < raw.length && raw.data[at] != '/') {
                char byte = raw.data[at++];
                if (byte == '\\' || byte == '?' || byte == '#')
                        return -EBADMSG;
                if (byte == '%') {
                        int high = at < raw.length ? http_byte_hex(raw.data[at]) : -1;
                        int low = high >= 0 && at + 1 < raw.length ? http_byte_hex(raw.data[at + 1]) : -1;
                        if (low < 0)
                                return -EBADMSG;
                        byte = (char) (high << 4 | low);
                        at += 2;
                        if (byte == '/')
                                return -EBADMSG;
                }
                if (http_byte_is(byte, HTTP_BYTE_CONTROL))
                        return -EBADMSG;
                output[length++] = byte;
        }
        *ret_length = length;
        *ret_next = at;
        return 0;
}

int http_path_canonicalize(struct slice raw, char *scratch, struct slice *ret_path) {
        if (raw.length == 0 || raw.data[0] != '/')
                return -EBADMSG;
        size_t at = canonical_prefix(raw);
        if (at == raw.length) {
                *ret_path = raw;
                return 0;
        }

        /* scratch[0..end) ends before the slash of the segment that comes next, which is raw[at]. */
        size_t end = at;
        memcpy(scratch, raw.data, end);
        for (;;) {
                scratch[end] = '/';
                struct slice segment = { scratch + end + 1, 0 };
                int r = decode_segment(raw, at + 1, scratch + end + 1, &segment.length, &at);
                if (r < 0)
                        return r;
                bool is_here = segment.length == 0 || slice_equal_text(segment, ".");
                bool is_up = slice_equal_text(segment, "..");
                if (is_up && end == 0)
                        return -EBADMSG;
                if (is_up)
                        end = (size_t) ((const char *) memrchr(scratch, '/', end) - scratch);
                else if (!is_here)
                        end += 1 + segment.length;
                if (at == raw.length) {
                        /* "/a/", "/a/." and "/a/b/.." name a folder and keep its slash. */
                        *ret_path = (struct slice) { scratch, end + (is_here || is_up ? 1 : 0) };
                        return 0;
                }
        }
}
