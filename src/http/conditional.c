/* SPDX-License-Identifier: Apache-2.0 */
/* Conditional requests in the order of RFC 9110 section 13.2.2. A field that is malformed never makes an answer lighter
 * than it would be without it: the whole is sent, or the precondition counts as failed. */
#include "http/conditional.h"

#include <errno.h>

#include "http/date.h"

struct etag {
        struct slice opaque; /* with its quotes */
        bool is_weak;
};

/* Takes one entity tag off the front: [ "W/" ] DQUOTE *etagc DQUOTE. There are no escapes in it, and a comma does not end
 * it, so that http_list_next would not do. */
static bool take_etag(struct slice *text, struct etag *ret_etag) {
        bool is_weak = slice_starts_with(*text, SLICE_LITERAL("W/"));
        struct slice rest = is_weak ? slice_from(*text, 2) : *text;
        if (rest.length < 2 || rest.data[0] != '"')
                return false;
        size_t length = 1;
        while (length < rest.length && (unsigned char) rest.data[length] > ' ' && rest.data[length] != '"' &&
               rest.data[length] != 0x7f)
                length++;
        if (length == rest.length || rest.data[length] != '"')
                return false;
        *ret_etag = (struct etag) { .opaque = { rest.data, length + 1 }, .is_weak = is_weak };
        *text = slice_from(rest, length + 1);
        return true;
}

/* The next tag of a list; false at its end, or where it is malformed. */
static bool take_listed_etag(struct slice *list, struct etag *ret_etag) {
        *list = slice_trim(*list);
        while (list->length && list->data[0] == ',')
                *list = slice_trim(slice_from(*list, 1));
        if (!take_etag(list, ret_etag))
                return false;
        *list = slice_trim(*list);
        return list->length == 0 || list->data[0] == ',';
}

bool http_etag_matches(struct slice list, struct slice etag, bool weak) {
        struct etag ours, theirs;
        if (!take_etag(&etag, &ours) || etag.length || (!weak && ours.is_weak))
                return false;
        while (take_listed_etag(&list, &theirs))
                if ((weak || !theirs.is_weak) && slice_equal(ours.opaque, theirs.opaque))
                        return true;
        return false;
}

static bool list_matches(struct slice list, const struct http_validators *validators, bool weak) {
        bool matches = http_etag_matches(list, validators->etag, weak);
        for (size_t i = 0; i < validators->other_count && !matches; i++)
                matches = http_etag_matches(list, validators->others[i], weak);
        return matches;
}

/* Whether If-Match or If-None-Match names what is there: "*", or a tag in any of the field's lines. */
static bool field_matches(const struct http_fields *fields, enum http_field_id id,
                          const struct http_validators *validators, bool weak) {
        if (!http_fields_is_repeated(fields, id) && slice_equal_text(http_fields_get(fields, id), "*"))
                return validators->exists;
        for (unsigned at = fields->first[id]; at; at = fields->items[at - 1].next)
                if (list_matches(fields->items[at - 1].value, validators, weak))
                        return true;
        return false;
}

/* The date of a field that is there exactly once. */
static bool field_date(const struct http_fields *fields, enum http_field_id id, time_t now, time_t *ret_date) {
        return http_fields_has(fields, id) && !http_fields_is_repeated(fields, id) &&
               http_date_parse(http_fields_get(fields, id), now, ret_date) >= 0;
}

enum http_condition http_condition_evaluate(const struct http_fields *fields, enum http_method method,
                                            const struct http_validators *validators, time_t now) {
        bool is_read = method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD;
        time_t date;

        if (http_fields_has(fields, HTTP_FIELD_IF_MATCH)) {
                if (!field_matches(fields, HTTP_FIELD_IF_MATCH, validators, false))
                        return HTTP_CONDITION_FAILED;
        } else if (validators->modified && field_date(fields, HTTP_FIELD_IF_UNMODIFIED_SINCE, now, &date) &&
                   validators->modified > date)
                return HTTP_CONDITION_FAILED;

        if (http_fields_has(fields, HTTP_FIELD_IF_NONE_MATCH)) {
                if (field_matches(fields, HTTP_FIELD_IF_NONE_MATCH, validators, true))
                        return is_read ? HTTP_CONDITION_NOT_MODIFIED : HTTP_CONDITION_FAILED;
        } else if (is_read && validators->modified && field_date(fields, HTTP_FIELD_IF_MODIFIED_SINCE, now, &date) &&
                   validators->modified <= date)
                return HTTP_CONDITION_NOT_MODIFIED;
        return HTTP_CONDITION_PROCEED;
}

bool http_condition_range_applies(const struct http_fields *fields, const struct http_validators *validators,
                                  time_t now) {
        time_t date;
        struct slice value = http_fields_get(fields, HTTP_FIELD_IF_RANGE);
        struct slice rest = value;
        struct etag etag;
        if (!http_fields_has(fields, HTTP_FIELD_IF_RANGE))
                return true;
        if (http_fields_is_repeated(fields, HTTP_FIELD_IF_RANGE))
                return false;
        if (take_etag(&rest, &etag))
                return rest.length == 0 && http_etag_matches(value, validators->etag, false);

        /* A date is strong only when its second is over, because no later change can then bear the same date (RFC 9110
         * section 8.8.2.2). */
        return validators->modified && validators->modified < now &&
               field_date(fields, HTTP_FIELD_IF_RANGE, now, &date) && date == validators->modified;
}
