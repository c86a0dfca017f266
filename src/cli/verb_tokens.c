/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl tokens: what programs show instead of a password. A token is printed once, when it is made, and by nothing else. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli/account_client.h"
#include "cli/verbs.h"
#include "shared/quantity.h"
#include "shared/scope.h"
#include "shared/syscall.h"

#define EXPIRES_DEFAULT "90d"
#define USEC_PER_SECOND 1000000

/* All that were given, with a space between them. 0, or the exit status after the mistake was said. */
static int take_scopes(struct cli *cli, const struct cli_arguments *arguments, struct text *scopes) {
        for (size_t i = 0; i < arguments->given_count; i++) {
                const struct cli_given *given = &arguments->given[i];
                if (strcmp(given->option->name, "scope") != 0)
                        continue;
                if (!scope_list_is_valid(slice_of(given->value)))
                        return cli_refuse(cli,
                                          "--scope: '%s' is no scope; write upload:NAME, download:NAME or admin:NAME, "
                                          "with '*' for every NAME, or '*' alone for all that the user may",
                                          given->value);
                text_printf(scopes, "%s%s", scopes->length > 0 ? " " : "", given->value);
        }
        if (scopes->length == 0)
                return cli_refuse(cli,
                                  "--scope is missing: it says what the token is for, such as --scope upload:NAME");
        if (scopes->length > SCOPE_LIST_MAX)
                return cli_refuse(cli, "--scope: all of them together have at most %d bytes", SCOPE_LIST_MAX);
        return 0;
}

/* In seconds, 0 for never. 0, or the exit status after the mistake was said. */
static int take_expiry(struct cli *cli, const struct cli_arguments *arguments, uint64_t *ret_seconds) {
        const char *given = cli_argument(arguments, "expires"), *span = given ? given : EXPIRES_DEFAULT;
        uint64_t usec = 0;
        if (strcmp(span, "never") != 0 &&
            (quantity_parse_span(slice_of(span), &usec) < 0 || usec < USEC_PER_SECOND || usec == QUANTITY_INFINITY))
                return cli_refuse(cli, "--expires: '%s' is no span of time; write 12h, 90d, \"1d 6h\", or never", span);
        *ret_seconds = usec / USEC_PER_SECOND;
        return 0;
}

/* The token alone goes to standard output, so that a script can take it from there. */
static void show(struct cli *cli, const char *user, const char *scopes, int64_t expires, struct json_object *answer) {
        char buffer[OUTPUT_TIME_SIZE];
        json_object_object_add(answer, "user", output_json_string(user));
        json_object_object_add(answer, "scopes", output_json_string(scopes));
        json_object_object_add(answer, "expires", json_object_new_int64(expires));
        if (!cli->json) {
                output_print(&cli->out, OUTPUT_PLAIN, "%s\n", json_member_string(answer, "token", "-"));
                (void) fflush(cli->out.stream);
                cli_note(cli, "The token %s of '%s' is for %s, and %s%s. Keep it: it is not shown again.",
                         json_member_string(answer, "id", "-"), user, scopes,
                         expires > 0 ? "good until " : "never expires",
                         expires > 0 ? output_format_time(expires, buffer) : "");
        }
        cli_report_object(cli, answer);
}

int verb_tokens_add(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_account_body_ struct account_body body = ACCOUNT_BODY_INIT;
        _cleanup_text_ struct text scopes = TEXT_INIT;
        const char *user = arguments->operands[0], *label = cli_argument(arguments, "label");
        struct json_object *answer = NULL;
        struct error found = ERROR_INIT;
        uint64_t seconds = 0;
        int r = take_scopes(cli, arguments, &scopes);
        if (r == 0)
                r = take_expiry(cli, arguments, &seconds);
        if (r != 0)
                return r;
        account_body_add(&body, "user", user);
        account_body_add(&body, "scopes", scopes.data);
        account_body_add_number(&body, "expires_in", seconds);
        if (label)
                account_body_add(&body, "label", label);
        r = account_request(account_socket(arguments), "/tokens/add", &body, &found, &answer);
        if (r == -ENOENT)
                return error_set(error, r, "there is no user '%s'; `ccodesctl users add %s` makes one", user, user);
        if (r < 0)
                return error_set(error, r, "%s", found.text);
        show(cli, user, scopes.data, json_member_integer(answer, "expires"), answer);
        return CLI_DONE;
}

