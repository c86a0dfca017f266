/* SPDX-License-Identifier: Apache-2.0 */
/* The check of files is the daemon's own: it is run as it will be, and its words are handed on. */
#include "cli/config_check.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "cli/child.h"
#include "cli/program_path.h"

#define EXIT_RIGHTS 77 /* of a check that another user might pass: src/daemon/daemon.c */

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

/* "PROGRAM: note: …". */
static void say_notes(struct cli *cli, const char *output, const char *program) {
        _cleanup_text_ struct text prefix = TEXT_INIT;
        text_printf(&prefix, "%s: note: ", program);
        for (size_t end; *output; output += end + (output[end] == '\n')) {
                end = strcspn(output, "\n");
                if (!prefix.failed && strncmp(output, prefix.data, prefix.length) == 0)
                        cli_note(cli, "%.*s", (int) (end - prefix.length), output + prefix.length);
        }
}

int config_check_files(struct cli *cli, const struct cli_service *service, const char *file, struct error *error) {
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
        say_notes(cli, output.data ? output.data : "", service->program);
        if (r == 0)
                return 0;
        bool is_for_lack_of_rights = r == EXIT_RIGHTS && geteuid() != 0 && strcmp(file, CONFIG_DEFAULT_FILE) == 0;
        append_faults(&faults, output.data ? output.data : "", service->program);
        return error_set(error, is_for_lack_of_rights ? -EACCES : -EINVAL, "%s",
                         faults.length > 0 ? faults.data : "the check failed and did not say why");
}
