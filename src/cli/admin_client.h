/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json.h>
#include <stddef.h>

#include "shared/error.h"
#include "shared/text.h"

/* Requests to a daemon's unix sockets: HTTP/1.1, one at a time, blocking. */
struct admin_response {
        int status;
        char *body; /* NUL-terminated */
        size_t length;
};

void admin_response_done(struct admin_response *response);
#define _cleanup_admin_response_ _cleanup_(admin_response_done)

/*
 * `method` is "GET" or "POST"; the latter carries `body`, JSON, unless that is NULL. An answer of any status is a success
 * here. -ESRCH when nobody listens on the socket, -EACCES without the right to connect, -ETIMEDOUT, -EFBIG above 64 MiB,
 * -EPROTO for what is no HTTP.
 */
int admin_request(const char *socket, const char *method, const char *path, const struct text *body,
                  unsigned timeout_seconds, struct error *error, struct admin_response *ret_response);

/* GET of JSON; any status but 200 is -EPROTO. The caller puts the object. */
int admin_get_json(const char *socket, const char *path, struct error *error, struct json_object **ret_object);

static inline void json_object_cleanup(struct json_object **object) {
        json_object_put(*object);
}
#define _cleanup_json_ _cleanup_(json_object_cleanup)

/* The member as a string, or `fallback` where there is none. The object owns it. */
const char *json_member_string(struct json_object *object, const char *name, const char *fallback);
int64_t json_member_integer(struct json_object *object, const char *name);
bool json_member_boolean(struct json_object *object, const char *name);
struct json_object *json_member_array(struct json_object *object, const char *name); /* NULL where there is none */
double json_member_number(struct json_object *object, const char *name);
