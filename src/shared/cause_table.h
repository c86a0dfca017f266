/* SPDX-License-Identifier: Apache-2.0 */
/* Included with CAUSE(identifier, code, status, sentence, advice) defined; see cause.h. Sorted by status. */

CAUSE(PATH_MALFORMED, "path-malformed", 400, "The path of the request cannot be decoded safely.",
      "The client sent %00, an incomplete percent escape, or dots that leave the root. Usually a scanner; nothing to "
      "do.")
CAUSE(REQUEST_MALFORMED, "request-malformed", 400, "The request does not follow HTTP.",
      "The journal entry's CCODES_DETAIL says which rule was broken. Usually a broken client or a scanner.")
CAUSE(HOST_INVALID, "host-invalid", 400, "The Host of the request is missing, repeated or malformed.",
      "HTTP/1.1 demands exactly one Host field (RFC 9112 section 3.2).")
CAUSE(FRAMING_AMBIGUOUS, "framing-ambiguous", 400, "The length of the request's body is ambiguous.",
      "Content-Length and Transfer-Encoding contradict each other or are malformed: refused, since it could smuggle a "
      "second request. Look at what stands between the client and this server.")
CAUSE(TLS_REQUIRED, "tls-required", 400, "A plain HTTP request came to a TLS port.", "Use https:// for this address.")
CAUSE(CLIENT_CERTIFICATE_REQUIRED, "client-certificate-required", 403, "A client certificate is required here.",
      "Install a certificate signed by the listener's client_ca in the client.")
CAUSE(FILE_FORBIDDEN, "file-forbidden", 403, "The file may not be served.",
      "The server may not read it: give the group ccodes read permission on the file and search permission on its "
      "folders.")
CAUSE(LISTING_FORBIDDEN, "listing-forbidden", 403, "The folder has no index file and may not be listed.",
      "Add an index file, or set listing = true for the site.")
CAUSE(SYMLINK_FORBIDDEN, "symlink-forbidden", 403, "The path leads through a symbolic link that may not be followed.",
      "See the site's key `symlinks`. A link that leaves the root is never followed.")
CAUSE(FILE_NOT_FOUND, "file-not-found", 404, "There is no such file.",
      "Neither the file nor one of the site's index or fallback files exists beneath its root.")
CAUSE(FILE_HIDDEN, "file-hidden", 404, "There is no such file.",
      "A part of the path begins with a dot; hidden files are refused unless the site sets hidden = true.")
CAUSE(NO_SITE, "no-site", 404, "No site answers for this host.",
      "No [[site]] has this name among its hosts and none is the default.")
CAUSE(METHOD_NOT_ALLOWED, "method-not-allowed", 405, "The method is not allowed for this address.",
      "Files answer GET, HEAD and OPTIONS.")
CAUSE(HEAD_TOO_SLOW, "head-too-slow", 408, "The request's head did not arrive in time.",
      "A slow client, or a slowloris attack. See [http.timeouts].")
CAUSE(BODY_TOO_SLOW, "body-too-slow", 408, "The request's body did not arrive in time.",
      "A slow client. See [http.timeouts].")
CAUSE(PRECONDITION_FAILED, "precondition-failed", 412, "A precondition of the request is false.",
      "The file has changed since the client saw it (If-Match, If-Unmodified-Since). Nothing to do.")
CAUSE(BODY_TOO_LARGE, "body-too-large", 413, "The request's body is larger than is allowed here.",
      "See max_body in [http.limits].")
CAUSE(TARGET_TOO_LONG, "target-too-long", 414, "The address of the request is too long.",
      "See max_request_line in [http.limits].")
CAUSE(RANGE_UNSATISFIABLE, "range-unsatisfiable", 416, "The range that was asked for lies outside of the file.",
      "The file has become shorter, or the client's range is wrong. Nothing to do.")
CAUSE(EXPECTATION_FAILED, "expectation-failed", 417, "The request expects something that this server does not know.",
      "Only Expect: 100-continue exists.")
CAUSE(MISDIRECTED, "misdirected", 421, "The request came over a connection for another name.",
      "The Host is not among the names of the certificate that was chosen by SNI.")
CAUSE(UPGRADE_REQUIRED, "upgrade-required", 426, "Another protocol is required.",
      "See the Upgrade field of the answer.")
CAUSE(TOO_MANY_CONNECTIONS, "too-many-connections", 429, "Too many connections from this address.",
      "See max_connections_per_client in [http.limits].")
CAUSE(FIELDS_TOO_LARGE, "fields-too-large", 431, "The header fields of the request are too large or too many.",
      "See max_head and max_fields in [http.limits]. Often cookies that have grown.")
CAUSE(FILE_CHANGED, "file-changed", 500, "The file changed while it was sent.",
      "It was cut short or replaced in place. Replace files by renaming a finished one over them.")
CAUSE(INTERNAL_ERROR, "internal-error", 500, "Something failed inside the server.",
      "The journal entry with the same request id says what. Please report it.")
CAUSE(OUT_OF_DESCRIPTORS, "out-of-descriptors", 503, "The server has no file descriptor left.",
      "Raise LimitNOFILE= of the unit, or lower max_connections.")
CAUSE(OUT_OF_MEMORY, "out-of-memory", 503, "The server has no memory left for this request.",
      "Raise MemoryMax= of the unit, or lower the cache's max_bytes.")
CAUSE(READ_FAILED, "read-failed", 500, "Reading the file failed.", "The journal entry names the error. Check the disk.")
CAUSE(METHOD_UNKNOWN, "method-unknown", 501, "The method is not known.",
      "Or Transfer-Encoding names a coding other than chunked.")
CAUSE(OVERLOADED, "overloaded", 503, "The server is at its limit.",
      "See max_connections in [http.limits]; ccodes_connections in /metrics shows the load.")
CAUSE(DRAINING, "draining", 503, "The server is stopping.", "Connect again: another instance answers.")
CAUSE(VERSION_UNSUPPORTED, "version-unsupported", 505, "The version of HTTP is not supported.",
      "HTTP/1.0, HTTP/1.1 and, over TLS or with prior knowledge, HTTP/2 are.")
CAUSE(CLIENT_CLOSED, "client-closed", 0, "The client closed the connection before the answer was complete.",
      "Nothing to do.")
CAUSE(SEND_TOO_SLOW, "send-too-slow", 0, "The client read the answer too slowly.", "See [http.timeouts].")
CAUSE(HANDSHAKE_FAILED, "handshake-failed", 0, "The TLS handshake failed.",
      "The journal entry says why. Often a scanner, or a client without TLS 1.2.")
CAUSE(HANDSHAKE_TOO_SLOW, "handshake-too-slow", 0, "The TLS handshake did not end in time.", "See [http.timeouts].")
