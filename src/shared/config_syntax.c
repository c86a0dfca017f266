/* SPDX-License-Identifier: Apache-2.0 */
/* Guards the TOML parser against bytes that are no text and keys of unbounded depth, and turns its findings into advice. The scanner here follows
 * strings and comments just as the parser does: up to the parser's first error both see the same keys. */
#include "shared/config_syntax.h"

#include <errno.h>
#include <stdio.h>

#include "shared/utf8.h"

#define EXCERPT_MAX_LENGTH 48

/* Behind the string that begins at `start`; the end of the text when it is not closed. */
static size_t string_end(struct slice text, size_t start) {
        char quote = text.data[start];
        size_t i = start + 1, run = 1;
        while (run < 3 && i < text.length && text.data[i] == quote)
                run++, i++;
        if (run == 2)
                return i; /* empty */
        bool multi_line = run == 3;

        for (run = 0; i < text.length; i++) {
                char byte = text.data[i];
                if (byte == quote) {
                        /* Up to two quotes may stand right before the three that end a multi-line string. */
                        if (!multi_line || ++run == 5 ||
                            (run >= 3 && (i + 1 == text.length || text.data[i + 1] != quote)))
                                return i + 1;
                        continue;
                }
                run = 0;
                if (byte == '\\' && quote == '"')
                        i++;
                else if (byte == '\n' && !multi_line)
                        return i; /* a mistake, which the parser reports */
        }
        return text.length;
}

static size_t comment_end(struct slice text, size_t start) {
        const char *newline = memchr(text.data + start, '\n', text.length - start);
        return newline ? (size_t) (newline - text.data) : text.length;
}

static struct config_origin origin_at(struct slice text, size_t offset, const char *file) {
        struct config_origin origin = { .file = file, .line = 1, .column = 1 };
        for (size_t i = 0; i < offset; i++) {
                if (text.data[i] == '\n') {
                        origin.line++;
                        origin.column = 1;
                } else if (((unsigned char) text.data[i] & 0xC0) != 0x80)
                        origin.column++;
        }
        return origin;
}

static int check_encoding(struct slice text, const char *file, struct error *error) {
        struct slice rest = text;
        while (rest.length > 0) {
                size_t length;
                if (!utf8_next(rest, &length)) {
                        struct config_origin origin = origin_at(text, text.length - rest.length, file);
                        return error_set(error, -EINVAL, "%s:%u:%u: not valid TOML: the text is not UTF-8 here", file,
                                         origin.line, origin.column);
                }
                rest = slice_from(rest, length);
        }
        return 0;
}

static int check_nesting(struct slice text, const char *file, struct error *error) {
        unsigned dots = 0;
        for (size_t i = 0; i < text.length;) {
                switch (text.data[i]) {
                case '"':
                case '\'':
                        i = string_end(text, i);
                        continue;
                case '#':
                        i = comment_end(text, i);
                        continue;
                case '.':
                        if (++dots >= CONFIG_NESTING_MAX) {
                                struct config_origin origin = origin_at(text, i, file);
                                return error_set(error, -EINVAL, "%s:%u:%u: a key has more than %d parts", file,
                                                 origin.line, origin.column, CONFIG_NESTING_MAX);
                        }
                        break;
                case '\n':
                case '=':
                case ',':
                case '[':
                case ']':
                case '{':
                case '}':
                        dots = 0;
                        break;
                default:
                        break;
                }
                i++;
        }
        return 0;
}

int config_syntax_check(struct slice text, const char *file, struct error *error) {
        int r = check_encoding(text, file, error);
        return r < 0 ? r : check_nesting(text, file, error);
}

static struct slice line_at(struct slice text, unsigned line) {
        while (--line > 0) {
                size_t end = comment_end(text, 0);
                if (end == text.length)
                        return SLICE_LITERAL("");
                text = slice_from(text, end + 1);
        }
        text.length = comment_end(text, 0);
        if (text.length > 0 && text.data[text.length - 1] == '\r')
                text.length--;
        return text;
}

