/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/slice.h"

/* Request methods (RFC 9110 section 9.3, RFC 5789). Others are HTTP_METHOD_OTHER and keep their name as text. */
enum http_method {
        HTTP_METHOD_OTHER,
        HTTP_METHOD_GET,
        HTTP_METHOD_HEAD,
        HTTP_METHOD_POST,
        HTTP_METHOD_PUT,
        HTTP_METHOD_DELETE,
        HTTP_METHOD_CONNECT,
        HTTP_METHOD_OPTIONS,
        HTTP_METHOD_TRACE,
        HTTP_METHOD_PATCH,
};

enum http_method http_method_from_name(struct slice name);
