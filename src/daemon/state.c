/* SPDX-License-Identifier: Apache-2.0 */
/* Tells a program what it may build its own part of. */
#include "daemon/state.h"

#include <stdlib.h>
#include <string.h>

int daemon_state_make(struct daemon *daemon, const struct config *config, struct error *error) {
        const char *given = getenv("STATE_DIRECTORY"); /* several are parted by colons (systemd.exec(5)) */
        _cleanup_free_ char *first = given ? strndup(given, strcspn(given, ":")) : NULL;
        const struct daemon_environment environment = {
                .root = &config->root,
                .state_folder = daemon->options.state ? daemon->options.state : first,
                .loop = daemon->options.check ? NULL : daemon->loop,
                .pool = daemon->pool,
                .compute = daemon->compute,
                .metrics = daemon->metrics,
                .log = daemon->log,
        };
        return daemon->program->state_new ? daemon->program->state_new(&environment, error, &daemon->state) : 0;
}
