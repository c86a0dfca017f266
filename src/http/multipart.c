/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads forms with files. The delimiter begins with the only CR that it has: where it turns out not to be one, the bytes
 * that looked like it are data, and the next byte can begin a new one at once.
 */
#include "http/multipart.h"

#include <errno.h>

#include "http/field.h"
#include "shared/syscall.h"

enum state {
        STATE_PREAMBLE,
        STATE_TAIL, /* behind a delimiter */
        STATE_HEAD,
        STATE_DATA,
        STATE_PART_END, /* of a part that is to be told of */
        STATE_END,
};

static bool is_boundary(struct slice boundary) {
        if (boundary.length == 0 || boundary.length > MULTIPART_BOUNDARY_MAX ||
            boundary.data[boundary.length - 1] == ' ')
                return false;
        for (size_t i = 0; i < boundary.length; i++) {
                unsigned char byte = (unsigned char) boundary.data[i];
                unsigned char lower = byte | 0x20;
                if (!(lower >= 'a' && lower <= 'z') && !(byte >= '0' && byte <= '9') &&
                    (byte == '\0' || !strchr("'()+_,-./:=? ", byte)))
                        return false;
        }
        return true;
}

/* Takes `name=value` off a list of parameters that each begin with ';'. The value is as it stands there, without its
 * quotes. 1; 0 at the end; -EBADMSG. */
static int take_parameter(struct slice *text, struct slice *ret_name, struct slice *ret_value) {
        *text = slice_trim(*text);
        if (text->length == 0)
                return 0;
        if (text->data[0] != ';')
                return -EBADMSG;
        struct slice rest = slice_trim(slice_from(*text, 1));
        const char *equals = rest.length ? memchr(rest.data, '=', rest.length) : NULL;
        if (!equals)
                return -EBADMSG;
        *ret_name = slice_trim((struct slice) { rest.data, (size_t) (equals - rest.data) });
        rest = slice_from(rest, (size_t) (equals - rest.data) + 1);
        bool is_quoted = rest.length > 0 && rest.data[0] == '"';
        size_t start = is_quoted, end = start;
        while (end < rest.length && rest.data[end] != (is_quoted ? '"' : ';'))
                end += is_quoted && rest.data[end] == '\\' && end + 1 < rest.length ? 2 : 1;
        if (is_quoted && end >= rest.length)
                return -EBADMSG;
        *ret_value = (struct slice) { rest.data + start, end - start };
        if (!is_quoted)
                *ret_value = slice_trim(*ret_value);
        *text = slice_from(rest, end + is_quoted);
        return 1;
}

static void imply_line_end(struct multipart *multipart) {
        multipart->matched = multipart->implied = 2;
}

int multipart_init(struct multipart *multipart, struct slice content_type) {
        static const struct slice type = SLICE_LITERAL("multipart/form-data");
        struct slice name, value, boundary = SLICE_NULL;
        if (content_type.length < type.length ||
            !slice_equal_nocase((struct slice) { content_type.data, type.length }, type))
                return -EINVAL;
        struct slice rest = slice_from(content_type, type.length);
        int r;
        while ((r = take_parameter(&rest, &name, &value)) > 0)
                if (slice_equal_nocase(name, SLICE_LITERAL("boundary")))
                        boundary = value;
        if (r < 0 || !boundary.data || !is_boundary(boundary))
                return -EINVAL;

        /* The first delimiter may stand at the very beginning, where no line ends before it. */
        *multipart = (struct multipart) { .delimiter_length = 4 + boundary.length };
        imply_line_end(multipart);
        memcpy(multipart->delimiter, "\r\n--", 4);
        memcpy(multipart->delimiter + 4, boundary.data, boundary.length);
        return 0;
}

