/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where it is decided who may change an upload folder. */
#include "server/upload/upload_access.h"

#include <stdio.h>

#include "shared/scope.h"

static void decided(struct access_waiter *waiter, enum cause cause) {
        struct file_request *request = container_of(waiter, struct file_request, access);
        if (request->exchange->is_responded) /* the engine had to answer meanwhile */
                return;
        if (cause == CAUSE_NONE)
                request->admitted(request);
        else
                file_request_fail(request, cause, NULL);
}

void upload_access_ask(struct file_request *request, void (*admitted)(struct file_request *request)) {
        const struct config_upload *config = request->mount->config;
        char scope[SCOPE_MAX + 1];
        if (config->access == CONFIG_UPLOAD_ANYONE) {
                admitted(request);
                return;
        }
        request->admitted = admitted;
        request->access.decided = decided;
        (void) snprintf(scope, sizeof(scope), "upload:%s", config->name);
        access_ask(request->worker->access, request->exchange, slice_of(scope), &request->access);
}
