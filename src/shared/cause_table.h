/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included with CAUSE(identifier, code, status, sentence, advice) defined; see cause.h. Sorted by status.
 *
 * A code never changes once it was released. The sentence says to whoever asked what happened, and nothing that a
 * stranger should not learn; the advice says to the operator what to look at or to change, and that nothing needs to
 * be done where that is so.
 */

CAUSE(FRAMING_AMBIGUOUS, "framing-ambiguous", 400, "The length of the request's body is ambiguous.",
      "Content-Length and Transfer-Encoding contradict each other or are malformed: refused, since a second request "
      "could be smuggled that way. Look at what stands between the client and this server.")
CAUSE(HOST_INVALID, "host-invalid", 400, "The Host of the request is missing, repeated or malformed.",
      "HTTP/1.1 demands exactly one Host field (RFC 9112 section 3.2). Usually a scanner or a hand-made client; "
      "nothing to do.")
CAUSE(PATH_MALFORMED, "path-malformed", 400, "The path of the request cannot be decoded safely.",
      "The client sent %00, an incomplete percent escape, or dots that leave the root. Usually a scanner; nothing to "
      "do.")
CAUSE(REQUEST_MALFORMED, "request-malformed", 400, "The request does not follow HTTP.",
      "The field CCODES_DETAIL of the journal entry says which rule was broken. Usually a broken client or a scanner; "
      "nothing to do.")
CAUSE(TLS_REQUIRED, "tls-required", 400, "A plain HTTP request came to a port for TLS.",
      "The client must use https:// for this address. If it should not have to, remove tls = true from the listener.")
CAUSE(CONTENT_RANGE_REFUSED, "content-range-refused", 400, "A part of a file cannot be put.",
      "The client sent PUT with Content-Range, which would replace a part of a file: refused (RFC 9110 section 14.5). "
      "The client can use the tus protocol.")
CAUSE(DIGEST_MALFORMED, "digest-malformed", 400, "The digest of the body is malformed.",
      "Content-Digest and Repr-Digest are structured fields (RFC 9530): sha-256=:BASE64:. The client is wrong.")
CAUSE(DIGEST_MISMATCH, "digest-mismatch", 400, "The body is not what its digest says.",
      "It was damaged on its way, or the client computed the digest of something else. Nothing of it was kept.")
CAUSE(DIGEST_UNSUPPORTED, "digest-unsupported", 400, "The digest of a form cannot be checked.",
      "The files of a form are put into place one by one, before the whole of it is known. The client can put each "
      "file "
      "with its digest.")
CAUSE(FORM_MALFORMED, "form-malformed", 400, "The form is malformed.",
      "The field CCODES_DETAIL of the journal entry says which rule was broken. A broken client, or one that sent no "
      "file.")
CAUSE(TUS_CONCAT_INVALID, "tus-concat-invalid", 400, "These uploads cannot be joined.",
      "Upload-Concat names an address that is no upload of this folder, or one that is not a partial upload or not "
      "complete. The client is wrong, or the parts were removed after keep_parts.")
CAUSE(TUS_MALFORMED, "tus-malformed", 400, "The request does not follow the tus protocol.",
      "The field CCODES_DETAIL of the journal entry says which field is missing or malformed. The client is wrong.")
CAUSE(UPLOAD_NAME_INVALID, "upload-name-invalid", 400, "A file cannot have this name.",
      "The field CCODES_DETAIL of the journal entry says why. No part of a name may begin with a dot, be empty or "
      "longer than 255 bytes.")
CAUSE(INPUT_INVALID, "input-invalid", 400, "What was sent is not what is asked for here.",
      "The member `message` of the answer says what is wrong. The program that sent it is to be mended.")
CAUSE(CREDENTIALS_INVALID, "credentials-invalid", 401, "The token, or the name and the password, are not valid.",
      "The journal of ccodes-auth says from where. A token may have expired or been revoked.")
CAUSE(TOKEN_REQUIRED, "token-required", 401, "This needs a token.",
      "Only who has a token may change this upload folder. Where anybody may, set access = \"anyone\" for it.")
CAUSE(CLIENT_CERTIFICATE_REQUIRED, "client-certificate-required", 403, "A client certificate is required here.",
      "Install a certificate in the client that an authority in the listener's client_ca has signed.")
CAUSE(FILE_FORBIDDEN, "file-forbidden", 403, "The file may not be served.",
      "The user that the service runs as may not open it: grant that user, or its group, read permission on the file "
      "and search permission on each of its folders.")
CAUSE(LISTING_FORBIDDEN, "listing-forbidden", 403, "The folder has no index file and may not be listed.",
      "Add one of the files that the site's key `index` names, or set listing = true for the site.")