/* Goes on to the next delimiter. 1: it was found; or there is data before it, which is then not empty; 0: there is no more. */
static int find_delimiter(struct multipart *multipart, struct slice *input, struct slice *ret_data) {
        *ret_data = SLICE_NULL;
        while (input->length > 0) {
                if (multipart->matched == 0) {
                        const char *start = memchr(input->data, '\r', input->length);
                        size_t length = start ? (size_t) (start - input->data) : input->length;
                        if (length > 0) {
                                *ret_data = (struct slice) { input->data, length };
                                *input = slice_from(*input, length);
                                return 1;
                        }
                }
                if (input->data[0] != multipart->delimiter[multipart->matched]) {
                        size_t held = multipart->matched - multipart->implied;
                        *ret_data = (struct slice) { multipart->delimiter + multipart->implied, held };
                        multipart->matched = multipart->implied = 0;
                        if (held > 0)
                                return 1;
                        continue;
                }
                *input = slice_from(*input, 1);
                if (++multipart->matched == multipart->delimiter_length)
                        return 1;
        }
        return 0;
}

static int malformed(const char **ret_detail, const char *detail) {
        *ret_detail = detail;
        return -EBADMSG;
}

/* What stands behind a delimiter on its line: nothing, blanks, or "--" at the end of the form. */
static int take_tail(struct multipart *multipart, struct slice *input, const char **ret_detail) {
        while (input->length > 0) {
                char byte = input->data[0];
                *input = slice_from(*input, 1);
                if (multipart->tail_length == 0 && (byte == ' ' || byte == '\t'))
                        continue;
                multipart->tail[multipart->tail_length++] = byte;
                if (multipart->tail_length < 2)
                        continue;
                multipart->tail_length = 0;
                if (memcmp(multipart->tail, "--", 2) == 0) {
                        multipart->state = STATE_END;
                        return 1;
                }
                if (memcmp(multipart->tail, "\r\n", 2) != 0)
                        return malformed(ret_detail, "a delimiter does not end its line");
                multipart->state = STATE_HEAD;
                multipart->head_length = 0;
                return 1;
        }
        return 0;
}

/* In place: "\"" and "\\" are escaped by some clients; another backslash is one (a path of Windows). */
static struct slice unescape(struct multipart *multipart, struct slice text) {
        char *bytes = multipart->head + (text.data - multipart->head);
        size_t length = 0;
        for (size_t i = 0; i < text.length; i++) {
                if (text.data[i] == '\\' && i + 1 < text.length &&
                    (text.data[i + 1] == '"' || text.data[i + 1] == '\\'))
                        i++;
                bytes[length++] = text.data[i];
        }
        return (struct slice) { bytes, length };
}

static int read_disposition(struct multipart *multipart, struct slice value, struct multipart_event *event,
                            const char **ret_detail) {
        static const struct slice type = SLICE_LITERAL("form-data");
        struct slice name, parameter;
        if (event->name.data)
                return malformed(ret_detail, "a part has two Content-Dispositions");
        if (value.length < type.length || !slice_equal_nocase((struct slice) { value.data, type.length }, type))
                return malformed(ret_detail, "a part's Content-Disposition is not form-data");
        struct slice rest = slice_from(value, type.length);
        int r;
        while ((r = take_parameter(&rest, &name, &parameter)) > 0) {
                if (slice_equal_nocase(name, SLICE_LITERAL("name")))
                        event->name = unescape(multipart, parameter);
                else if (slice_equal_nocase(name, SLICE_LITERAL("filename")))
                        event->filename = unescape(multipart, parameter);
        }
        if (r < 0 || !event->name.data)
                return malformed(ret_detail, "a part's Content-Disposition is malformed");
        return 0;
}

