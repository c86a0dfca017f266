/* SPDX-License-Identifier: Apache-2.0 */
/* Fields and what is read from their values: lists, entity tags, conditions, accepted codings, dates. The input is lines
 * of "Name: value". */
#include <errno.h>

#include "fuzz.h"
#include "http/conditional.h"
#include "http/date.h"
#include "http/negotiate.h"
#include "shared/syscall.h"

#define FIELDS_MAX 64
#define NOW 1767225600 /* 2026-01-01 */
#define MODIFIED 784111777

static const struct http_validators validators[] = {
        { SLICE_LITERAL("\"a\""), MODIFIED, true },
        { SLICE_LITERAL("W/\"a\""), MODIFIED, true },
        { { NULL, 0 }, 0, true },
        { { NULL, 0 }, 0, false },
};

static void fill(struct slice text, struct http_fields *fields) {
        while (text.length) {
                const char *line_feed = memchr(text.data, '\n', text.length);
                size_t length = line_feed ? (size_t) (line_feed - text.data) : text.length;
                struct slice line = { text.data, length };
                const char *colon = length ? memchr(line.data, ':', length) : NULL;
                text = slice_from(text, line_feed ? length + 1 : length);
                if (!colon)
                        continue;
                struct slice name = { line.data, (size_t) (colon - line.data) };
                struct slice value = slice_trim(slice_from(line, name.length + 1));
                if (http_fields_add(fields, http_field_id_from_name(name), name, value) < 0)
                        return;
        }
}

static void check_name(const struct http_fields *fields, struct slice name) {
        enum http_field_id id = HTTP_FIELD_OTHER;
        for (int i = 1; i < HTTP_FIELD_COUNT; i++)
                if (slice_equal_nocase(name, http_field_name((enum http_field_id) i)))
                        id = (enum http_field_id) i;
        require(http_field_id_from_name(name) == id);

        unsigned first = 0;
        while (!slice_equal_nocase(fields->items[first].name, name))
                first++;
        require(http_fields_find(fields, name).data == fields->items[first].value.data);
}

static void check_list(const struct http_fields *fields, const struct http_field *field) {
        struct slice list = field->value, element;
        const char *at = field->value.data;
        while (http_list_next(&list, &element)) {
                require(lies_within(element, field->value.data, field->value.length) && element.data >= at);
                require(element.length > 0 && slice_equal(slice_trim(element), element));
                at = element.data + element.length;
                if (field->id != HTTP_FIELD_OTHER)
                        require(http_fields_list_has(fields, field->id, element));
        }
}

static void check_date(struct slice value) {
        time_t when, again;
        char text[HTTP_DATE_LENGTH];
        if (http_date_parse(value, NOW, &when) < 0)
                return;
        http_date_format(when, text);
        struct slice written = { text, sizeof(text) };
        bool is_past_the_end = when > 253402300799; /* the leap second of 9999 */
        require(http_date_parse(written, NOW, &again) == 0 && (again == when || is_past_the_end));
        if (value.length == sizeof(text) && value.data[23] != '6') /* the form that is written, and no leap second */
                require(memcmp(value.data + 3, text + 3, sizeof(text) - 3) == 0);
}

static void check_tags(struct slice list) {
        for (size_t i = 0; i < ELEMENTS_OF(validators); i++) {
                bool strongly = http_etag_matches(list, validators[i].etag, false);
                bool weakly = http_etag_matches(list, validators[i].etag, true);
                require(weakly || !strongly);
                if (weakly)
                        require(memmem(list.data, list.length, "\"a\"", 3));
        }
}

static void check_conditions(const struct http_fields *fields) {
        for (size_t i = 0; i < ELEMENTS_OF(validators); i++) {
                enum http_condition get = http_condition_evaluate(fields, HTTP_METHOD_GET, &validators[i], NOW);
                enum http_condition head = http_condition_evaluate(fields, HTTP_METHOD_HEAD, &validators[i], NOW);
                enum http_condition put = http_condition_evaluate(fields, HTTP_METHOD_PUT, &validators[i], NOW);
                require(get == head && put != HTTP_CONDITION_NOT_MODIFIED);
                require(get != HTTP_CONDITION_FAILED || put == HTTP_CONDITION_FAILED);
                if (!http_fields_has(fields, HTTP_FIELD_IF_MATCH) &&
                    !http_fields_has(fields, HTTP_FIELD_IF_UNMODIFIED_SINCE))
                        require(get != HTTP_CONDITION_FAILED);
                bool applies = http_condition_range_applies(fields, &validators[i], NOW);
                require(applies || http_fields_has(fields, HTTP_FIELD_IF_RANGE));
        }
}

static void check_codings(struct slice value) {
        static const enum http_coding preference[] = { HTTP_CODING_BROTLI, HTTP_CODING_ZSTD, HTTP_CODING_GZIP };
        struct http_accept_encoding accept;
        http_accept_encoding_parse(value, &accept);
        for (size_t i = 0; i < ELEMENTS_OF(accept.weight); i++)
                require(accept.weight[i] <= 1000);
        for (unsigned available = 0; available < 1 << HTTP_CODING_COUNT; available++) {
                enum http_coding coding = http_coding_choose(&accept, available, preference, ELEMENTS_OF(preference));
                if (coding == HTTP_CODING_IDENTITY)
                        continue;
                unsigned weight = accept.weight[1 + __builtin_ctz(coding)];
                require((available & coding) && weight > 0 && weight >= accept.weight[0]);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
        static const char *const patterns[] = { "text/", "+json", "application/javascript" };
        struct http_field items[FIELDS_MAX];
        struct http_fields fields;
        http_fields_init(&fields, items, FIELDS_MAX);
        fill((struct slice) { (const char *) data, length }, &fields);
        for (unsigned i = 0; i < fields.count; i++) {
                check_name(&fields, items[i].name);
                check_list(&fields, &items[i]);
                check_date(items[i].value);
                check_tags(items[i].value);
                check_codings(items[i].value);
                (void) http_media_type_in(items[i].value, patterns, ELEMENTS_OF(patterns));
        }
        check_conditions(&fields);
        return 0;
}
