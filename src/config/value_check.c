/* SPDX-License-Identifier: Apache-2.0 */
/* Refuses values that could do harm or nothing later on: what passes here is put into header fields, unit names and
 * openat2 without another look. */
#include "config/value_check.h"

#include <arpa/inet.h>
#include <errno.h>

#include "config/listener_section.h"
#include "shared/config_fault.h"

#define NAME_LENGTH_MAX 64
#define HOST_LENGTH_MAX 253 /* RFC 1035 section 2.3.4, without the root's dot */
#define LABEL_LENGTH_MAX 63

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define TOKEN_BYTES "!#$%&'*+-.^_`|~" DIGITS LETTERS

static bool consists_of(const char *string, const char *bytes) {
        return string[0] != '\0' && string[strspn(string, bytes)] == '\0';
}

/* "must be WHAT, found 'STRING'" */
static int refuse(struct error *error, const char *what, const char *string) {
        char excerpt[CONFIG_EXCERPT_SIZE];
        return error_set(error, -EINVAL, "must be %s, found '%s'", what, config_excerpt(excerpt, string));
}

/* The same of one entry of an array or a table. */
static int refuse_entry(struct error *error, const char *what, const char *string) {
        char excerpt[CONFIG_EXCERPT_SIZE];
        return error_set(error, -EINVAL, "must hold %s, found '%s'", what, config_excerpt(excerpt, string));
}

int config_check_name(const void *value, struct error *error) {
        const char *name = *(const char *const *) value;
        bool good = consists_of(name, DIGITS LETTERS "._-") && strspn(name, DIGITS LETTERS) > 0 &&
                    strlen(name) <= NAME_LENGTH_MAX;
        return good ? 0 : refuse(error, "a name of up to 64 letters, digits, '.', '_' and '-'", name);
}

int config_check_address(const void *value, struct error *error) {
        struct error reason = ERROR_INIT;
        struct config_address address;
        int r = config_address_parse(*(const char *const *) value, &reason, &address);
        return r < 0 ? error_set(error, r, "must be an address: %s", reason.text) : 0;
}

static bool is_label(const char *label, size_t length) {
        return length > 0 && length <= LABEL_LENGTH_MAX && label[0] != '-' && label[length - 1] != '-';
}

static bool is_host_name(const char *host) {
        if (!consists_of(host, DIGITS LETTERS ".-_") || strlen(host) > HOST_LENGTH_MAX)
                return false;
        for (;;) {
                size_t length = strcspn(host, ".");
                if (!is_label(host, length))
                        return false;
                if (host[length] == '\0')
                        return true;
                host += length + 1;
        }
}

static bool is_bracketed_address(const char *host) {
        size_t length = strlen(host);
        char address[INET6_ADDRSTRLEN];
        struct in6_addr parsed;
        if (length < 3 || host[0] != '[' || host[length - 1] != ']' || length - 2 >= sizeof(address))
                return false;
        memcpy(address, host + 1, length - 2);
        address[length - 2] = '\0';
        return inet_pton(AF_INET6, address, &parsed) == 1;
}

static int check_host(const char *host, struct error *error) {
        char excerpt[CONFIG_EXCERPT_SIZE];
        const char *name = strncmp(host, "*.", 2) == 0 ? host + 2 : host;
        if (is_host_name(name) || is_bracketed_address(host))
                return 0;
        if (strstr(host, "://") || strchr(host, '/'))
                return refuse_entry(error, "host names, not URLs", host);
        for (const char *byte = host; *byte; byte++)
                if ((unsigned char) *byte >= 0x80)
                        return error_set(error, -EINVAL,
                                         "must hold host names in their ASCII form (xn--...), found '%s'",
                                         config_excerpt(excerpt, host));
        if (strchr(host, ':'))
                return refuse_entry(error, "host names without a port", host);
        if (strcmp(host, "*") == 0)
                return error_set(error, -EINVAL,
                                 "must hold host names, found '*'; a site for every other host has default = true");
        return refuse_entry(error, "host names such as 'example.org' or '*.example.org'", host);
}

static int check_each(const void *value, int (*check)(const char *item, struct error *error), struct error *error) {
        const struct config_strings *strings = value;
        for (size_t i = 0; i < strings->count; i++) {
                int r = check(strings->items[i], error);
                if (r < 0)
                        return r;
        }
        return 0;
}

