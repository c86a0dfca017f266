/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP dates without the C library's calendar, which knows locales and time zones. Days are counted in the proleptic
 * Gregorian calendar from 1 March of year 0, so that a leap day is the last of its year. */
#include "http/date.h"

#include <errno.h>
#include <stdint.h>

#include "http/byte_class.h"
#include "shared/syscall.h"

#define DAYS_TO_1970 719468 /* from 0000-03-01 */
#define DAYS_PER_ERA 146097 /* 400 years */
#define SECONDS_PER_DAY 86400
#define FIRST_SECOND -62167219200 /* 0000-01-01 00:00:00 */
#define LAST_SECOND 253402300799  /* 9999-12-31 23:59:59 */

static const char week_days[7][10] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
static const char months[12][4] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};

struct date {
        int year, month, day; /* month 0 to 11 */
        int hour, minute, second;
};

static int64_t days_from_date(int year, int month, int day) {
        int64_t from_march = (month + 10) % 12;
        int64_t shifted = year - (month < 2) + 400; /* positive for every year of four digits */
        int64_t era = shifted / 400, year_of_era = shifted % 400;
        int64_t day_of_year = (153 * from_march + 2) / 5 + day - 1;
        int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        return (era - 1) * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

static void date_from_days(int64_t days, struct date *ret_date) {
        int64_t shifted = days + DAYS_TO_1970 + DAYS_PER_ERA;
        int64_t era = shifted / DAYS_PER_ERA, day_of_era = shifted % DAYS_PER_ERA;
        int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        int64_t from_march = (5 * day_of_year + 2) / 153;

        ret_date->day = (int) (day_of_year - (153 * from_march + 2) / 5 + 1);
        ret_date->month = (int) ((from_march + 2) % 12);
        ret_date->year = (int) (year_of_era + (era - 1) * 400 + (ret_date->month < 2));
}

static int days_of_month(int year, int month) {
        static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        return days[month] + (month == 1 && is_leap);
}

static char *put_number(char *at, int number, int digits) {
        for (int i = digits - 1; i >= 0; i--) {
                at[i] = (char) ('0' + number % 10);
                number /= 10;
        }
        return at + digits;
}

static char *put_text(char *at, const char *text, size_t length) {
        memcpy(at, text, length);
        return at + length;
}

void http_date_format(time_t when, char *ret_text) {
        int64_t seconds = MAX_OF((int64_t) when, (int64_t) FIRST_SECOND);
        seconds = MIN_OF(seconds, (int64_t) LAST_SECOND);
        int64_t days = seconds / SECONDS_PER_DAY, rest = seconds % SECONDS_PER_DAY;
        if (rest < 0) {
                rest += SECONDS_PER_DAY;
                days--;
        }
        struct date date;
        date_from_days(days, &date);
        int64_t week_day = (days % 7 + 7 + 4) % 7; /* 1970-01-01 was a Thursday */

        char *at = put_text(ret_text, week_days[week_day], 3);
        at = put_text(at, ", ", 2);
        at = put_number(at, date.day, 2);
        at = put_text(at, " ", 1);
        at = put_text(at, months[date.month], 3);
        at = put_text(at, " ", 1);
        at = put_number(at, date.year, 4);
        at = put_text(at, " ", 1);
        at = put_number(at, (int) (rest / 3600), 2);
        at = put_text(at, ":", 1);
        at = put_number(at, (int) (rest / 60 % 60), 2);
        at = put_text(at, ":", 1);
        at = put_number(at, (int) (rest % 60), 2);
        (void) put_text(at, " GMT", 4);
}

/* Each take_ function takes its part off the front of `text`; false when it is not there. */
static bool take_text(struct slice *text, const char *expected) {
        struct slice prefix = slice_of(expected);
        if (!slice_starts_with(*text, prefix))
                return false;
        *text = slice_from(*text, prefix.length);
        return true;
}

static bool take_number(struct slice *text, size_t digits, int *ret_number) {
        int number = 0;
        if (text->length < digits)
                return false;
        for (size_t i = 0; i < digits; i++) {
                if (!http_byte_is_digit(text->data[i]))
                        return false;
                number = number * 10 + (text->data[i] - '0');
        }
        *ret_number = number;
        *text = slice_from(*text, digits);
        return true;
}

static bool take_month(struct slice *text, int *ret_month) {
        for (int month = 0; month < 12; month++)
                if (take_text(text, months[month])) {
                        *ret_month = month;
                        return true;
                }
        return false;
}

static bool take_time(struct slice *text, struct date *date) {
        return take_number(text, 2, &date->hour) && take_text(text, ":") && take_number(text, 2, &date->minute) &&
               take_text(text, ":") && take_number(text, 2, &date->second);
}

/* Whether the text begins with the name of a day, whole or of three letters. That it is the right day is not asked: the
 * name adds nothing, and people who write dates by hand get it wrong. */
static bool take_week_day(struct slice *text, bool *ret_is_whole) {
        for (size_t i = 0; i < ELEMENTS_OF(week_days); i++) {
                if (take_text(text, week_days[i])) {
                        *ret_is_whole = true;
                        return true;
                }
                struct slice abbreviation = { week_days[i], 3 };
                if (slice_starts_with(*text, abbreviation)) {
                        *text = slice_from(*text, 3);
                        *ret_is_whole = false;
                        return true;
                }
        }
        return false;
}

/* " 06 Nov 1994 08:49:37 GMT" */
static bool take_fixdate(struct slice *text, struct date *date) {
        return take_text(text, " ") && take_number(text, 2, &date->day) && take_text(text, " ") &&
               take_month(text, &date->month) && take_text(text, " ") && take_number(text, 4, &date->year) &&
               take_text(text, " ") && take_time(text, date) && take_text(text, " GMT");
}

/* " 06-Nov-94 08:49:37 GMT"; leaves two digits in date->year. */
static bool take_rfc850(struct slice *text, struct date *date) {
        return take_text(text, " ") && take_number(text, 2, &date->day) && take_text(text, "-") &&
               take_month(text, &date->month) && take_text(text, "-") && take_number(text, 2, &date->year) &&
               take_text(text, " ") && take_time(text, date) && take_text(text, " GMT");
}

/* " Nov  6 08:49:37 1994" */
static bool take_asctime(struct slice *text, struct date *date) {
        if (!take_text(text, " ") || !take_month(text, &date->month) || !take_text(text, " "))
                return false;
        size_t digits = take_text(text, " ") ? 1 : 2;
        return take_number(text, digits, &date->day) && take_text(text, " ") && take_time(text, date) &&
               take_text(text, " ") && take_number(text, 4, &date->year);
}

/* A second of 60 is a leap second (RFC 5322 section 3.3), and is the first of the next minute. */
static int64_t seconds_from_date(const struct date *date) {
        return days_from_date(date->year, date->month, date->day) * SECONDS_PER_DAY + date->hour * 3600 +
               date->minute * 60 + date->second;
}

static bool is_valid(const struct date *date) {
        return date->day >= 1 && date->day <= days_of_month(date->year, date->month) && date->hour < 24 &&
               date->minute < 60 && date->second <= 60;
}

/* The latest year with these last two digits in which the date is at most 50 years after `now`. */
static int whole_year(const struct date *date, time_t now) {
        struct date today, candidate = *date;
        date_from_days((int64_t) now / SECONDS_PER_DAY, &today);
        int latest = today.year + 50;
        candidate.year = latest - (latest - date->year) % 100;
        int64_t horizon = (int64_t) now + (days_from_date(latest, today.month, today.day) -
                                           days_from_date(today.year, today.month, today.day)) *
                                                          SECONDS_PER_DAY;
        return seconds_from_date(&candidate) > horizon ? candidate.year - 100 : candidate.year;
}

int http_date_parse(struct slice text, time_t now, time_t *ret_when) {
        struct date date;
        bool is_whole;
        if (!take_week_day(&text, &is_whole))
                return -EINVAL;

        bool has_comma = take_text(&text, ",");
        if (is_whole) {
                if (!has_comma || !take_rfc850(&text, &date))
                        return -EINVAL;
                date.year = whole_year(&date, now);
        } else if (has_comma ? !take_fixdate(&text, &date) : !take_asctime(&text, &date))
                return -EINVAL;
        if (text.length || !is_valid(&date))
                return -EINVAL;
        *ret_when = (time_t) seconds_from_date(&date);
        return 0;
}
