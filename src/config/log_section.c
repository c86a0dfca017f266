/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of [log]. The order of the choices is that of the enums in the header. */
#include "config/log_section.h"

#include <errno.h>

static const char *const levels[] = { "error", "warning", "notice", "info", "debug", NULL };
static const char *const targets[] = {
        [CONFIG_ACCESS_OFF] = "off",
        [CONFIG_ACCESS_JOURNAL] = "journal",
        [CONFIG_ACCESS_FILE] = "file",
        NULL,
};
static const char *const formats[] = {
        [CONFIG_ACCESS_JSON] = "json",
        [CONFIG_ACCESS_COMBINED] = "combined",
        NULL,
};

static int check_access(void *object, struct error *error, const char **ret_key) {
        const struct config_access_log *access = object;
        if (access->target == CONFIG_ACCESS_FILE && !access->path) {
                *ret_key = "target";
                return error_set(error, -EINVAL,
                                 "[log.access] with target = \"file\" needs the key 'path'; for example: path = "
                                 "\"/var/log/ccodes/access.log\"");
        }
        if (access->target != CONFIG_ACCESS_FILE && access->path) {
                *ret_key = "path";
                return error_set(error, -EINVAL, "'path' in [log.access] has no meaning without target = \"file\"");
        }
        return 0;
}

static const struct config_key access_keys[] = {
        {
                        .name = "target",
                        .type = CONFIG_ENUM,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_access_log, target),
                        .fallback = "\"journal\"",
                        .choices = targets,
                        .documentation = "Where the entry of each request goes: to the journal (in the foreground to "
                                         "the terminal), "
                                         "complete to a file, or nowhere.",
        },
        {
                        .name = "path",
                        .type = CONFIG_PATH,
                        .effect = CONFIG_PLACE,
                        .offset = offsetof(struct config_access_log, path),
                        .example = "\"/var/log/ccodes/access.log\"",
                        .documentation =
                                        "The file, with target = \"file\". It is opened anew when it was rotated away.",
        },
        {
                        .name = "format",
                        .type = CONFIG_ENUM,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_access_log, format),
                        .fallback = "\"json\"",
                        .choices = formats,
                        .documentation = "The form of the file: a JSON object a line, or Apache's combined format.",
        },
        {
                        .name = "maximum_rate",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_access_log, maximum_rate),
                        .fallback = "1000",
                        .minimum = 1,
                        .maximum = 10000,
                        .documentation = "Entries a second to the journal, which takes little more than 10000 in all. "
                                         "Above it "
                                         "successes are sampled, and each entry says for how many it stands; errors "
                                         "never are.",
        },
};

static const struct config_table access_table = {
        .name = "access",
        .size = sizeof(struct config_access_log),
        .keys = access_keys,
        .key_count = ELEMENTS_OF(access_keys),
        .documentation = "The access log: one entry for each request.",
        .check = check_access,
};

static const struct config_key log_keys[] = {
        {
                        .name = "level",
                        .type = CONFIG_ENUM,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_log, level),
                        .fallback = "\"info\"",
                        .choices = levels,
                        .documentation = "The least weighty messages that are written.",
        },
        {
                        .name = "access",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_log, access),
                        .table = &access_table,
        },
};

const struct config_table config_log_table = {
        .name = "log",
        .size = sizeof(struct config_log),
        .keys = log_keys,
        .key_count = ELEMENTS_OF(log_keys),
        .documentation = "What is written, and where to.",
};