int config_check_hosts(const void *value, struct error *error) {
        return check_each(value, check_host, error);
}

static bool is_field_value(const char *string) {
        size_t length = strlen(string);
        for (size_t i = 0; i < length; i++)
                if ((string[i] < 0x20 && string[i] != '\t') || (unsigned char) string[i] >= 0x7f)
                        return false;
        return length == 0 || slice_trim(slice_of(string)).length == length;
}

static int check_field_value(const char *string, struct error *error) {
        return is_field_value(string) ? 0 : refuse(error, "one line of ASCII without space around it", string);
}

int config_check_field_value(const void *value, struct error *error) {
        return check_field_value(*(const char *const *) value, error);
}

int config_check_field_values(const void *value, struct error *error) {
        return check_each(value, check_field_value, error);
}

int config_check_token(const void *value, struct error *error) {
        const char *token = *(const char *const *) value;
        return token[0] == '\0' || consists_of(token, TOKEN_BYTES) ? 0 : refuse(error, "a word without space", token);
}

static int check_media_range(const char *range, struct error *error) {
        const char *slash = strchr(range, '/');
        size_t length = strlen(range);
        bool good = range[0] == '+' ? consists_of(range + 1, TOKEN_BYTES)
                                    : slash && slash != range &&
                                                      strspn(range, TOKEN_BYTES) == (size_t) (slash - range) &&
                                                      strspn(slash + 1, TOKEN_BYTES) ==
                                                                      length - (size_t) (slash + 1 - range);
        return good ? 0 : refuse_entry(error, "media types such as 'application/json', 'text/' or '+json'", range);
}

int config_check_media_ranges(const void *value, struct error *error) {
        return check_each(value, check_media_range, error);
}

static bool is_beneath(const char *path) {
        if (*path == '/')
                path++;
        for (;;) {
                size_t length = strcspn(path, "/");
                if (length == 0 || (length == 1 && path[0] == '.') || (length == 2 && memcmp(path, "..", 2) == 0) ||
                    memchr(path, '\n', length))
                        return false;
                if (path[length] == '\0')
                        return true;
                path += length + 1;
        }
}

int config_check_beneath(const void *value, struct error *error) {
        const char *path = *(const char *const *) value;
        return is_beneath(path) ? 0 : refuse(error, "a path of a file beneath the root", path);
}

static int check_file_name(const char *name, struct error *error) {
        return is_beneath(name) && !strchr(name, '/') ? 0 : refuse_entry(error, "names of files, without '/'", name);
}

int config_check_file_names(const void *value, struct error *error) {
        return check_each(value, check_file_name, error);
}

int config_check_headers(const void *value, struct error *error) {
        static const char *const own[] = {
                "Connection", "Content-Encoding", "Content-Length",    "Content-Range", "Date",
                "Keep-Alive", "Trailer",          "Transfer-Encoding", "Upgrade",
        };
        const struct config_map *map = value;
        for (size_t i = 0; i < map->count; i++) {
                const char *name = map->items[i].key;
                char excerpt[CONFIG_EXCERPT_SIZE];
                (void) config_excerpt(excerpt, name);
                if (!consists_of(name, TOKEN_BYTES))
                        return refuse_entry(error, "names of header fields", name);
                for (size_t j = 0; j < ELEMENTS_OF(own); j++)
                        if (strcasecmp(name, own[j]) == 0)
                                return error_set(error, -EINVAL, "may not hold '%s': the server sets it itself",
                                                 excerpt);
                if (!is_field_value(map->items[i].value))
                        return error_set(error, -EINVAL, "must hold one line of ASCII without space around it for '%s'",
                                         excerpt);
        }
        return 0;
}

int config_check_error_pages(const void *value, struct error *error) {
        const struct config_map *map = value;
        for (size_t i = 0; i < map->count; i++) {
                const char *status = map->items[i].key;
                if (strlen(status) != 3 || !consists_of(status, DIGITS) || (status[0] != '4' && status[0] != '5'))
                        return refuse_entry(error, "keys from 400 to 599", status);
                if (!is_beneath(map->items[i].value))
                        return refuse_entry(error, "paths of files beneath the root", map->items[i].value);
        }
        return 0;
}