CAUSE(ORIGIN_FORBIDDEN, "origin-forbidden", 403, "Pages of other sites may not open this connection.",
      "The field Origin names another site than the request's own. Serve the page from the same host and port.")
CAUSE(SYMLINK_FORBIDDEN, "symlink-forbidden", 403, "The path leads through a symbolic link that may not be followed.",
      "See the site's key `symlinks`. A link that leaves the root is never followed; a bind mount can take its place.")
CAUSE(SCOPE_MISSING, "scope-missing", 403, "This token or user may not do that.",
      "The scopes of a token say what it may do, and its user's role bounds them.")
CAUSE(SIGNATURE_INVALID, "signature-invalid", 403, "The address was not signed here, or was changed.",
      "Somebody changed a signed address, or the key that it was signed with has been removed. `ccodesctl sign` makes "
      "new "
      "ones.")
CAUSE(SIGNATURE_MALFORMED, "signature-malformed", 403, "The address is not a whole signed address.",
      "It was cut or rewritten on its way, often in a mail. Send it again.")
CAUSE(SIGNATURE_MISSING, "signature-missing", 403, "This can be read by a signed address only.",
      "A rule or the upload folder has signed = true. `ccodesctl sign` makes an address.")
CAUSE(TUS_FINAL, "tus-final", 403, "A final upload takes no bytes.",
      "It was made of other uploads (Upload-Concat: final). The client is wrong.")
CAUSE(ACCOUNT_UNKNOWN, "account-unknown", 404, "There is no such user or token.",
      "It was removed, or its name is misspelt.")
CAUSE(FILE_HIDDEN, "file-hidden", 404, "There is no such file.",
      "A part of the path begins with a dot. Such names are refused, whether they exist or not, unless the site sets "
      "hidden = true.")
CAUSE(FILE_NOT_FOUND, "file-not-found", 404, "There is no such file.",
      "Beneath the site's root there is no file of this name, no index file in a folder of this name and no fallback.")
CAUSE(ENDPOINT_UNKNOWN, "endpoint-unknown", 404, "There is no such endpoint.",
      "The admin socket knows /healthz, /readyz, /metrics, /status, /config, POST /reload and POST /logs/reopen.")
CAUSE(NO_SITE, "no-site", 404, "No site answers for this host.",
      "No [[site]] has this name among its hosts, and none sets default = true.")
CAUSE(TUS_UNKNOWN, "tus-unknown", 404, "There is no such upload.",
      "It was never begun, was given up, or was removed because nothing came for it within keep_parts. The client "
      "begins "
      "anew.")
CAUSE(METHOD_NOT_ALLOWED, "method-not-allowed", 405, "The method is not allowed for this address.",
      "The field Allow of the answer names the methods that are. Files answer GET, HEAD and OPTIONS.")
CAUSE(BODY_TOO_SLOW, "body-too-slow", 408, "The body of the request did not arrive in time.",
      "A slow client or network. Where honest uploads need longer, raise the body's values in [http.timeouts].")
CAUSE(HEAD_TOO_SLOW, "head-too-slow", 408, "The head of the request did not arrive in time.",
      "A slow client, or an attack that holds connections open. See the head's values in [http.timeouts].")
CAUSE(TUS_OFFSET, "tus-offset", 409, "The upload does not stand where the request goes on.",
      "The client asks with HEAD where it stands, as it does after a connection was cut. Nothing to do.")
CAUSE(NAME_TAKEN, "name-taken", 409, "There is a user of this name already.",
      "Choose another name, or change the user that there is.")
CAUSE(UPLOAD_EXISTS, "upload-exists", 409, "There is a file of this name already.",
      "The upload folder has overwrite = false. The client must choose another name, or delete the file before.")
CAUSE(UPLOAD_FOLDER_NOT_EMPTY, "upload-folder-not-empty", 409, "The folder is not empty.",
      "Only empty folders can be deleted. Delete what is in it before.")
CAUSE(UPLOAD_NAME_TAKEN, "upload-name-taken", 409, "Something that is no file has this name already.",
      "A folder has the name, or a file or a link stands where the path needs a folder. The client must choose another "
      "name.")
CAUSE(SIGNATURE_EXPIRED, "signature-expired", 410, "The time of this address is over.",
      "It was signed until a time that has passed. `ccodesctl sign` makes a new one; look at the machine's clock when "
      "it is "
      "new.")
CAUSE(TUS_EXPIRED, "tus-expired", 410, "The upload has expired.",
      "Nothing came for it within keep_parts of the upload folder. The client begins anew.")
CAUSE(PRECONDITION_FAILED, "precondition-failed", 412, "A condition that the request sets does not hold.",
      "The file has changed since the client saw it (If-Match, If-Unmodified-Since). Nothing to do.")
CAUSE(TUS_VERSION_UNSUPPORTED, "tus-version-unsupported", 412, "This version of the tus protocol is not spoken.",
      "The field Tus-Resumable of the request is missing or is not 1.0.0. Usually a request that is none of a tus "
      "client.")
