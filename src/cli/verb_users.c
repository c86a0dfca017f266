/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl users: who may show a password or hold tokens, kept by ccodes-auth. */
#include <errno.h>
#include <string.h>

#include "cli/account_client.h"
#include "cli/password_input.h"
#include "cli/verbs.h"
#include "shared/nearest.h"
#include "shared/scope.h"
#include "shared/syscall.h"

/* The daemon's refusal in the words of the command line. */
static int explain(int code, const char *name, const struct error *found, struct error *error) {
        if (code == -ENOENT)
                return error_set(error, code,
                                 "there is no user '%s'; `ccodesctl users list` shows those that there are", name);
        if (code == -EEXIST)
                return error_set(error, code,
                                 "there is a user '%s' already; `ccodesctl users passwd %s` sets a password", name,
                                 name);
        return error_set(error, code, "%s", found->text);
}

/* Sends what is to be done with the user, and reports it. `body` has what is needed beside the name. */
static int change(struct cli *cli, const struct cli_arguments *arguments, const char *path, struct account_body *body,
                  const char *result, const char *words, struct error *error) {
        _cleanup_json_ struct json_object *answer = NULL;
        const char *name = arguments->operands[0];
        struct error found = ERROR_INIT;
        account_body_add(body, "name", name);
        int r = account_request(account_socket(arguments), path, body, &found, &answer);
        if (r < 0)
                return explain(r, name, &found, error);
        _cleanup_free_ char *message = text_format("The user '%s' %s", name, words);
        cli_report(cli, result, message ? message : words);
        return CLI_DONE;
}

/* 0, or the exit status after the mistake was said. */
static int check_role(struct cli *cli, const char *role) {
        const char *const names[] = { role_name(ROLE_VIEWER), role_name(ROLE_OPERATOR), role_name(ROLE_ADMIN), NULL };
        enum role known;
        if (role_from_name(slice_of(role), &known))
                return 0;
        const char *nearest = nearest_of(role, names);
        if (nearest)
                return cli_refuse(cli, "'%s' is no role; did you mean '%s'?", role, nearest);
        return cli_refuse(cli, "'%s' is no role; there are %s, %s and %s", role, names[0], names[1], names[2]);
}

/* Asks for it before the daemon is asked for anything: a typing error leaves nothing half done. */
static int add_password(struct cli *cli, const char *name, struct account_body *body, struct error *error) {
        char password[PASSWORD_INPUT_SIZE];
        int r = password_input(cli, name, error, password);
        if (r >= 0)
                account_body_add(body, "password", password);
        explicit_bzero(password, sizeof(password));
        return r;
}

int verb_users_add(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_account_body_ struct account_body body = ACCOUNT_BODY_INIT;
        const char *given = cli_argument(arguments, "role"), *role = given ? given : role_name(ROLE_VIEWER);
        bool has_password = !cli_argument(arguments, "no-password");
        int r = check_role(cli, role);
        if (r != 0)
                return r;
        r = has_password ? add_password(cli, arguments->operands[0], &body, error) : 0;
        if (r < 0)
                return r;
        account_body_add(&body, "role", role);
        return change(cli, arguments, "/users/add", &body, "added",
                      has_password ? "is there now."
                                   : "is there now, without a password; `ccodesctl tokens add` makes a token.",
                      error);
}

int verb_users_passwd(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_account_body_ struct account_body body = ACCOUNT_BODY_INIT;
        int r = add_password(cli, arguments->operands[0], &body, error);
        return r < 0 ? r
                     : change(cli, arguments, "/users/set-password", &body, "changed",
                              "has a new password. Tokens stay as they are.", error);
}

int verb_users_role(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_account_body_ struct account_body body = ACCOUNT_BODY_INIT;
        const char *role = arguments->operands[1];
        int r = check_role(cli, role);
        if (r != 0)
                return r;
        account_body_add(&body, "role", role);
        return change(cli, arguments, "/users/set-role", &body, "changed",
                      "has the role now, which bounds the tokens too.", error);
}

int verb_users_disable(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_account_body_ struct account_body body = ACCOUNT_BODY_INIT;
        return change(cli, arguments, "/users/disable", &body, "disabled",
                      "is shut out, with every token; `ccodesctl users enable` lets both in again.", error);
}

int verb_users_enable(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_account_body_ struct account_body body = ACCOUNT_BODY_INIT;
        return change(cli, arguments, "/users/enable", &body, "enabled",
                      "is let in, by the same password and tokens as before.", error);
}

int verb_users_remove(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_account_body_ struct account_body body = ACCOUNT_BODY_INIT;
        return change(cli, arguments, "/users/remove", &body, "removed", "is removed, and every token of that user.",
                      error);
}

static void add_row(struct output_table *table, struct json_object *user) {
        char buffer[OUTPUT_TIME_SIZE];
        bool is_disabled = json_member_boolean(user, "disabled");
        output_table_add(table, OUTPUT_STRONG, "%s", json_member_string(user, "name", "-"));
        output_table_add(table, OUTPUT_PLAIN, "%s", json_member_string(user, "role", "-"));
        output_table_add(table, OUTPUT_PLAIN, "%s", json_member_boolean(user, "password") ? "password" : "tokens only");
        output_table_add(table, is_disabled ? OUTPUT_WARNING : OUTPUT_GOOD, "%s", is_disabled ? "disabled" : "enabled");
        output_table_add(table, OUTPUT_FAINT, "since %s",
                         output_format_time(json_member_integer(user, "created"), buffer));
}

int verb_users_list(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_output_table_ struct output_table table = { .columns = 5 };
        struct json_object *answer = NULL;
        int r = account_request(account_socket(arguments), "/users", NULL, error, &answer);
        if (r < 0)
                return r;
        struct json_object *users = json_member_array(answer, "users");
        for (size_t i = 0; users && i < json_object_array_length(users); i++)
                add_row(&table, json_object_array_get_idx(users, i));
        if (!cli->json && table.count == 0)
                output_print(&cli->out, OUTPUT_PLAIN, "There are no users; `ccodesctl users add NAME` makes one.\n");
        else if (!cli->json)
                output_table_print(&cli->out, &table);
        cli_report_object(cli, answer);
        return CLI_DONE;
}
