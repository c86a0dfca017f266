/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a site's rules. A rule that could do nothing is refused. */
#include <errno.h>

#include "config/site_section.h"
#include "config/value_check.h"
#include "shared/config_fault.h"
#include "shared/quantity.h"

#define PATTERN_LENGTH_MAX 1024
#define STARS_MAX 31 /* "*" and "**"; as many as the matcher takes */

static unsigned count_stars(const char *pattern) {
        unsigned count = 0;
        for (; *pattern; pattern++) {
                count += *pattern == '*';
                if (pattern[0] == '*' && pattern[1] == '*')
                        pattern++;
        }
        return count;
}

static int check_pattern(const void *value, struct error *error) {
        const char *pattern = *(const char *const *) value;
        char excerpt[CONFIG_EXCERPT_SIZE];
        if (pattern[0] != '/' || strlen(pattern) > PATTERN_LENGTH_MAX || strpbrk(pattern, "\n\t"))
                return error_set(error, -EINVAL, "must be a pattern that begins with '/', found '%s'",
                                 config_excerpt(excerpt, pattern));
        if (count_stars(pattern) > STARS_MAX)
                return error_set(error, -EINVAL, "must have at most %d stars, found '%s'", STARS_MAX,
                                 config_excerpt(excerpt, pattern));
        return 0;
}

static int check_redirect(const void *value, struct error *error) {
        const char *target = *(const char *const *) value;
        char excerpt[CONFIG_EXCERPT_SIZE];
        bool begins_well = target[0] == '/' || target[0] == '$' || strncmp(target, "https://", 8) == 0 ||
                           strncmp(target, "http://", 7) == 0;
        for (const char *byte = target; *byte; byte++)
                if ((unsigned char) *byte <= ' ' || (unsigned char) *byte >= 0x7f)
                        begins_well = false;
        if (!begins_well)
                return error_set(error, -EINVAL, "must be a path or a URL without spaces, found '%s'",
                                 config_excerpt(excerpt, target));
        return 0;
}

static int check_status(const void *value, struct error *error) {
        int64_t status = *(const int64_t *) value;
        bool redirects = (status >= 301 && status <= 303) || status == 307 || status == 308;
        return redirects ? 0
                         : error_set(error, -EINVAL, "must be 301, 302, 303, 307 or 308, found %lld",
                                     (long long) status);
}

static int check_rule(void *object, struct error *error, const char **ret_key) {
        const struct config_rule *rule = object;
        *ret_key = "path";
        if (!rule->redirect && !rule->cache_control && !rule->content_type && rule->headers.count == 0 &&
            rule->link.count == 0 && !rule->is_signed && rule->rate == QUANTITY_INFINITY)
                return error_set(error, -EINVAL,
                                 "the rule for '%.64s' does nothing: it needs 'redirect', 'cache_control', 'headers', "
                                 "'content_type', 'link', 'signed' or 'rate'",
                                 rule->path);
        return 0;
}

static const struct config_key rule_keys[] = {
        {
                        .name = "path",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_rule, path),
                        .example = "\"/assets/**\"",
                        .required = true,
                        .check = check_pattern,
                        .documentation = "The paths that the rule is for: '*' stands for any bytes within a segment, "
                                         "'**' for any "
                                         "bytes at all, '?' for one byte that is not '/'.",
        },
        {
                        .name = "redirect",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_rule, redirect),
                        .example = "\"/new/$1\"",
                        .check = check_redirect,
                        .documentation = "Where to send the client. $1 to $9 stand for what the first nine wildcards "
                                         "matched, "
                                         "$uri for the path, "
                                         "$query for the query.",
        },
        {
                        .name = "status",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_rule, status),
                        .fallback = "302",
                        .minimum = 301,
                        .maximum = 308,
                        .check = check_status,
                        .documentation = "The status of the redirect: 301 and 308 are for ever, 302, 303 and 307 for "
                                         "now.",
        },
        {
                        .name = "cache_control",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_rule, cache_control),
                        .example = "\"public, max-age=31536000, immutable\"",
                        .check = config_check_field_value,
                        .documentation = "The value of Cache-Control; empty for none.",
        },
        {
                        .name = "headers",
                        .type = CONFIG_MAP,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_rule, headers),
                        .example = "{ X-Frame-Options = \"DENY\" }",
                        .check = config_check_headers,
                        .documentation = "Header fields to set on the response; an empty value takes the field away.",
        },
        {
                        .name = "content_type",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_rule, content_type),
                        .example = "\"text/plain; charset=utf-8\"",
                        .check = config_check_field_value,
                        .documentation = "The value of Content-Type, instead of the one that belongs to the file's "
                                         "extension.",
        },
        {
                        .name = "link",
                        .type = CONFIG_STRING_LIST,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_rule, link),
                        .fallback = "[]",
                        .example = "[\"</style.css>; rel=preload; as=style\"]",
                        .check = config_check_field_values,
                        .documentation = "Values of Link fields to send with the response.",
        },
        {
                        .name = "early_hints",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_rule, early_hints),
                        .fallback = "false",
                        .documentation = "Send these Link fields also before the response, as 103 Early Hints (RFC "
                                         "8297), to browsers that open the address as a page (Sec-Fetch-Mode: "
                                         "navigate).",
        },
        {
                        .name = "signed",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_rule, is_signed),
                        .fallback = "false",
                        .documentation = "Let the paths be read by signed addresses alone (`ccodesctl sign`). The site "
                                         "needs a signing_key. Another rule cannot take it back.",
        },
        {
                        .name = "rate",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_rule, rate),
                        .fallback = "\"infinity\"",
                        .example = "\"1M\"",
                        .minimum = 1,
                        .maximum = INT64_MAX,
                        .documentation = "Bytes a second that one response goes at, at most; the least that a rule or "
                                         "the "
                                         "signed address says.",
        },
};

const struct config_table config_rule_table = {
        .name = "rule",
        .size = sizeof(struct config_rule),
        .keys = rule_keys,
        .key_count = ELEMENTS_OF(rule_keys),
        .documentation = "What to do about the paths that match a pattern. All rules that match apply, in their order; "
                         "the "
                         "first redirect ends it.",
        .check = check_rule,
};
