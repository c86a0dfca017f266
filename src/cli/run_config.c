/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the configuration that serves one folder. Files are shown as they are, at once: what is edited is seen with the
 * next request, a folder without an index is listed, and 404.html, whenever it is there, is the page of that error. */
#include "cli/run_config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "shared/cause.h"
#include "shared/syscall.h"
#include "shared/utf8.h"

#define WORKERS_MAX 1024

static int find_folder(const char *folder, struct error *error, char ret_path[PATH_MAX]) {
        struct stat status;
        if (!realpath(folder, ret_path))
                return error_set_errno(error, -errno, "serving %s", folder);
        if (stat(ret_path, &status) < 0)
                return error_set_errno(error, -errno, "serving %s", folder);
        if (!S_ISDIR(status.st_mode))
                return error_set(error, -ENOTDIR, "serving %s: it is not a folder", folder);
        if (access(ret_path, R_OK | X_OK) < 0)
                return error_set_errno(error, -errno, "serving %s", folder);
        for (const char *byte = ret_path; *byte; byte++)
                if ((unsigned char) *byte < 0x20 || *byte == 0x7f)
                        return error_set(error, -EINVAL, "serving %s: its path has a control character", folder);
        if (!utf8_is_valid(slice_of(ret_path)))
                return error_set(error, -EINVAL, "serving %s: its path is not UTF-8", folder);
        return 0;
}

static int check_workers(const char *workers, struct error *error) {
        char *end;
        unsigned long number = strtoul(workers, &end, 10);
        if (*workers < '0' || *workers > '9' || *end || number < 1 || number > WORKERS_MAX)
                return error_set(error, -EINVAL, "--workers takes a number from 1 to %d, not '%s'", WORKERS_MAX,
                                 workers);
        return 0;
}

static void append_string(struct text *text, const char *key, const char *value) {
        text_printf(text, "%s = ", key);
        text_append_json(text, slice_of(value)); /* without control characters a JSON string is one of TOML's */
        text_append_char(text, '\n');
}

static void append_listeners(struct text *text, const struct run_addresses *addresses, const char *name, bool tls) {
        for (size_t i = 0; i < addresses->count; i++) {
                text_printf(text, "\n[[server.listener]]\nname = \"%s%s\"\n", name, i > 0 ? "-ipv6" : "");
                append_string(text, "address", addresses->items[i]);
                if (tls)
                        text_append_string(text, "tls = true\n");
        }
}

/* Every error that an answer can have is named, whether or not its page is there yet. */
static void append_error_pages(struct text *text) {
        const char *separator = "";
        text_append_string(text, "errors = { ");
        for (int cause = CAUSE_NONE + 1, last = 0; cause < CAUSE_COUNT; cause++) {
                int status = cause_entry((enum cause) cause)->status; /* causes are sorted by it */
                if (status < 400 || status == last)
                        continue;
                text_printf(text, "%s%d = \"/%d.html\"", separator, status, status);
                separator = ", ";
                last = status;
        }
        text_append_string(text, " }\n");
}

/* Where the ccodes-auth beside it is asked. */
static void append_auth(struct text *text, const char *state) {
        _cleanup_free_ char *socket = text_format("%s/auth-grants.sock", state),
                            *keys = text_format("%s/grant-keys", state);
        text->failed |= !socket || !keys;
        text_append_string(text, "\n[auth]\n");
        append_string(text, "socket", socket ? socket : "");
        append_string(text, "public_keys", keys ? keys : "");
}

/* Everything that an upload folder can do. */
static int append_upload(struct text *text, const char *upload, bool needs_token, struct error *error) {
        char folder[PATH_MAX];
        const char *equals = strchr(upload, '=');
        if (!equals || equals[1] == '\0' || equals - upload < 3 || upload[0] != '/' || equals[-1] != '/')
                return error_set(error, -EINVAL, "--upload takes PATH=FOLDER, as in /files/=/tmp/files, not '%s'",
                                 upload);
        int r = find_folder(equals + 1, error, folder);
        if (r < 0)
                return r;
        _cleanup_free_ char *path = strndup(upload, (size_t) (equals - upload));
        if (!path)
                return error_set_errno(error, -ENOMEM, "writing a configuration");
        text_append_string(text, "\n[[site.upload]]\nname = \"upload\"\n");
        append_string(text, "path", path);
        append_string(text, "folder", folder);
        append_string(text, "access", needs_token ? "token" : "anyone");
        text_append_string(text, "listing = true\nmethods = [\"get\", \"put\", \"post\", \"delete\", \"tus\"]\n");
        return 0;
}

int run_config_write(const struct run_config *config, struct error *error, struct text *text) {
        char folder[PATH_MAX];
        int r = find_folder(config->folder, error, folder);
        if (r >= 0 && config->workers)
                r = check_workers(config->workers, error);
        if (r >= 0 && config->echo && config->echo[0] != '/')
                r = error_set(error, -EINVAL, "--echo takes a path that begins with '/', not '%s'", config->echo);
        if (r < 0)
                return r;
        text_append_string(text, "# Written by `ccodesctl run`.\n[server]\n");
        if (config->workers)
                text_printf(text, "workers = %lu\n", strtoul(config->workers, NULL, 10));
        text_append_string(text, "\n[server.cache]\nrevalidate = \"0s\"\n");
        if (config->needs_token)
                append_auth(text, config->state);
        append_listeners(text, &config->http, "http", false);
        append_listeners(text, &config->https, "https", true);
        if (config->https.count > 0) {
                text_append_string(text, "\n[[certificate]]\nname = \"development\"\n");
                append_string(text, "certificate", config->certificate);
                append_string(text, "key", config->key);
        }
        text_append_string(text, "\n[[site]]\nname = \"folder\"\n");
        append_string(text, "root", folder);
        if (config->echo)
                append_string(text, "echo", config->echo);
        text_append_string(text, "listing = true\ncache_control = \"no-cache\"\n");
        append_error_pages(text);
        if (config->upload)
                r = append_upload(text, config->upload, config->needs_token, error);
        if (r < 0)
                return r;
        return text->failed ? error_set_errno(error, -ENOMEM, "writing a configuration") : 0;
}
