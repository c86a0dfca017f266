/* SPDX-License-Identifier: Apache-2.0 */
/* The check of files is the daemon's own: it is run as it will be, and its words are handed on. */
#include "cli/config_check.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "cli/child.h"
#include "cli/program_path.h"

/* Rights count when it is the configuration that the service runs by. */
static const char *user_to_check_as(const struct cli_service *service, const char *file) {
        if (geteuid() != 0 || strcmp(file, CONFIG_DEFAULT_FILE) != 0)
                return NULL;
        return getpwnam(service->user) ? service->user : NULL;
}

/* The daemon's lines without its name in front of each. */
static void append_faults(struct text *faults, const char *output, const char *program) {
        size_t length = strlen(program);
        while (*output) {
                size_t end = strcspn(output, "\n");
                if (strncmp(output, program, length) == 0 && strncmp(output + length, ": ", 2) == 0) {
                        output += length + 2;
                        end -= length + 2;
                }
                text_append(faults, (struct slice) { output, end });
                output += end + (output[end] == '\n');
                text_append_string(faults, *output ? "\n" : "");
        }
}

int config_check_files(const struct cli_service *service, const char *file, struct error *error) {
        _cleanup_free_ char *path = NULL;
        _cleanup_text_ struct text output = TEXT_INIT, faults = TEXT_INIT;
        int r = program_path_find(service->name, service->program, error, &path);
        if (r < 0)
                return r;
        const struct child_options options = {
                .argv = (const char *const[]) { path, "--check", "--config", file, NULL },
                .user = user_to_check_as(service, file),
                .output = &output,
        };
        r = child_run(&options, error);
        if (r < 0)
                return r;
        if (r == 0)
                return 0;
        append_faults(&faults, output.data ? output.data : "", service->program);
        return error_set(error, -EINVAL, "%s",
                         faults.length > 0 ? faults.data : "the check failed and did not say why");
}
