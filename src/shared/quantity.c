/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes numbers with units. Both kinds are read by one function from a table of unit names; a sum is kept
 * below QUANTITY_LIMIT in integers, so that no rounding and no wrapping can occur. */
#include "shared/quantity.h"

#define QUANTITY_LIMIT (UINT64_C(1) << 63)
#define FRACTION_DIGITS_MAX 18 /* more than any unit needs; 10^18 fits in 64 bits */

#define MILLISECOND UINT64_C(1000)
#define SECOND (1000 * MILLISECOND)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)
#define MONTH (2629800 * SECOND) /* 30.44 days, and */
#define YEAR (31557600 * SECOND) /* 365.25 days, as in systemd.time(7) */

#define KIBIBYTE UINT64_C(1024)
#define MEBIBYTE (1024 * KIBIBYTE)
#define GIBIBYTE (1024 * MEBIBYTE)
#define TEBIBYTE (1024 * GIBIBYTE)

struct unit {
        const char *name;
        uint64_t factor;
};

/* The first of each factor is the one that is written. */
static const struct unit span_units[] = {
        { "w", WEEK },      { "week", WEEK },     { "weeks", WEEK },     { "d", DAY },          { "day", DAY },
        { "days", DAY },    { "h", HOUR },        { "hr", HOUR },        { "hour", HOUR },      { "hours", HOUR },
        { "min", MINUTE },  { "m", MINUTE },      { "minute", MINUTE },  { "minutes", MINUTE }, { "s", SECOND },
        { "sec", SECOND },  { "second", SECOND }, { "seconds", SECOND }, { "ms", MILLISECOND }, { "msec", MILLISECOND },
        { "us", 1 },        { "usec", 1 },        { "\xC2\xB5s", 1 },    { "\xCE\xBCs", 1 }, /* micro sign, Greek mu */
        { "month", MONTH }, { "months", MONTH },  { "M", MONTH },        { "y", YEAR },         { "year", YEAR },
        { "years", YEAR },
};

static const struct unit size_units[] = {
        { "T", TEBIBYTE },   { "TiB", TEBIBYTE }, { "TB", TEBIBYTE },  { "G", GIBIBYTE },  { "GiB", GIBIBYTE },
        { "GB", GIBIBYTE },  { "M", MEBIBYTE },   { "MiB", MEBIBYTE }, { "MB", MEBIBYTE }, { "K", KIBIBYTE },
        { "KiB", KIBIBYTE }, { "KB", KIBIBYTE },  { "B", 1 },
};

static bool is_digit(char byte) {
        return byte >= '0' && byte <= '9';
}

/* Takes the bytes at the front that are of the kind asked for. */
static struct slice take_run(struct slice *text, bool (*belongs)(char byte)) {
        size_t length = 0;
        while (length < text->length && belongs(text->data[length]))
                length++;
        struct slice run = { text->data, length };
        *text = slice_from(*text, length);
        return run;
}

static bool is_unit_letter(char byte) {
        return (unsigned char) ((byte | 0x20) - 'a') <= 'z' - 'a' || (unsigned char) byte >= 0x80;
}

static const struct unit *find_unit(const struct unit *units, size_t count, struct slice name) {
        for (size_t i = 0; i < count; i++)
                if (slice_equal_text(name, units[i].name))
                        return &units[i];
        return NULL;
}

/* whole.fraction times factor. -ERANGE from QUANTITY_LIMIT on. */
static int multiply(struct slice whole, struct slice fraction, uint64_t factor, uint64_t *ret_product) {
        uint64_t number = 0;
        for (size_t i = 0; i < whole.length; i++)
                if (__builtin_mul_overflow(number, 10, &number) ||
                    __builtin_add_overflow(number, (uint64_t) (whole.data[i] - '0'), &number))
                        return -ERANGE;
        if (__builtin_mul_overflow(number, factor, &number))
                return -ERANGE;

        uint64_t numerator = 0, denominator = 1;
        for (size_t i = 0; i < fraction.length && i < FRACTION_DIGITS_MAX; i++) {
                numerator = numerator * 10 + (uint64_t) (fraction.data[i] - '0');
                denominator *= 10;
        }
        uint64_t part = (uint64_t) ((unsigned __int128) factor * numerator / denominator);
        if (__builtin_add_overflow(number, part, &number) || number >= QUANTITY_LIMIT)
                return -ERANGE;
        *ret_product = number;
        return 0;
}

