/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "shared/error.h"
#include "shared/slice.h"
#include "shared/text.h"

/*
 * What is printed for people, and JSON for programs. Text that comes from elsewhere (a journal, a daemon) goes through
 * the functions here: they let no control character through, with which it could steer a terminal.
 */
enum output_style {
        OUTPUT_PLAIN,
        OUTPUT_STRONG,
        OUTPUT_FAINT,
        OUTPUT_GOOD,
        OUTPUT_WARNING,
        OUTPUT_BAD,
};

struct output {
        FILE *stream;
        bool terminal, colours;
        unsigned columns; /* of the terminal; 0: none, nothing is cut */
};

enum output_colours {
        OUTPUT_COLOURS_AUTO, /* on a terminal, unless NO_COLOR is set or TERM is "dumb" */
        OUTPUT_COLOURS_ALWAYS,
        OUTPUT_COLOURS_NEVER,
};

void output_init(struct output *output, FILE *stream, enum output_colours colours);

/* Line feeds pass in `format`'s own text and in what it brings in. */
void output_print(struct output *output, enum output_style style, const char *format, ...)
                __attribute__((format(printf, 3, 4)));

/* Appends bytes with control characters and what is not UTF-8 made visible; line feeds become `newline`. */
void output_append_safe(struct text *text, struct slice bytes, const char *newline);

/* Prints the words wrapped, each line behind `indent` spaces. */
void output_wrap(struct output *output, unsigned indent, const char *words);

/* Prints the object, and gives up the caller's reference of it. */
void output_json(struct output *output, struct json_object *object);

/* The same on one line, for streams of objects. */
void output_json_line(struct output *output, struct json_object *object);

/* Cells are added row by row; a column is as wide as its widest cell. What the last column has beyond the terminal's edge
 * is cut off, or goes on in further lines. */
struct output_table {
        size_t columns;
        bool wraps;
        struct output_cell {
                struct text text;
                enum output_style style;
        } * cells;
        size_t count;
        bool failed;
};

void output_table_add(struct output_table *table, enum output_style style, const char *format, ...)
                __attribute__((format(printf, 3, 4)));
void output_table_print(struct output *output, const struct output_table *table);
void output_table_done(struct output_table *table);
#define _cleanup_output_table_ _cleanup_(output_table_done)

/* Seconds since the epoch as local time, "2026-05-01 18:30:00"; "-" for 0 and less. */
#define OUTPUT_TIME_SIZE 32
const char *output_format_time(int64_t seconds, char buffer[OUTPUT_TIME_SIZE]);

/* A NULL string becomes JSON's null; bytes that are not UTF-8 become U+FFFD. */
struct json_object *output_json_string(const char *string);
struct json_object *output_json_slice(struct slice bytes);