CAUSE(BODY_TOO_LARGE, "body-too-large", 413, "The body of the request is larger than is allowed here.",
      "Where such bodies are wanted, raise max_body in [http.limits].")
CAUSE(UPLOAD_TOO_LARGE, "upload-too-large", 413, "The file is larger than is allowed here.",
      "Where such files are wanted, raise max_file of the upload folder.")
CAUSE(TARGET_TOO_LONG, "target-too-long", 414, "The address of the request is too long.",
      "Where such addresses are wanted, raise max_request_line in [http.limits].")
CAUSE(MEDIA_TYPE_UNSUPPORTED, "media-type-unsupported", 415, "The body is of a type that is not understood here.",
      "Forms are sent as multipart/form-data, files without Content-Encoding. Usually a client that was made for "
      "something else.")
CAUSE(UPLOAD_TYPE_REFUSED, "upload-type-refused", 415, "Files of this type are not taken here.",
      "The field CCODES_DETAIL of the journal entry says what the content looks like. Where such files are wanted, add "
      "the type to the key types of the upload folder.")
CAUSE(RANGE_UNSATISFIABLE, "range-unsatisfiable", 416, "The range that was asked for lies outside of the file.",
      "The file has become shorter, or the client asked for a wrong range. Nothing to do.")
CAUSE(EXPECTATION_FAILED, "expectation-failed", 417, "The request expects something that this server cannot do.",
      "100-continue is the only expectation that exists (RFC 9110 section 10.1.1). The client is wrong.")
CAUSE(MISDIRECTED, "misdirected", 421, "The request came over a connection that was opened for another name.",
      "The Host is not among the names of the certificate that SNI had chosen. A browser asks again by itself; nothing "
      "to do.")
CAUSE(TUS_LOCKED, "tus-locked", 423, "Another request is writing to the upload.",
      "Usually the connection before, whose end is not known yet. The client tries again.")
CAUSE(UPGRADE_REQUIRED, "upgrade-required", 426, "This address needs another protocol.",
      "The field Upgrade of the answer names it. The client must speak it.")
CAUSE(LOGIN_SLOWED, "login-slowed", 429, "There were too many failed log-ins; try again later.",
      "The field Retry-After says when. The journal of ccodes-auth says who tried from where; the right password is "
      "let "
      "in after the wait.")
CAUSE(TOO_MANY_CONNECTIONS, "too-many-connections", 429, "There are too many connections from this address.",
      "Where many people share one address, raise max_connections in [http.clients], or name the "
      "address in its key exempt.")
CAUSE(TOO_MANY_HEADS, "too-many-heads", 429, "There are too many unfinished requests from this address.",
      "An attack that holds requests open, as a rule. Where many people share one address, raise max_head_memory in "
      "[http.clients].")
CAUSE(TOO_MANY_REQUESTS, "too-many-requests", 429, "There are too many requests from this address under way.",
      "Where many people share one address, raise max_requests in [http.clients], or name the address in its key "
      "exempt.")
CAUSE(FIELDS_TOO_LARGE, "fields-too-large", 431, "The header fields of the request are too large or too many.",
      "Often cookies that have grown. Where they are wanted, raise max_head or max_fields in [http.limits].")
CAUSE(TUS_CHECKSUM_MISMATCH, "tus-checksum-mismatch", 460, "The bytes are not what their checksum says.",
      "They were damaged on their way, and were not kept. The client sends them again.")
CAUSE(CONTENT_DAMAGED, "content-damaged", 500, "The stored file is not what was written.",
      "It is sealed (encrypted), and what lies on the disk was changed, cut short, moved, or belongs to another file: "
      "nothing "
      "of it was sent. The journal entry with the same request id says where. Restore it from a backup.")
CAUSE(FILE_CHANGED, "file-changed", 500, "The file changed while it was being sent.",
      "It was cut short or overwritten in place. Replace a file by renaming a finished one over it.")
CAUSE(INTERNAL_ERROR, "internal-error", 500, "Something failed inside the server.",
      "The journal entry with the same request id says what. Please report it.")
CAUSE(KEY_MISSING, "key-missing", 500, "The stored file cannot be opened.",
      "It is sealed (encrypted) with a key that the credential of its folder does not hold; the journal entry with the "
      "same "
      "request id names the key. Put it back: `ccodesctl keys list` shows those that there are.")
CAUSE(READ_FAILED, "read-failed", 500, "The file could not be read.",
      "The journal entry with the same request id names the system's error. Check the disk or the network file system.")
CAUSE(UPLOAD_FOLDER_UNWRITABLE, "upload-folder-unwritable", 500, "The upload folder cannot be written to.",
      "The user that the service runs as must own the folder or have write permission on it; its file system must not "
      "be mounted read-only.")
