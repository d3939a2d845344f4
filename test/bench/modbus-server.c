/* The server of the client benches: 100 registers, any unit, one client after the other, no library, so that what is measured
 * is the client. Prints the port; ends when it is killed. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { request = 12, answer = 209, most = 64 };

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (bind(listener, (struct sockaddr *) &address, size) || listen(listener, 8)) return 1;
    if (getsockname(listener, (struct sockaddr *) &address, &size)) return 1;
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    unsigned char in[request * most], out[answer * most];
    memset(out, 0, sizeof out);
    for (unsigned char *at = out; at < out + sizeof out; at += answer) {
        at[5] = answer - 6, at[7] = 3, at[8] = 200;
        for (int i = 0; i < 100; i++) at[9 + 2 * i] = (1000 + i) >> 8, at[10 + 2 * i] = (1000 + i) & 255;
    }
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) return 1;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        size_t held = 0;
        ssize_t got;
        while ((got = read(client, in + held, sizeof in - held)) > 0) {
            held += got;
            size_t whole = held / request;
            for (size_t i = 0; i < whole; i++) {
                memcpy(out + i * answer, in + i * request, 2);
                out[i * answer + 6] = in[i * request + 6];
            }
            if (write(client, out, whole * answer) != (ssize_t) (whole * answer)) break;
            held -= whole * request;
            memmove(in, in + whole * request, held);
        }
        close(client);
    }
}
