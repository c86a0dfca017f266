/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/admin_client.h"
#include "cli/arguments.h"

/*
 * Requests to the socket on which ccodes-auth keeps users and tokens; asking starts it where systemd holds the socket. A body
 * is a JSON object of which members are added; it may hold a password, and is overwritten before it is given back.
 */
struct account_body {
        struct text text;
};

#define ACCOUNT_BODY_INIT ((struct account_body) { TEXT_INIT })

void account_body_add(struct account_body *body, const char *name, const char *value);
void account_body_add_number(struct account_body *body, const char *name, uint64_t value);
void account_body_done(struct account_body *body);
#define _cleanup_account_body_ _cleanup_(account_body_done)

/* The socket that --socket names, or the usual one. */
const char *account_socket(const struct cli_arguments *arguments);

/*
 * Asks by POST with a body, else (NULL) by GET. The caller puts the object. -ENOENT, -EEXIST and -EINVAL, with the daemon's words, are what is wrong with the request; others as
 * admin_request.
 */
int account_request(const char *socket, const char *path, struct account_body *body, struct error *error,
                    struct json_object **ret_object);