CAUSE(UPLOAD_WRITE_FAILED, "upload-write-failed", 500, "The file could not be written.",
      "The journal entry with the same request id names the system's error. Check the disk.")
CAUSE(METHOD_UNKNOWN, "method-unknown", 501, "The method or the transfer coding of the request is not known.",
      "A scanner, or a client that needs an extension of HTTP which this server does not have.")
CAUSE(DRAINING, "draining", 503, "The server is being stopped.",
      "Another instance answers, or will soon: the client may try again at once.")
CAUSE(OUT_OF_DESCRIPTORS, "out-of-descriptors", 503, "The server has no file descriptor left for this request.",
      "Raise LimitNOFILE= of the unit, or lower max_connections in [http.limits].")
CAUSE(OUT_OF_MEMORY, "out-of-memory", 503, "The server has no memory left for this request.",
      "Raise MemoryMax= of the unit, or lower max_bytes of the file cache or max_connections in [http.limits].")
CAUSE(OVERLOADED, "overloaded", 503, "The server is at its limit.",
      "/metrics shows the load. Where the machine can bear more, raise max_connections in [http.limits].")
CAUSE(ROOT_GONE, "root-gone", 503, "The site is not there at the moment.",
      "The folder that was the site's root was removed after it had been opened. Put it back and reload; where the "
      "sandbox does not admit to a folder that is new, `ccodesctl apply` starts a process that may read it.")
CAUSE(AUTH_UNAVAILABLE, "auth-unavailable", 503, "Who you are cannot be checked at the moment.",
      "There is no answer from ccodes-auth: `systemctl status ccodes-auth` says whether it runs, the journal "
      "of both "
      "why not.")
CAUSE(STORE_UNAVAILABLE, "store-unavailable", 503, "The users cannot be read or written at the moment.",
      "The journal of ccodes-auth names the system's error: a full or broken disk, usually.")
CAUSE(UPLOAD_BUSY, "upload-busy", 503, "Too many uploads are under way.",
      "The client may try again soon. Where the machine can bear more, raise max_active of the upload folder.")
CAUSE(UPLOAD_COUNTING, "upload-counting", 503, "The upload folder is not ready yet.",
      "The files in it are being counted after a start, since it has limits. The client may try again soon; nothing to "
      "do.")
CAUSE(VERSION_UNSUPPORTED, "version-unsupported", 505, "The version of HTTP is not supported.",
      "The client is very old, very new, or a scanner. Nothing to do.")
CAUSE(UPLOAD_DISK_FULL, "upload-disk-full", 507, "There is no room left for the file.",
      "The disk of the upload folder, or the quota of the service's user, is used up. Make room, or lower min_free of "
      "the upload folder.")
CAUSE(UPLOAD_FOLDER_FULL, "upload-folder-full", 507, "The upload folder takes no more.",
      "Its max_total, max_files or max_parts is reached; the field CCODES_DETAIL of the journal entry says which. "
      "Remove files, or raise the limit.")
CAUSE(CLIENT_CLOSED, "client-closed", 0, "The client closed the connection before the answer was complete.",
      "Nothing to do.")
CAUSE(CLIENT_SILENT, "client-silent", 0, "The client answered no ping.",
      "It has gone away without saying so, or its network has. Nothing to do.")
CAUSE(HANDSHAKE_FAILED, "handshake-failed", 0, "The TLS handshake failed.",
      "The field CCODES_DETAIL of the journal entry says why. Often a scanner, or a client without TLS 1.2.")
CAUSE(HANDSHAKE_TOO_SLOW, "handshake-too-slow", 0, "The TLS handshake did not end in time.",
      "A slow client, or an attack that holds connections open. See the handshake's values in [http.timeouts].")
CAUSE(HTTP2_FLOOD, "http2-flood", 0, "The client flooded an HTTP/2 connection with frames that carry nothing.",
      "An attack, or a broken client; the field CCODES_DETAIL of the journal entry says of which frames. The bounds "
      "are "
      "max_resets and max_control_frames in [http.http2].")
CAUSE(HTTP2_MALFORMED, "http2-malformed", 0, "The client broke a rule of HTTP/2.",
      "The field CCODES_DETAIL of the journal entry says which. Usually a broken client or a scanner; nothing to do.")
CAUSE(SEND_TOO_SLOW, "send-too-slow", 0, "The client took the answer too slowly.",
      "A slow client or network. Where honest downloads need longer, lower the send phase's minimum_rate in "
      "[http.timeouts].")
CAUSE(TOO_MANY_SLOW_READS, "too-many-slow-reads", 0, "The client takes too many answers too slowly.",
      "An attack that holds answers open, as a rule. See max_slow_reads and slow_read_rate in [http.clients].")