/* Reads one number and its unit off the front. A missing unit gives `bare_factor`, if nothing else stands in the text. */
static int take_term(struct slice *text, const struct unit *units, size_t count, uint64_t bare_factor, bool is_first,
                     uint64_t *ret_value) {
        struct slice whole = take_run(text, is_digit), fraction = SLICE_NULL;
        if (text->length && *text->data == '.') {
                *text = slice_from(*text, 1);
                fraction = take_run(text, is_digit);
                if (!fraction.length)
                        return -EINVAL;
        }
        if (!whole.length && !fraction.length)
                return -EINVAL;

        *text = slice_trim(*text);
        struct slice name = take_run(text, is_unit_letter);
        const struct unit *unit = find_unit(units, count, name);
        if (!unit && (name.length || !is_first || text->length))
                return -EINVAL;
        *text = slice_trim(*text);
        return multiply(whole, fraction, unit ? unit->factor : bare_factor, ret_value);
}

static int parse(struct slice text, const struct unit *units, size_t count, uint64_t bare_factor, bool is_sum,
                 uint64_t *ret_value) {
        text = slice_trim(text);
        if (slice_equal_text(text, "infinity")) {
                *ret_value = QUANTITY_INFINITY;
                return 0;
        }

        uint64_t sum = 0;
        bool is_first = true;
        do {
                uint64_t term;
                int r = take_term(&text, units, count, bare_factor, is_first, &term);
                if (r < 0)
                        return r;
                sum += term; /* both are below 2^63 */
                if (sum >= QUANTITY_LIMIT)
                        return -ERANGE;
                is_first = false;
        } while (is_sum && text.length);
        if (text.length)
                return -EINVAL;
        *ret_value = sum;
        return 0;
}

int quantity_parse_span(struct slice text, uint64_t *ret_usec) {
        return parse(text, span_units, ELEMENTS_OF(span_units), SECOND, true, ret_usec);
}

int quantity_parse_size(struct slice text, uint64_t *ret_bytes) {
        return parse(text, size_units, ELEMENTS_OF(size_units), 1, false, ret_bytes);
}

void quantity_append_span(struct text *text, uint64_t usec) {
        if (usec == QUANTITY_INFINITY) {
                text_append_string(text, "infinity");
                return;
        }
        if (usec == 0) {
                text_append_string(text, "0s");
                return;
        }

        /* Weeks only where nothing else is needed: "10d" reads better than "1w 3d". Months and years, being averages, never. */
        uint64_t last_factor = usec % WEEK ? WEEK : 0;
        const char *space = "";
        for (size_t i = 0; i < ELEMENTS_OF(span_units) && usec; i++) {
                const struct unit *unit = &span_units[i];
                if (unit->factor == last_factor || usec < unit->factor)
                        continue;
                last_factor = unit->factor;
                text_append_string(text, space);
                text_append_unsigned(text, usec / unit->factor);
                text_append_string(text, unit->name);
                usec %= unit->factor;
                space = " ";
        }
}

void quantity_append_size(struct text *text, uint64_t bytes) {
        if (bytes == QUANTITY_INFINITY) {
                text_append_string(text, "infinity");
                return;
        }
        for (size_t i = 0; i < ELEMENTS_OF(size_units); i++) {
                const struct unit *unit = &size_units[i];
                if (unit->factor > 1 && bytes && bytes % unit->factor == 0) {
                        text_append_unsigned(text, bytes / unit->factor);
                        text_append_string(text, unit->name);
                        return;
                }
        }
        text_append_unsigned(text, bytes);
}
