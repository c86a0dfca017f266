/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the request methods. They are case-sensitive (RFC 9110 section 9.1): "get" is another method. */
#include "http/method.h"

static enum http_method match(struct slice name, const char *text, enum http_method method) {
        return memcmp(name.data, text, name.length) == 0 ? method : HTTP_METHOD_OTHER;
}

enum http_method http_method_from_name(struct slice name) {
        switch (name.length) {
        case 3:
                return name.data[0] == 'G' ? match(name, "GET", HTTP_METHOD_GET) : match(name, "PUT", HTTP_METHOD_PUT);
        case 4:
                return name.data[0] == 'H' ? match(name, "HEAD", HTTP_METHOD_HEAD)
                                           : match(name, "POST", HTTP_METHOD_POST);
        case 5:
                return name.data[0] == 'P' ? match(name, "PATCH", HTTP_METHOD_PATCH)
                                           : match(name, "TRACE", HTTP_METHOD_TRACE);
        case 6:
                return match(name, "DELETE", HTTP_METHOD_DELETE);
        case 7:
                return name.data[0] == 'C' ? match(name, "CONNECT", HTTP_METHOD_CONNECT)
                                           : match(name, "OPTIONS", HTTP_METHOD_OPTIONS);
        default:
                return HTTP_METHOD_OTHER;
        }
}
