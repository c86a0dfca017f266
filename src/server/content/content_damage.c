/* SPDX-License-Identifier: Apache-2.0 */
/* A stored file that is not what was written is more than a failed request: somebody should look, whatever becomes of the access log. */
#include "server/content/content_damage.h"

#include <errno.h>

#include "http/exchange.h"
#include "http/worker.h"
#include "shared/message_id.h"
#include "shared/syscall.h"

void content_damage_log(struct http_exchange *exchange, int error, const char *detail) {
        if (error != -EBADMSG && error != -ENOKEY)
                return;
        char id[16];
        http_exchange_id_text(exchange, id);
        const struct http_request *request = &exchange->request;
        const struct log_field fields[] = {
                { "CCODES_HOST", request->host },
                { "CCODES_PATH", request->path },
                { "CCODES_REQUEST_ID", { id, sizeof(id) } },
                { "CCODES_CAUSE", slice_of(cause_entry(http_body_cause(error))->code) },
        };
        log_event(exchange->worker->log, LOG_LEVEL_ERROR, MESSAGE_ID_CONTENT_DAMAGED, fields, ELEMENTS_OF(fields),
                  "the stored file for %.*s%.*s was not sent%s: %s", SLICE_PRINTF(request->host),
                  SLICE_PRINTF(request->path), exchange->is_responded ? " on" : "",
                  detail ? detail : "what lies on the disk is not what was written");
}
