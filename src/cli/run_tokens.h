/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json.h>

#include "cli/output.h"
#include "cli/state_folder.h"

/* The ccodes-auth of `ccodesctl run`, as who tries it out sees it. */
struct run_tokens {
        char *socket;             /* for accounts; NULL: there is none */
        struct json_object *made; /* a token, as the daemon gave it; NULL: none was asked for */
};

/* Where the ccodes-auth is that uploads of this configuration ask. A file that cannot be read is left to the daemon. */
enum run_tokens_place {
        RUN_TOKENS_NOWHERE, /* none of them asks for tokens */
        RUN_TOKENS_HERE,    /* [auth] says that it is in the state folder: it is ours to run */
        RUN_TOKENS_ELSEWHERE,
};
enum run_tokens_place run_tokens_place(const char *config_file, const struct state_folder *folder);

/* Once ccodes-auth serves: with `makes_one` a token for all uploads, of the user "you", who is made if need be. */
int run_tokens_prepare(struct run_tokens *tokens, const struct state_folder *folder, bool makes_one,
                       struct error *error);
void run_tokens_done(struct run_tokens *tokens);

/* What there is to say once all is ready, for people and for programs: nothing where there is no socket. */
void run_tokens_say(const struct run_tokens *tokens, bool is_temporary, struct output *output);
void run_tokens_add(const struct run_tokens *tokens, struct json_object *object);
