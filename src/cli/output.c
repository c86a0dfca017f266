/* SPDX-License-Identifier: Apache-2.0 */
/* Prints. The one place that knows escape sequences: nothing that comes from elsewhere brings its own. */
#include "cli/output.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "shared/syscall.h"
#include "shared/utf8.h"

#define COLUMNS_DEFAULT 80
#define COLUMNS_READABLE 100 /* words are not wrapped wider than this */
#define COLUMNS_NARROW 20    /* nor narrower than this */

static const char *const style_codes[] = {
        [OUTPUT_PLAIN] = "",        [OUTPUT_STRONG] = "\033[1m",   [OUTPUT_FAINT] = "\033[2m",
        [OUTPUT_GOOD] = "\033[32m", [OUTPUT_WARNING] = "\033[33m", [OUTPUT_BAD] = "\033[31m",
};

static bool wants_colours(const struct output *output) {
        const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");
        return output->terminal && !(no_colour && *no_colour) && !(kind && strcmp(kind, "dumb") == 0);
}

void output_init(struct output *output, FILE *stream, enum output_colours colours) {
        struct winsize size;
        *output = (struct output) { .stream = stream, .terminal = isatty(fileno(stream)) == 1 };
        output->colours = colours == OUTPUT_COLOURS_ALWAYS || (colours == OUTPUT_COLOURS_AUTO && wants_colours(output));
        if (output->terminal)
                output->columns = ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                                                   : COLUMNS_DEFAULT;
}

static bool is_control(unsigned char byte) {
        return byte < 0x20 || byte == 0x7f;
}

/* U+0080 to U+009F steer terminals too. */
static bool is_c1(struct slice bytes, size_t length) {
        return length == 2 && (unsigned char) bytes.data[0] == 0xc2 && (unsigned char) bytes.data[1] < 0xa0;
}

void output_append_safe(struct text *text, struct slice bytes, const char *newline) {
        while (bytes.length > 0) {
                unsigned char byte = (unsigned char) *bytes.data;
                size_t length = 1;
                if (byte == '\n')
                        text_append_string(text, newline);
                else if (byte == '\t')
                        text_append_char(text, '\t');
                else if (is_control(byte))
                        text_printf(text, "\\x%02x", byte);
                else if (!utf8_next(bytes, &length) || is_c1(bytes, length))
                        text_append_string(text, "\xEF\xBF\xBD");
                else
                        text_append(text, (struct slice) { bytes.data, length });
                bytes = slice_from(bytes, length);
        }
}

/* The style ends before a line feed at the end. */
static void write_styled(const struct output *output, enum output_style style, struct slice words) {
        size_t length = words.length;
        while (length > 0 && words.data[length - 1] == '\n')
                length--;
        bool styled = output->colours && style != OUTPUT_PLAIN && length > 0;
        if (styled)
                fputs(style_codes[style], output->stream);
        fwrite(words.data, 1, length, output->stream);
        if (styled)
                fputs("\033[0m", output->stream);
        fwrite(words.data + length, 1, words.length - length, output->stream);
}

static void append_formatted(struct text *text, const char *format, va_list arguments)
                __attribute__((format(printf, 2, 0)));
static void append_formatted(struct text *text, const char *format, va_list arguments) {
        char *words = NULL;
        int length = vasprintf(&words, format, arguments);
        if (length >= 0) {
                output_append_safe(text, (struct slice) { words, (size_t) length }, "\n");
                free(words);
        } else
                text->failed = true;
}

void output_print(struct output *output, enum output_style style, const char *format, ...) {
        _cleanup_text_ struct text text = TEXT_INIT;
        va_list arguments;
        va_start(arguments, format);
        append_formatted(&text, format, arguments);
        va_end(arguments);
        if (text.data)
                write_styled(output, style, (struct slice) { text.data, text.length });
}

/* Code points, which is the width of nearly everything that is printed here. */
static size_t width_of(struct slice words) {
        size_t width = 0;
        for (size_t i = 0; i < words.length; i++)
                width += ((unsigned char) words.data[i] & 0xc0) != 0x80;
        return width;
}

void output_wrap(struct output *output, unsigned indent, const char *words) {
        unsigned edge = output->columns > 0 ? MIN_OF(output->columns, (unsigned) COLUMNS_READABLE) : COLUMNS_DEFAULT;
        size_t column = 0;
        while (*words) {
                struct slice word = { words, strcspn(words, " \n") };
                size_t width = width_of(word);
                if (column > 0 && column + 1 + width > edge) {
                        fputc('\n', output->stream);
                        column = 0;
                }
                if (word.length > 0) {
                        fprintf(output->stream, "%*s", column == 0 ? (int) indent : 1, "");
                        output_print(output, OUTPUT_PLAIN, "%.*s", SLICE_PRINTF(word));
                        column = (column == 0 ? indent : column + 1) + width;
                }
                words += word.length;
                if (*words == '\n') {
                        fputc('\n', output->stream);
                        column = 0;
                }
                words += *words != '\0';
        }
        if (column > 0)
                fputc('\n', output->stream);
}