static bool contains(struct slice text, const char *words) {
        return text.length > 0 && memmem(text.data, text.length, words, strlen(words)) != NULL;
}

/* "root = /srv/www" is the mistake that everybody makes once. False when the line is of another kind. */
static bool explain_bare_word(struct slice line, char *hint, size_t size) {
        const char *equals = memchr(line.data, '=', line.length);
        if (!equals)
                return false;
        struct slice key = slice_trim((struct slice) { line.data, (size_t) (equals - line.data) });
        struct slice value = slice_from(line, (size_t) (equals + 1 - line.data));
        const char *comment = memchr(value.data, '#', value.length);
        if (comment)
                value.length = (size_t) (comment - value.data);
        value = slice_trim(value);
        if (key.length > EXCERPT_MAX_LENGTH || value.length == 0 || value.length > EXCERPT_MAX_LENGTH)
                return false;
        for (size_t i = 0; i < value.length; i++)
                if (strchr("[]{}\"'\\", value.data[i]) || (unsigned char) value.data[i] < 0x20 || value.data[i] == 0x7f)
                        return false;

        static const char *const booleans[][2] = {
                { "true", "true" },   { "yes", "true" }, { "on", "true" },
                { "false", "false" }, { "no", "false" }, { "off", "false" },
        };
        for (size_t i = 0; i < sizeof(booleans) / sizeof(booleans[0]); i++)
                if (slice_equal_nocase(value, slice_of(booleans[i][0]))) {
                        (void) snprintf(hint, size, "; write %.*s = %s", SLICE_PRINTF(key), booleans[i][1]);
                        return true;
                }
        (void) snprintf(hint, size, "; text is written in quotes: %.*s = \"%.*s\"", SLICE_PRINTF(key),
                        SLICE_PRINTF(value));
        return true;
}

static bool at_end_of_line(struct slice line, unsigned column) {
        unsigned columns = 1;
        for (size_t i = 0; i < line.length; i++)
                columns += ((unsigned char) line.data[i] & 0xC0) != 0x80;
        return column >= columns;
}

int config_syntax_explain(struct slice text, const struct config_origin *origin, struct slice description,
                          struct error *error) {
        static const struct slice prefix = SLICE_LITERAL("Error while parsing ");
        struct slice reason = description, scope = SLICE_NULL;
        if (slice_starts_with(description, prefix)) {
                scope = slice_from(description, prefix.length);
                const char *colon = memmem(scope.data, scope.length, ": ", 2);
                if (colon) {
                        reason = slice_from(scope, (size_t) (colon + 2 - scope.data));
                        scope.length = (size_t) (colon - scope.data);
                }
        }
        struct slice line = line_at(text, origin->line);
        bool in_string = contains(scope, "string");
        char hint[256] = "", words[256];

        if (in_string && contains(reason, "control characters") && at_end_of_line(line, origin->column))
                (void) snprintf(words, sizeof(words), "the string is not closed before the end of the line");
        else if (contains(reason, "end-of-file"))
                (void) snprintf(words, sizeof(words), "the file ends within this %.*s", SLICE_PRINTF(scope));
        else if (contains(reason, "saw '\\n'") || contains(reason, "saw '\\r'"))
                (void) snprintf(words, sizeof(words), "%.*sthe end of the line, in this %.*s", (int) reason.length - 4,
                                reason.data, SLICE_PRINTF(scope));
        else
                (void) snprintf(words, sizeof(words), "%.*s", SLICE_PRINTF(reason));

        static const char *const values[] = { "value", "boolean", "integer", "floating-point", "time", "date" };
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]) && !hint[0]; i++)
                if (contains(scope, values[i]) && explain_bare_word(line, hint, sizeof(hint)))
                        break;
        if (contains(reason, "cannot redefine"))
                (void) snprintf(hint, sizeof(hint), "; each key and each [table] is written once in a file");
        return error_set(error, -EINVAL, "%s:%u:%u: not valid TOML: %s%s", origin->file, origin->line, origin->column,
                         words, hint);
}
