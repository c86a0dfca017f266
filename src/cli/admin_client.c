/* SPDX-License-Identifier: Apache-2.0 */
/* Speaks to the daemons' sockets by libcurl. A socket that systemd holds starts its service when somebody connects: whoever
 * must not do that asks systemd first. */
#include "cli/admin_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/syscall.h"

#define BODY_MAX ((size_t) 64 << 20)
#define CONNECT_SECONDS 5L

void admin_response_done(struct admin_response *response) {
        if (!response)
                return;
        free(response->body);
        *response = (struct admin_response) { 0 };
}

static void curl_cleanup(CURL **curl) {
        curl_easy_cleanup(*curl);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *userdata) {
        struct text *text = userdata;
        if (text->length + size * count > BODY_MAX)
                return 0;
        text_append(text, (struct slice) { bytes, size * count });
        return text->failed ? 0 : size * count;
}

/* Who has the right is what the socket's owner and mode say. */
static int explain_refusal(const char *socket, struct error *error) {
        struct stat status;
        bool is_for_group = stat(socket, &status) == 0 && (status.st_mode & S_IWGRP);
        const struct group *group = is_for_group ? getgrgid(status.st_gid) : NULL;
        if (group)
                return error_set(error, -EACCES, "no right to connect to %s: use sudo, or join the group '%s'", socket,
                                 group->gr_name);
        return error_set(error, -EACCES, "no right to connect to %s: use sudo", socket);
}

static int explain(CURL *curl, CURLcode code, const char *socket, const struct text *body, struct error *error) {
        long system_error = 0;
        (void) curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &system_error);
        switch (code) {
        case CURLE_COULDNT_CONNECT:
                if (system_error == ENOENT || system_error == ECONNREFUSED)
                        return error_set(error, -ESRCH, "nothing listens on %s: the service does not run", socket);
                if (system_error == EACCES || system_error == EPERM)
                        return explain_refusal(socket, error);
                if (system_error == EPROTOTYPE)
                        return error_set(error, -EPROTO, "%s takes no connections: it is for the gateway alone",
                                         socket);
                return error_set_errno(error, system_error ? -(int) system_error : -ECONNREFUSED, "connecting to %s",
                                       socket);
        case CURLE_OPERATION_TIMEDOUT:
                return error_set(error, -ETIMEDOUT, "%s does not answer in time", socket);
        case CURLE_WRITE_ERROR:
                if (body->failed)
                        return error_set_errno(error, -ENOMEM, "reading the answer of %s", socket);
                return error_set(error, -EFBIG, "the answer of %s is above %zu MiB", socket, BODY_MAX >> 20);
        case CURLE_GOT_NOTHING:
        case CURLE_RECV_ERROR:
        case CURLE_SEND_ERROR:
                return error_set(error, -ECONNRESET, "%s closed the connection without an answer", socket);
        default:
                return error_set(error, -EPROTO, "%s: %s", socket, curl_easy_strerror(code));
        }
}

static CURLcode set_up_post(CURL *curl, const struct text *body) {
        CURLcode code = curl_easy_setopt(curl, CURLOPT_POST, 1L);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, body ? (long) body->length : 0L);
        if (code == CURLE_OK && body)
                code = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data); /* which is not copied */
        return code;
}

static CURLcode set_up(CURL *curl, const char *socket, const char *url, unsigned timeout_seconds, struct text *body) {
        CURLcode code = curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_URL, url);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_PROXY, "");
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long) timeout_seconds);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_USERAGENT, "ccodesctl/" CCODES_VERSION);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
        if (code == CURLE_OK)
                code = curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
        return code;
}

int admin_request(const char *socket, const char *method, const char *path, const struct text *body,
                  unsigned timeout_seconds, struct error *error, struct admin_response *ret_response) {
        _cleanup_text_ struct text url = TEXT_INIT, answer = TEXT_INIT;
        _cleanup_(curl_cleanup) CURL *curl = curl_easy_init();
        text_printf(&url, "http://localhost%s", path);
        if (!curl || url.failed || (body && body->failed))
                return error_set_errno(error, -ENOMEM, "asking %s", socket);

        CURLcode code = set_up(curl, socket, url.data, timeout_seconds, &answer);
        if (code == CURLE_OK && strcmp(method, "POST") == 0)
                code = set_up_post(curl, body);
        if (code == CURLE_OK)
                code = curl_easy_perform(curl);
        if (code != CURLE_OK)
                return explain(curl, code, socket, &answer, error);

        long status = 0;
        (void) curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        struct admin_response response = { .status = (int) status };
        if (text_finish(&answer, &response.body, &response.length) < 0)
                return error_set_errno(error, -ENOMEM, "reading the answer of %s", socket);
        *ret_response = response;
        return 0;
}

#define JSON_TIMEOUT_SECONDS 10

int admin_get_json(const char *socket, const char *path, struct error *error, struct json_object **ret_object) {
        _cleanup_admin_response_ struct admin_response response = { 0 };
        int r = admin_request(socket, "GET", path, NULL, JSON_TIMEOUT_SECONDS, error, &response);
        if (r < 0)
                return r;
        if (response.status != 200)
                return error_set(error, -EPROTO, "%s answers %s with status %d", socket, path, response.status);
        struct json_object *object = json_tokener_parse(response.body);
        if (!json_object_is_type(object, json_type_object)) {
                json_object_put(object);
                return error_set(error, -EPROTO, "%s answers %s with what is no JSON object", socket, path);
        }
        *ret_object = object;
        return 0;
}

const char *json_member_string(struct json_object *object, const char *name, const char *fallback) {
        struct json_object *member = NULL;
        if (!json_object_object_get_ex(object, name, &member) || !json_object_is_type(member, json_type_string))
                return fallback;
        return json_object_get_string(member);
}

int64_t json_member_integer(struct json_object *object, const char *name) {
        struct json_object *member = NULL;
        return json_object_object_get_ex(object, name, &member) ? json_object_get_int64(member) : 0;
}

bool json_member_boolean(struct json_object *object, const char *name) {
        struct json_object *member = NULL;
        return json_object_object_get_ex(object, name, &member) && json_object_get_boolean(member);
}

struct json_object *json_member_array(struct json_object *object, const char *name) {
        struct json_object *member = NULL;
        (void) json_object_object_get_ex(object, name, &member);
        return json_object_is_type(member, json_type_array) ? member : NULL;
}

double json_member_number(struct json_object *object, const char *name) {
        struct json_object *member = NULL;
        return json_object_object_get_ex(object, name, &member) ? json_object_get_double(member) : 0;
}