static int read_line(struct multipart *multipart, struct slice line, struct multipart_event *event,
                     const char **ret_detail) {
        const char *colon = memchr(line.data, ':', line.length);
        struct slice name = { line.data, colon ? (size_t) (colon - line.data) : 0 };
        if (!http_is_token(name))
                return malformed(ret_detail, "a line of a part's head is no field");
        struct slice value = slice_trim(slice_from(line, name.length + 1));
        if (!http_is_field_value(value))
                return malformed(ret_detail, "a field of a part has a control character");
        if (slice_equal_nocase(name, SLICE_LITERAL("Content-Disposition")))
                return read_disposition(multipart, value, event, ret_detail);
        if (slice_equal_nocase(name, SLICE_LITERAL("Content-Transfer-Encoding")) &&
            !slice_equal_nocase(value, SLICE_LITERAL("binary")) && !slice_equal_nocase(value, SLICE_LITERAL("8bit")) &&
            !slice_equal_nocase(value, SLICE_LITERAL("7bit")))
                return malformed(ret_detail, "a part has a Content-Transfer-Encoding (RFC 7578 section 4.7)");
        return 0;
}

/* The head is complete, with the empty line at its end. */
static int read_head(struct multipart *multipart, struct multipart_event *event, const char **ret_detail) {
        struct slice rest = { multipart->head, multipart->head_length - 2 };
        *event = (struct multipart_event) { .type = MULTIPART_PART };
        while (rest.length > 0) {
                const char *end = memmem(rest.data, rest.length, "\r\n", 2);
                struct slice line = { rest.data, (size_t) (end - rest.data) };
                int r = read_line(multipart, line, event, ret_detail);
                if (r < 0)
                        return r;
                rest = slice_from(rest, line.length + 2);
        }
        return event->name.data ? 1 : malformed(ret_detail, "a part has no Content-Disposition");
}

static bool is_head_complete(const struct multipart *multipart) {
        const char *end = multipart->head + multipart->head_length;
        if (multipart->head_length == 2)
                return memcmp(multipart->head, "\r\n", 2) == 0;
        return multipart->head_length >= 4 && memcmp(end - 4, "\r\n\r\n", 4) == 0;
}

static int take_head(struct multipart *multipart, struct slice *input, struct multipart_event *event,
                     const char **ret_detail) {
        while (input->length > 0) {
                if (multipart->head_length == MULTIPART_HEAD_MAX)
                        return malformed(ret_detail, "the head of a part is too long");
                multipart->head[multipart->head_length++] = input->data[0];
                *input = slice_from(*input, 1);
                if (!is_head_complete(multipart))
                        continue;
                multipart->state = STATE_DATA;
                /* A part may be empty: the line that ends the head can be the one before the delimiter. */
                imply_line_end(multipart);
                return read_head(multipart, event, ret_detail);
        }
        return 0;
}

int multipart_next(struct multipart *multipart, struct slice *input, struct multipart_event *ret_event,
                   const char **ret_detail) {
        for (;;) {
                struct slice data;
                int r = 1;
                switch (multipart->state) {
                case STATE_PREAMBLE:
                case STATE_DATA:
                        r = find_delimiter(multipart, input, &data);
                        if (r > 0 && data.length == 0) {
                                multipart->matched = multipart->implied = 0;
                                multipart->state = multipart->state == STATE_DATA ? STATE_PART_END : STATE_TAIL;
                        } else if (r > 0 && multipart->state == STATE_DATA) {
                                *ret_event = (struct multipart_event) { .type = MULTIPART_DATA, .data = data };
                                return 1;
                        }
                        break;
                case STATE_PART_END:
                        multipart->state = STATE_TAIL;
                        *ret_event = (struct multipart_event) { .type = MULTIPART_PART_END };
                        return 1;
                case STATE_TAIL:
                        r = take_tail(multipart, input, ret_detail);
                        break;
                case STATE_HEAD:
                        r = take_head(multipart, input, ret_event, ret_detail);
                        if (r > 0)
                                return r;
                        break;
                case STATE_END:
                        *ret_event = (struct multipart_event) { .type = MULTIPART_END };
                        return 1;
                }
                if (r <= 0)
                        return r;
        }
}