static void print_json(struct output *output, struct json_object *object, int flags) {
        const char *words = object ? json_object_to_json_string_ext(object, flags | JSON_C_TO_STRING_NOSLASHESCAPE)
                                   : "null";
        fprintf(output->stream, "%s\n", words);
        json_object_put(object);
}

void output_json(struct output *output, struct json_object *object) {
        print_json(output, object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
}

void output_json_line(struct output *output, struct json_object *object) {
        print_json(output, object, JSON_C_TO_STRING_PLAIN);
}

struct json_object *output_json_slice(struct slice bytes) {
        _cleanup_text_ struct text text = TEXT_INIT;
        while (bytes.length > 0) {
                size_t length;
                if (utf8_next(bytes, &length))
                        text_append(&text, (struct slice) { bytes.data, length });
                else
                        text_append_string(&text, "\xEF\xBF\xBD");
                bytes = slice_from(bytes, length);
        }
        return json_object_new_string_len(text.data ? text.data : "", (int) text.length);
}

const char *output_format_time(int64_t seconds, char buffer[OUTPUT_TIME_SIZE]) {
        struct tm parts;
        time_t time = (time_t) seconds;
        if (seconds <= 0 || !localtime_r(&time, &parts) || strftime(buffer, OUTPUT_TIME_SIZE, "%F %T", &parts) == 0)
                return "-";
        return buffer;
}

struct json_object *output_json_string(const char *string) {
        return string ? output_json_slice(slice_of(string)) : NULL;
}

void output_table_add(struct output_table *table, enum output_style style, const char *format, ...) {
        struct output_cell *larger = reallocarray(table->cells, table->count + 1, sizeof(*larger));
        if (!larger) {
                table->failed = true;
                return;
        }
        table->cells = larger;
        struct output_cell *cell = &table->cells[table->count++];
        *cell = (struct output_cell) { TEXT_INIT, style };
        va_list arguments;
        va_start(arguments, format);
        append_formatted(&cell->text, format, arguments);
        va_end(arguments);
}

static struct slice cell_words(const struct output_cell *cell) {
        return (struct slice) { cell->text.data ? cell->text.data : "", cell->text.length };
}

static size_t column_width(const struct output_table *table, size_t column) {
        size_t width = 0;
        for (size_t i = column; i < table->count; i += table->columns)
                width = MAX_OF(width, width_of(cell_words(&table->cells[i])));
        return width;
}

/* The front of the words that is at most `width` wide. */
static struct slice cut(struct slice words, size_t width) {
        size_t length = 0;
        for (; length < words.length; length++) {
                bool starts = ((unsigned char) words.data[length] & 0xc0) != 0x80;
                if (starts && width == 0)
                        break;
                width -= starts;
        }
        return (struct slice) { words.data, length };
}

/* The whole words at the front that are at most `width` wide together; a longer word stands alone. */
static struct slice whole_words(struct slice words, size_t width) {
        struct slice line = cut(words, width);
        if (line.length == words.length)
                return line;
        while (line.length > 0 && words.data[line.length] != ' ')
                line.length--;
        if (line.length == 0)
                line.length = strcspn(words.data, " ");
        return line;
}

static void write_wrapped(const struct output *output, enum output_style style, struct slice words, size_t left) {
        for (;;) {
                struct slice line = whole_words(words, output->columns - left);
                write_styled(output, style, line);
                words = slice_from(words, line.length);
                while (words.length > 0 && *words.data == ' ')
                        words = slice_from(words, 1);
                if (words.length == 0)
                        return;
                fprintf(output->stream, "\n%*s", (int) left, "");
        }
}

static void write_last_cell(const struct output *output, const struct output_table *table, enum output_style style,
                            struct slice words, size_t left) {
        if (table->wraps && output->columns >= left + COLUMNS_NARROW)
                write_wrapped(output, style, words, left);
        else if (!table->wraps && output->columns > left + 1)
                write_styled(output, style, cut(words, output->columns - left));
        else
                write_styled(output, style, words);
        fputc('\n', output->stream);
}

void output_table_print(struct output *output, const struct output_table *table) {
        size_t left = 0; /* where the cell begins */
        for (size_t i = 0; i < table->count && !table->failed; i++) {
                const struct output_cell *cell = &table->cells[i];
                struct slice words = cell_words(cell);
                size_t column = i % table->columns;
                if (column == 0)
                        left = 0;
                if (column + 1 < table->columns) {
                        size_t width = column_width(table, column);
                        write_styled(output, cell->style, words);
                        fprintf(output->stream, "%*s", (int) (width - width_of(words) + 2), "");
                        left += width + 2;
                        continue;
                }
                write_last_cell(output, table, cell->style, words, left);
        }
}

void output_table_done(struct output_table *table) {
        if (!table)
                return;
        for (size_t i = 0; i < table->count; i++)
                text_done(&table->cells[i].text);
        free(table->cells);
        table->cells = NULL;
        table->count = 0;
}
