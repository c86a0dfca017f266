/* SPDX-License-Identifier: Apache-2.0 */
/* Status lines and reason phrases, all of them constant: one of the registry as it is written there, any other number
 * of 100 to 599 with an empty reason. */
#include "http/status.h"

#include <assert.h>

#define STATUS_FIRST 100
#define STATUS_LAST 599

struct known_status {
        struct slice line;
        const char *reason;
};

/* The IANA registry of HTTP status codes, without those it marks as unused or temporary. */
#define STATUS(number, text)                                                                                          \
        [number - STATUS_FIRST] = { { "HTTP/1.1 " #number " " text "\r\n", sizeof("HTTP/1.1 nnn " text "\r\n") - 1 }, \
                                    text }
static const struct known_status known[STATUS_LAST - STATUS_FIRST + 1] = {
        STATUS(100, "Continue"),
        STATUS(101, "Switching Protocols"),
        STATUS(102, "Processing"),
        STATUS(103, "Early Hints"),
        STATUS(200, "OK"),
        STATUS(201, "Created"),
        STATUS(202, "Accepted"),
        STATUS(203, "Non-Authoritative Information"),
        STATUS(204, "No Content"),
        STATUS(205, "Reset Content"),
        STATUS(206, "Partial Content"),
        STATUS(207, "Multi-Status"),
        STATUS(208, "Already Reported"),
        STATUS(226, "IM Used"),
        STATUS(300, "Multiple Choices"),
        STATUS(301, "Moved Permanently"),
        STATUS(302, "Found"),
        STATUS(303, "See Other"),
        STATUS(304, "Not Modified"),
        STATUS(305, "Use Proxy"),
        STATUS(307, "Temporary Redirect"),
        STATUS(308, "Permanent Redirect"),
        STATUS(400, "Bad Request"),
        STATUS(401, "Unauthorized"),
        STATUS(402, "Payment Required"),
        STATUS(403, "Forbidden"),
        STATUS(404, "Not Found"),
        STATUS(405, "Method Not Allowed"),
        STATUS(406, "Not Acceptable"),
        STATUS(407, "Proxy Authentication Required"),
        STATUS(408, "Request Timeout"),
        STATUS(409, "Conflict"),
        STATUS(410, "Gone"),
        STATUS(411, "Length Required"),
        STATUS(412, "Precondition Failed"),
        STATUS(413, "Content Too Large"),
        STATUS(414, "URI Too Long"),
        STATUS(415, "Unsupported Media Type"),
        STATUS(416, "Range Not Satisfiable"),
        STATUS(417, "Expectation Failed"),
        STATUS(421, "Misdirected Request"),
        STATUS(422, "Unprocessable Content"),
        STATUS(423, "Locked"),
        STATUS(424, "Failed Dependency"),
        STATUS(425, "Too Early"),
        STATUS(426, "Upgrade Required"),
        STATUS(428, "Precondition Required"),
        STATUS(429, "Too Many Requests"),
        STATUS(431, "Request Header Fields Too Large"),
        STATUS(451, "Unavailable For Legal Reasons"),
        STATUS(500, "Internal Server Error"),
        STATUS(501, "Not Implemented"),
        STATUS(502, "Bad Gateway"),
        STATUS(503, "Service Unavailable"),
        STATUS(504, "Gateway Timeout"),
        STATUS(505, "HTTP Version Not Supported"),
        STATUS(506, "Variant Also Negotiates"),
        STATUS(507, "Insufficient Storage"),
        STATUS(508, "Loop Detected"),
        STATUS(510, "Not Extended"),
        STATUS(511, "Network Authentication Required"),
};

/* The line of every number, for those that the registry does not know. */
#define PLAIN(prefix, unit) "HTTP/1.1 " prefix unit " \r\n"
#define PLAIN_TEN(prefix)                                                                                   \
        PLAIN(prefix, "0"), PLAIN(prefix, "1"), PLAIN(prefix, "2"), PLAIN(prefix, "3"), PLAIN(prefix, "4"), \
                        PLAIN(prefix, "5"), PLAIN(prefix, "6"), PLAIN(prefix, "7"), PLAIN(prefix, "8"),     \
                        PLAIN(prefix, "9")
#define PLAIN_HUNDRED(prefix)                                                                                       \
        PLAIN_TEN(prefix "0"), PLAIN_TEN(prefix "1"), PLAIN_TEN(prefix "2"), PLAIN_TEN(prefix "3"),                 \
                        PLAIN_TEN(prefix "4"), PLAIN_TEN(prefix "5"), PLAIN_TEN(prefix "6"), PLAIN_TEN(prefix "7"), \
                        PLAIN_TEN(prefix "8"), PLAIN_TEN(prefix "9")
static const char plain[STATUS_LAST - STATUS_FIRST + 1][sizeof(PLAIN("nn", "n"))] = {
        PLAIN_HUNDRED("1"), PLAIN_HUNDRED("2"), PLAIN_HUNDRED("3"), PLAIN_HUNDRED("4"), PLAIN_HUNDRED("5"),
};

struct slice http_status_line(int status) {
        assert(status >= STATUS_FIRST && status <= STATUS_LAST);
        struct slice line = known[status - STATUS_FIRST].line;
        return line.data ? line : (struct slice) { plain[status - STATUS_FIRST], sizeof(plain[0]) - 1 };
}

const char *http_status_reason(int status) {
        if (status < STATUS_FIRST || status > STATUS_LAST)
                return "";
        const char *reason = known[status - STATUS_FIRST].reason;
        return reason ? reason : "";
}
