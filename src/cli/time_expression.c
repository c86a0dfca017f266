/* SPDX-License-Identifier: Apache-2.0 */
/* Reads moments. Nothing is guessed: what is no complete moment is refused. */
#include "cli/time_expression.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "shared/quantity.h"
#include "shared/slice.h"

#define USEC_PER_SECOND INT64_C(1000000)
#define YEAR_MAX 9999

static struct tm local_parts(int64_t usec) {
        struct tm parts = { 0 };
        time_t seconds = (time_t) (usec / USEC_PER_SECOND);
        (void) localtime_r(&seconds, &parts);
        return parts;
}

/* Makes the parts regular, too. */
static int64_t moment_of(struct tm *parts, bool utc) {
        parts->tm_isdst = -1;
        return (int64_t) (utc ? timegm(parts) : mktime(parts)) * USEC_PER_SECOND;
}

static int64_t midnight(int64_t now, int days) {
        struct tm parts = local_parts(now);
        parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
        parts.tm_mday += days;
        return moment_of(&parts, false);
}

static bool parse_word(const char *text, int64_t now, int64_t *ret_usec) {
        static const char *const words[] = { "yesterday", "today", "tomorrow" };
        if (strcmp(text, "now") == 0) {
                *ret_usec = now;
                return true;
        }
        for (int i = 0; i < 3; i++)
                if (strcmp(text, words[i]) == 0) {
                        *ret_usec = midnight(now, i - 1);
                        return true;
                }
        return false;
}

/* Exactly `digits` of them. */
static const char *take_number(const char *text, unsigned digits, int minimum, int maximum, int *ret_number) {
        int number = 0;
        for (unsigned i = 0; i < digits; i++, text++) {
                if (*text < '0' || *text > '9')
                        return NULL;
                number = 10 * number + (*text - '0');
        }
        if (number < minimum || number > maximum)
                return NULL;
        *ret_number = number;
        return text;
}

static const char *take_date(const char *text, struct tm *parts) {
        int year, month, day;
        text = take_number(text, 4, 1970, YEAR_MAX, &year);
        text = text && *text == '-' ? take_number(text + 1, 2, 1, 12, &month) : NULL;
        text = text && *text == '-' ? take_number(text + 1, 2, 1, 31, &day) : NULL;
        if (!text)
                return NULL;
        parts->tm_year = year - 1900;
        parts->tm_mon = month - 1;
        parts->tm_mday = day;
        return text;
}

static const char *take_clock(const char *text, struct tm *parts) {
        int hour, minute, second = 0;
        text = take_number(text, 2, 0, 23, &hour);
        text = text && *text == ':' ? take_number(text + 1, 2, 0, 59, &minute) : NULL;
        if (text && *text == ':')
                text = take_number(text + 1, 2, 0, 59, &second);
        if (!text)
                return NULL;
        parts->tm_hour = hour;
        parts->tm_min = minute;
        parts->tm_sec = second;
        return text;
}

static bool parse_calendar(const char *text, int64_t now, int64_t *ret_usec) {
        struct tm parts = local_parts(now);
        parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
        const char *rest = take_date(text, &parts);
        int day = parts.tm_mday;
        if (!rest)
                rest = take_clock(text, &parts);
        else if (*rest == ' ' || *rest == 'T')
                rest = take_clock(rest + 1, &parts);
        bool utc = rest && strcmp(rest, "Z") == 0;
        if (!rest || (*rest && !utc))
                return false;
        int64_t usec = moment_of(&parts, utc);
        if (parts.tm_mday != day)
                return false; /* 31 February */
        *ret_usec = usec;
        return true;
}

static bool parse_epoch(const char *text, int64_t *ret_usec) {
        int64_t seconds = 0;
        if (*text != '@' || !text[1])
                return false;
        for (text++; *text; text++) {
                if (*text < '0' || *text > '9' || seconds > INT64_MAX / USEC_PER_SECOND / 10 - 1)
                        return false;
                seconds = 10 * seconds + (*text - '0');
        }
        *ret_usec = seconds * USEC_PER_SECOND;
        return true;
}

static bool parse_span(const char *text, int64_t now, int64_t *ret_usec) {
        struct slice span = slice_of(text);
        uint64_t usec;
        bool ahead = *text == '+';
        if (*text == '+' || *text == '-')
                span = slice_from(span, 1);
        else if (slice_ends_with(span, SLICE_LITERAL(" ago")))
                span.length -= strlen(" ago");
        if (quantity_parse_span(span, &usec) < 0 || usec > (uint64_t) now)
                return false;
        *ret_usec = ahead ? now + (int64_t) usec : now - (int64_t) usec;
        return true;
}

int time_expression_parse(const char *text, int64_t now, struct error *error, int64_t *ret_usec) {
        if (parse_word(text, now, ret_usec) || parse_epoch(text, ret_usec) || parse_calendar(text, now, ret_usec) ||
            parse_span(text, now, ret_usec))
                return 0;
        return error_set(error, -EINVAL,
                         "'%s' is no moment; write for example 2026-05-01, \"2026-05-01 18:30\", 18:30, today, "
                         "yesterday, 15min or \"2h ago\"",
                         text);
}
