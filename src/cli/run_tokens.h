/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json.h>

#include "cli/output.h"
#include "cli/state_folder.h"

/* The ccodes-auth of `ccodesctl run`, as who tries it out sees it. */
struct run_tokens {
        char *socket; /* for accounts; NULL: there is none */
};

/* Whether a site of this configuration asks for tokens. A file that cannot be read is left to the daemon. */
bool run_tokens_are_needed(const char *config_file);

/* Once ccodes-auth serves. */
int run_tokens_prepare(struct run_tokens *tokens, const struct state_folder *folder, struct error *error);
void run_tokens_done(struct run_tokens *tokens);

/* What there is to say once all is ready, for people and for programs: nothing where there is no socket. */
void run_tokens_say(const struct run_tokens *tokens, bool is_temporary, struct output *output);
void run_tokens_add(const struct run_tokens *tokens, struct json_object *object);
