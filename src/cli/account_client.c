/* SPDX-License-Identifier: Apache-2.0 */
/* What ccodesctl asks of ccodes-auth, and what its refusals mean for people. */
#include "cli/account_client.h"

#include <errno.h>
#include <string.h>

#include "cli/services.h"
#include "shared/cause.h"

#define SOCKET CLI_SOCKET_FOLDER "/auth-accounts.sock"
#define TIMEOUT_SECONDS 30 /* a password is hashed on purpose slowly, and others may be before it */

void account_body_done(struct account_body *body) {
        if (body->text.data)
                explicit_bzero(body->text.data, body->text.length);
        text_done(&body->text);
}

static void begin_member(struct account_body *body, const char *name) {
        text_append_char(&body->text, body->text.length > 0 ? ',' : '{');
        text_append_json(&body->text, slice_of(name));
        text_append_char(&body->text, ':');
}

void account_body_add(struct account_body *body, const char *name, const char *value) {
        begin_member(body, name);
        text_append_json(&body->text, slice_of(value));
}

void account_body_add_number(struct account_body *body, const char *name, uint64_t value) {
        begin_member(body, name);
        text_append_unsigned(&body->text, value);
}

static int exchange(const char *socket, const char *path, struct account_body *body, struct error *error,
                    struct admin_response *ret_response) {
        struct error found = ERROR_INIT;
        if (body)
                text_append_char(&body->text, '}');
        int r = admin_request(socket, body ? "POST" : "GET", path, body ? &body->text : NULL, TIMEOUT_SECONDS, &found,
                              ret_response);
        if (r == -ESRCH && strcmp(socket, SOCKET) == 0)
                return error_set(error, r,
                                 "nothing listens on %s: ccodes-auth does not run; 'sudo ccodesctl start auth' starts "
                                 "it, and its sockets",
                                 socket);
        return r < 0 ? error_set(error, r, "%s", found.text) : 0;
}

static int code_of(int status) {
        switch (status) {
        case 400:
                return -EINVAL;
        case 404:
                return -ENOENT;
        case 409:
                return -EEXIST;
        default:
                return -EIO;
        }
}

const char *account_socket(const struct cli_arguments *arguments) {
        const char *given = cli_argument(arguments, "socket");
        return given ? given : SOCKET;
}

int account_request(const char *socket, const char *path, struct account_body *body, struct error *error,
                    struct json_object **ret_object) {
        _cleanup_admin_response_ struct admin_response response = { 0 };
        int r = exchange(socket, path, body, error, &response);
        if (r < 0)
                return r;
        struct json_object *object = json_tokener_parse(response.body);
        if (response.status == 200 && json_object_is_type(object, json_type_object)) {
                *ret_object = object;
                return 0;
        }
        const char *message = json_member_string(object, "message", NULL),
                   *cause = json_member_string(object, "cause", cause_entry(CAUSE_ENDPOINT_UNKNOWN)->code);
        r = message && strcmp(cause, cause_entry(CAUSE_ENDPOINT_UNKNOWN)->code) != 0
                            ? error_set(error, code_of(response.status), "%s", message)
                            : error_set(error, -EPROTO,
                                        "%s answers %s with status %d: that is not the accounts socket of ccodes-auth",
                                        socket, path, response.status);
        json_object_put(object);
        return r;
}
