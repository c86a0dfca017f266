/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens for `ccodesctl run`: when there have to be any, and where they are kept. */
#include "cli/run_tokens.h"

#include <errno.h>
#include <stdlib.h>

#include "config/config.h"
#include "shared/syscall.h"

bool run_tokens_are_needed(const char *config_file) {
        _cleanup_config_ struct config *config = NULL;
        if (config_load(config_file, NULL, &config) < 0)
                return false;
        const struct config_site *sites = config->root.sites.items;
        for (size_t i = 0; i < config->root.sites.count; i++) {
                const struct config_upload *uploads = sites[i].uploads.items;
                for (size_t j = 0; j < sites[i].uploads.count; j++)
                        if (uploads[j].access == CONFIG_UPLOAD_TOKEN)
                                return true;
        }
        return false;
}

int run_tokens_prepare(struct run_tokens *tokens, const struct state_folder *folder, struct error *error) {
        tokens->socket = state_folder_file(folder, "auth-accounts", ".sock");
        return tokens->socket ? 0 : error_set_errno(error, -ENOMEM, "naming the accounts socket");
}

void run_tokens_done(struct run_tokens *tokens) {
        free(tokens->socket);
        *tokens = (struct run_tokens) { 0 };
}

void run_tokens_say(const struct run_tokens *tokens, bool is_temporary, struct output *output) {
        if (!tokens->socket)
                return;
        output_print(output, OUTPUT_PLAIN, "Users and tokens%s: ccodesctl users list --socket %s\n",
                     is_temporary ? ", which end with this" : "", tokens->socket);
}

void run_tokens_add(const struct run_tokens *tokens, struct json_object *object) {
        json_object_object_add(object, "accounts_socket", output_json_string(tokens->socket));
}
