/* A libmodbus server that tells every request that reaches it: "tcp", or "rtu PATH". Unit 1 has holding registers and coils 0-19, all 0.
 * Prints "ready PORT" (0 for rtu), then "request FUNCTION ADDRESS" for each; killed by the test. */
#include <arpa/inet.h>
#include <modbus.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int rtu = argc > 2 && strcmp(argv[1], "rtu") == 0;
    modbus_t *ctx = rtu ? modbus_new_rtu(argv[2], 19200, 'N', 8, 1) : modbus_new_tcp("127.0.0.1", 0);
    modbus_mapping_t *map = modbus_mapping_new(20, 0, 20, 0);
    if (ctx == NULL || map == NULL) return 1;
    int listener = -1, port = 0;
    if (rtu) {
        modbus_set_slave(ctx, 1);
        if (modbus_connect(ctx) == -1) return 1;
    } else {
        listener = modbus_tcp_listen(ctx, 1);
        struct sockaddr_in address;
        socklen_t size = sizeof address;
        if (listener == -1 || getsockname(listener, (struct sockaddr *) &address, &size) == -1) return 1;
        port = ntohs(address.sin_port);
    }
    printf("ready %d\n", port);
    fflush(stdout);
    int offset = modbus_get_header_length(ctx);
    for (;;) {
        uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
        if (!rtu && modbus_tcp_accept(ctx, &listener) == -1) return 1;
        int length;
        while ((length = modbus_receive(ctx, query)) != -1) {
            if (length <= 0) continue;
            printf("request %d %d\n", query[offset], query[offset + 1] << 8 | query[offset + 2]);
            fflush(stdout);
            modbus_reply(ctx, query, length, map);
        }
        if (!rtu) modbus_close(ctx);
    }
}
