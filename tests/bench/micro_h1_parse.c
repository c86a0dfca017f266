/* SPDX-License-Identifier: Apache-2.0 */
/* How long the parsing of one request head takes, for each implementation that this CPU has. The best of several rounds
 * is printed, which is what a shared machine's noise disturbs least. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "http/h1/h1_scan.h"
#include "shared/syscall.h"

#define FIELDS_MAX 64
#define ITERATIONS 100000
#define ROUNDS 15

static const struct {
        const char *name, *text;
} heads[] = {
        { "wrk", "GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: wrk/4.1.0 [epoll]\r\n"
                 "Accept: text/html\r\nAccept-Encoding: gzip, br\r\nConnection: keep-alive\r\n\r\n" },
        { "browser",
          "GET /assets/app.js?v=3f2a HTTP/1.1\r\nHost: www.example.org\r\n"
          "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
          "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
          "Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nConnection: keep-alive\r\n"
          "Referer: https://www.example.org/\r\nCookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
          "Sec-Fetch-Dest: script\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Site: same-origin\r\n\r\n" },
};

static uint64_t now_nsec(void) {
        struct timespec now;
        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec;
}

/* Nanoseconds of one parse, the best of all rounds. */
static double measure(const struct h1_scanner *scanner, const char *text, size_t length) {
        const struct h1_limits limits = { .max_request_line = 8192, .max_head = 16384 };
        struct http_field items[FIELDS_MAX];
        struct http_fields fields;
        double best = 0;

        http_fields_init(&fields, items, FIELDS_MAX);
        for (int round = 0; round < ROUNDS; round++) {
                uint64_t start = now_nsec();
                for (int i = 0; i < ITERATIONS; i++) {
                        struct h1_request_head head;
                        struct http_fault fault;
                        size_t scanned = 0;
                        ssize_t r = h1_parse_request_with(scanner, text, length, &limits, &scanned, &fields, &head,
                                                          &fault);
                        if (r != (ssize_t) length)
                                abort();
                }
                double each = (double) (now_nsec() - start) / ITERATIONS;
                if (round == 0 || each < best)
                        best = each;
        }
        return best;
}

int main(void) {
        const struct h1_scanner *scanners[3];
        size_t count = h1_scanners(scanners);
        for (size_t i = 0; i < ELEMENTS_OF(heads); i++) {
                size_t length = strlen(heads[i].text);
                for (size_t k = 0; k < count; k++) {
                        double nsec = measure(scanners[k], heads[i].text, length);
                        printf("%-8s %4zu bytes  %-8s %7.1f ns  %5.2f GB/s\n", heads[i].name, length, scanners[k]->name,
                               nsec, (double) length / nsec);
                }
        }
        return 0;
}