int verb_tokens_revoke(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_account_body_ struct account_body body = ACCOUNT_BODY_INIT;
        _cleanup_json_ struct json_object *answer = NULL;
        const char *id = arguments->operands[0];
        struct error found = ERROR_INIT;
        account_body_add(&body, "id", id);
        int r = account_request(account_socket(arguments), "/tokens/revoke", &body, &found, &answer);
        if (r == -ENOENT || r == -EINVAL)
                return error_set(
                                error, -ENOENT,
                                "there is no token '%s'; `ccodesctl tokens list` shows the ids of those that there are",
                                id);
        if (r < 0)
                return error_set(error, r, "%s", found.text);
        _cleanup_free_ char *message = text_format("The token '%s' is revoked.", id);
        cli_report(cli, "revoked", message ? message : "The token is revoked.");
        return CLI_DONE;
}

static void add_row(struct output_table *table, struct json_object *token, int64_t now) {
        char expiry[OUTPUT_TIME_SIZE], use[OUTPUT_TIME_SIZE];
        int64_t expires = json_member_integer(token, "expires"), last_used = json_member_integer(token, "last_used");
        bool is_over = expires > 0 && expires <= now;
        output_table_add(table, OUTPUT_STRONG, "%s", json_member_string(token, "id", "-"));
        output_table_add(table, OUTPUT_PLAIN, "%s", json_member_string(token, "user", "-"));
        output_table_add(table, OUTPUT_PLAIN, "%s", json_member_string(token, "scopes", "-"));
        output_table_add(table, is_over ? OUTPUT_WARNING : OUTPUT_PLAIN, "%s%s",
                         is_over       ? "expired "
                         : expires > 0 ? "until "
                                       : "for ever",
                         expires > 0 ? output_format_time(expires, expiry) : "");
        output_table_add(table, OUTPUT_FAINT, "%s%s", last_used > 0 ? "used " : "never used",
                         last_used > 0 ? output_format_time(last_used, use) : "");
        output_table_add(table, OUTPUT_FAINT, "%s", json_member_string(token, "label", ""));
}

/* Of one user, or of all (NULL). */
static struct json_object *select_tokens(struct json_object *answer, const char *user) {
        struct json_object *all = json_member_array(answer, "tokens"), *some = json_object_new_array();
        for (size_t i = 0; all && i < json_object_array_length(all); i++) {
                struct json_object *token = json_object_array_get_idx(all, i);
                if (!user || strcmp(json_member_string(token, "user", ""), user) == 0)
                        json_object_array_add(some, json_object_get(token));
        }
        return some;
}

int verb_tokens_list(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_output_table_ struct output_table table = { .columns = 6 };
        _cleanup_json_ struct json_object *answer = NULL;
        int r = account_request(account_socket(arguments), "/tokens", NULL, error, &answer);
        if (r < 0)
                return r;
        struct json_object *shown = json_object_new_object(), *tokens;
        tokens = select_tokens(answer, arguments->operand_count > 0 ? arguments->operands[0] : NULL);
        json_object_object_add(shown, "tokens", tokens);
        for (size_t i = 0; i < json_object_array_length(tokens); i++)
                add_row(&table, json_object_array_get_idx(tokens, i), (int64_t) time(NULL));
        if (!cli->json && table.count == 0)
                output_print(&cli->out, OUTPUT_PLAIN, "There are no tokens; `ccodesctl tokens add USER` makes one.\n");
        else if (!cli->json)
                output_table_print(&cli->out, &table);
        cli_report_object(cli, shown);
        return CLI_DONE;
}
