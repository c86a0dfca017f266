/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens for `ccodesctl run`: when there have to be any, and the one that is made for a first try. */
#include "cli/run_tokens.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/account_client.h"
#include "config/config.h"
#include "shared/syscall.h"

#define USER "you"
#define TOKEN_SECONDS 86400

static bool asks_for_tokens(const struct config_root *root) {
        const struct config_site *sites = root->sites.items;
        for (size_t i = 0; i < root->sites.count; i++) {
                const struct config_upload *uploads = sites[i].uploads.items;
                for (size_t j = 0; j < sites[i].uploads.count; j++)
                        if (uploads[j].access == CONFIG_UPLOAD_TOKEN)
                                return true;
        }
        return false;
}

enum run_tokens_place run_tokens_place(const char *config_file, const struct state_folder *folder) {
        _cleanup_config_ struct config *config = NULL;
        _cleanup_free_ char *here = state_folder_file(folder, "auth-grants", ".sock");
        if (config_load(config_file, NULL, &config) < 0 || !asks_for_tokens(&config->root))
                return RUN_TOKENS_NOWHERE;
        return here && strcmp(config->root.auth.socket, here) == 0 ? RUN_TOKENS_HERE : RUN_TOKENS_ELSEWHERE;
}

/* In a folder that stays the user may be there from the last time. */
static int add_user(const char *socket, struct error *error) {
        _cleanup_account_body_ struct account_body body = ACCOUNT_BODY_INIT;
        _cleanup_json_ struct json_object *answer = NULL;
        struct error found = ERROR_INIT;
        account_body_add(&body, "name", USER);
        account_body_add(&body, "role", "operator");
        int r = account_request(socket, "/users/add", &body, &found, &answer);
        return r < 0 && r != -EEXIST ? error_set(error, r, "%s", found.text) : 0;
}

static int add_token(struct run_tokens *tokens, struct error *error) {
        _cleanup_account_body_ struct account_body body = ACCOUNT_BODY_INIT;
        account_body_add(&body, "user", USER);
        account_body_add(&body, "scopes", "upload:*");
        account_body_add(&body, "label", "ccodesctl run");
        account_body_add_number(&body, "expires_in", TOKEN_SECONDS);
        return account_request(tokens->socket, "/tokens/add", &body, error, &tokens->made);
}

int run_tokens_prepare(struct run_tokens *tokens, const struct state_folder *folder, bool makes_one,
                       struct error *error) {
        tokens->socket = state_folder_file(folder, "auth-accounts", ".sock");
        int r = tokens->socket ? 0 : -ENOMEM;
        if (r >= 0 && makes_one)
                r = add_user(tokens->socket, error);
        if (r >= 0 && makes_one)
                r = add_token(tokens, error);
        return r < 0 ? error_set_errno(error, r, "making a token") : 0;
}

void run_tokens_done(struct run_tokens *tokens) {
        free(tokens->socket);
        json_object_put(tokens->made);
        *tokens = (struct run_tokens) { 0 };
}

void run_tokens_say(const struct run_tokens *tokens, bool is_temporary, struct output *output) {
        if (!tokens->socket)
                return;
        if (tokens->made) {
                output_print(output, OUTPUT_PLAIN, "Uploads need this token, which is good for a day:\n");
                output_print(output, OUTPUT_STRONG, "  Authorization: Bearer %s\n",
                             json_member_string(tokens->made, "token", "-"));
        }
        output_print(output, OUTPUT_PLAIN, "Users and tokens%s: ccodesctl users list --socket %s\n",
                     is_temporary ? ", which end with this" : "", tokens->socket);
}

void run_tokens_add(const struct run_tokens *tokens, struct json_object *object) {
        json_object_object_add(object, "accounts_socket", output_json_string(tokens->socket));
        json_object_object_add(object, "token", output_json_string(json_member_string(tokens->made, "token", NULL)));
}
